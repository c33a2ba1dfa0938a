import { test } from 'tap'
import { systemClock, systemRandom } from '../src/clock.ts'

test('random text is hexadecimal, as long as asked, and never twice the same', async (t) => {
  const lengths = [0, 1, 8, 16, 33, 4096, 5000]
  for (const bytes of lengths) t.match(systemRandom.hex(bytes), new RegExp(`^[0-9a-f]{${2 * bytes}}$`), `${bytes} bytes`)
  const many = Array.from({ length: 20_000 }, (_, index) => systemRandom.hex(8 + index % 9).slice(0, 16))
  t.equal(new Set(many).size, many.length)
})

test('fractions lie in [0, 1), evenly', async (t) => {
  const drawn = Array.from({ length: 20_000 }, () => systemRandom.fraction())
  t.ok(drawn.every((value) => value >= 0 && value < 1))
  const tenths = Array.from({ length: 10 }, (_, tenth) => drawn.filter((value) => Math.floor(value * 10) === tenth).length)
  t.ok(tenths.every((count) => count > 1700 && count < 2300), tenths.join(' '))
})

test('the machine tells its run and uptime, which grows like the other clocks', async (t) => {
  const first = systemClock.boot()
  if (first === null) {
    t.not(process.platform, 'linux', 'only Linux names its runs')
    return
  }
  const start = systemClock.monotonicMs()
  await systemClock.sleep(50)
  const second = systemClock.boot()
  const passedMs = systemClock.monotonicMs() - start
  t.equal(second?.id, first.id)
  t.ok(Math.abs((second?.upMs ?? 0) - first.upMs - passedMs) < 30, 'within its resolution of 10 ms, and some')
})
