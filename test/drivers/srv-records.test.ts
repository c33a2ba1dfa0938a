import { test } from 'tap'
import { change, judge } from '../../src/drivers/srv-records.ts'
import type { SrvPolicy, SrvSet } from '../../src/drivers/srv-records.ts'

const POLICY: SrvPolicy = { off: 'behind', priority: 10, behind: 100, weight: 100, ttl: null }
const ABSENT: SrvPolicy = { ...POLICY, off: 'absent' }

/** `10 a` or `10 50 5070 a`; `!` in front: kept, but not handed out. */
function set (...lines: readonly string[]): SrvSet {
  return {
    name: '_sip._udp.acme.example',
    ttl: 30,
    records: lines.map((line) => {
      const parts = line.replace('!', '').split(' ')
      const [priority, weight = 100, port = 5060] = parts.slice(0, -1).map(Number)
      return { priority: priority!, weight, port, target: parts.at(-1)!, hidden: line.startsWith('!') }
    })
  }
}

const text = ({ records }: SrvSet): string => records.map(({ priority, weight, port, target, hidden }) => [`${hidden ? '!' : ''}${priority}`, ...weight === 100 && port === 5060 ? [] : [weight, port], target].join(' ')).join(', ')

const JUDGED: readonly { title: string; sets: readonly SrvSet[]; name: string; policy?: SrvPolicy; want: 'enabled' | 'disabled' | 'missing' }[] = [
  { title: 'in front', sets: [set('10 a', '100 b')], name: 'a', want: 'enabled' },
  { title: 'behind', sets: [set('10 a', '100 b')], name: 'b', want: 'disabled' },
  { title: 'any better priority is on', sets: [set('99 a')], name: 'a', want: 'enabled' },
  { title: 'no such target', sets: [set('10 a')], name: 'c', want: 'missing' },
  { title: 'no records at all', sets: [set()], name: 'a', want: 'missing' },
  { title: 'upper case and a final dot mean the same', sets: [set('10 sbc.acme.example')], name: 'SBC.acme.example.', want: 'enabled' },
  { title: 'its port', sets: [set('10 100 5070 a', '100 a')], name: 'a:5060', want: 'disabled' },
  { title: 'another port', sets: [set('10 a')], name: 'a:5070', want: 'missing' },
  { title: 'on in one of two sets is on', sets: [set('100 a'), set('10 a')], name: 'a', want: 'enabled' },
  { title: 'missing in one of two sets', sets: [set('10 a'), set('10 b')], name: 'a', want: 'missing' },
  { title: 'not handed out', sets: [set('!10 a', '10 b')], name: 'a', want: 'missing' },
  { title: 'absent: there', sets: [set('10 a')], name: 'a', policy: ABSENT, want: 'enabled' },
  { title: 'absent: there with any priority', sets: [set('500 a')], name: 'a', policy: ABSENT, want: 'enabled' },
  { title: 'absent: not there', sets: [set('10 b')], name: 'a', policy: ABSENT, want: 'disabled' },
  { title: 'absent: no record set at all is no place to be', sets: [set()], name: 'a', policy: ABSENT, want: 'missing' }
]

test('what SRV records say about a target', async (t) => {
  for (const { title, sets, name, policy = POLICY, want } of JUDGED) {
    const { present, admin } = judge(sets, name, policy)
    t.equal(present ? admin : 'missing', want, title)
  }
})

const CHANGED: readonly { title: string; from: SrvSet; name?: string; desired: 'enabled' | 'disabled'; policy?: SrvPolicy; want: string | null }[] = [
  { title: 'off goes behind the one that is off already', from: set('10 a', '100 b'), desired: 'disabled', want: '101 a, 100 b' },
  { title: 'on comes in front', from: set('101 a', '100 b'), desired: 'enabled', want: '10 a, 100 b' },
  { title: 'numbers don\'t grow', from: set('10 a', '107 b', '103 c'), desired: 'disabled', want: '102 a, 101 b, 100 c' },
  { title: 'equals stay equal', from: set('10 a', '105 b', '105 c'), desired: 'disabled', want: '101 a, 100 b, 100 c' },
  { title: 'foreign targets in front are left alone', from: set('10 a', '5 x', '100 b'), desired: 'disabled', want: '101 a, 5 x, 100 b' },
  { title: 'weight and port stay', from: set('10 7 5070 a', '100 b'), desired: 'disabled', want: '101 7 5070 a, 100 b' },
  { title: 'off already', from: set('100 a', '10 b'), desired: 'disabled', want: '100 a, 10 b' },
  { title: 'on already, with a priority of its own', from: set('3 a', '10 b'), desired: 'enabled', want: '3 a, 10 b' },
  { title: 'only that port', from: set('10 a', '10 100 5070 a'), name: 'a:5070', desired: 'disabled', want: '10 a, 100 100 5070 a' },
  { title: 'absent: off', from: set('10 a', '10 b'), desired: 'disabled', policy: ABSENT, want: '10 b' },
  { title: 'absent: the last one stays', from: set('10 a', '!10 b'), desired: 'disabled', policy: ABSENT, want: null },
  { title: 'absent: on', from: set('10 b'), name: 'a:5070', desired: 'enabled', policy: ABSENT, want: '10 b, 10 100 5070 a' },
  { title: 'absent: on in place of one that is not handed out', from: set('10 b', '!10 a'), desired: 'enabled', policy: ABSENT, want: '10 b, 10 a' },
  { title: 'absent: on already', from: set('10 b', '77 a'), desired: 'enabled', policy: ABSENT, want: '10 b, 77 a' }
]

test('how SRV records are changed', async (t) => {
  for (const { title, from, name = 'a', desired, policy = POLICY, want } of CHANGED) {
    const result = change([from], name, desired, policy)
    t.equal(result.ok ? text(result.sets[0]!) : null, want, title)
    if (!result.ok) continue
    t.equal(judge(result.sets, name, policy).admin, desired, `${title}: reads as wanted`)
    const again = change(result.sets, name, desired, policy)
    t.equal(again.ok && again.sets[0], result.sets[0], `${title}: once is enough`)
    if (want === text(from)) t.equal(result.sets[0], from, `${title}: nothing to write`)
  }
})

test('a set that is changed takes the configured time to live', async (t) => {
  const result = change([set('10 a', '100 b'), set('100 a', '10 b')], 'a', 'disabled', { ...POLICY, ttl: 5 })
  t.same(result.ok && result.sets.map(({ ttl }) => ttl), [5, 30], 'only that one')
})

test('a secure service listens at another port', async (t) => {
  const result = change([{ ...set('10 b'), name: '_sips._tcp.acme.example' }], 'a', 'enabled', ABSENT)
  t.equal(result.ok && result.sets[0]!.records[1]!.port, 5061)
})
