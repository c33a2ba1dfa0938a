/** What an innovaphone says about itself: alarms, a restart that is due, its role in a pair. */
import { test } from 'tap'
import { alarmsOf, isListed, resetRequiredOf, roleOf } from '../../src/drivers/innovaphone-condition.ts'
import { applyOne } from '../helpers/permitted.ts'
import { simulate } from './simulated-innovaphone.ts'

const signal = (): AbortSignal => AbortSignal.timeout(5_000)

test('alarms are counted, and one of a failed registration is known by its event', async (t) => {
  const cases = [
    { xml: '<faults></faults>', alarms: 0, registrationFailed: false },
    { xml: '<faults><fault type="alarm" severity="2" code="0x00010002" time="1"><text>Registration</text></fault></faults>', alarms: 1, registrationFailed: true },
    { xml: '<faults><fault severity="1" type="alarm" time="1"><text>event 0x00010002 SIP</text></fault></faults>', alarms: 1, registrationFailed: true },
    { xml: '<faults><fault type="alarm" code="0x00020001"><text>PRI1 down</text></fault><fault type="alarm" code="0x00010005"/></faults>', alarms: 2, registrationFailed: false },
    { xml: '<faults><fault type="alarm" code="0x00010002A"/><fault type="error" code="0x00010002"/></faults>', alarms: 1, registrationFailed: false },
    { xml: '<faults><fault type="error" code="0x00010002"/></faults>', alarms: 0, registrationFailed: false }
  ]
  for (const { xml, ...want } of cases) t.same(alarmsOf(xml), want, xml)
})

test('a restart is due when the attribute says so', async (t) => {
  t.equal(resetRequiredOf('<info><sys version="13r3" reset-required="true" temp="1"/></info>'), true)
  t.equal(resetRequiredOf('<info><sys version="13r3"/></info>'), false, 'absent: none is')
  t.equal(resetRequiredOf('<info><sys reset-required="false"/></info>'), false)
  t.equal(resetRequiredOf('?\r\n'), null, 'another answer says nothing')
})

test('each of a pair of PBXs sees the other one', async (t) => {
  t.equal(isListed('<show><reg cn="_ACTIVE_" pwd="x"/></show>'), true)
  t.equal(isListed('<show></show>'), false)
  t.equal(isListed('?\r\n'), null, 'no PBX')
  t.equal(roleOf(false, true), 'active', 'the standby is registered here')
  t.equal(roleOf(true, false), 'standby')
  for (const [active, standby] of [[true, true], [false, false], [null, null], [null, false]] as const) t.equal(roleOf(active, standby), null)
})

test('a device tells it all, and no password of it', async (t) => {
  const { driver, gateway } = await simulate(t)
  t.match(await driver.condition?.(signal()), { ok: true, condition: { alarms: 2, registrationFailed: true, resetRequired: false, role: null } }, 'its carrier does not answer')
  await applyOne(driver, 'SIP1', 'disabled', signal())
  t.match(await driver.condition?.(signal()), { ok: true, condition: { alarms: 1 } }, 'a disabled interface has no alarm')
  await gateway.inject({ pair: 'standby', resetRequired: true })
  const told = await driver.condition?.(signal())
  t.match(told, { ok: true, condition: { resetRequired: true, role: 'standby' } })
  t.notMatch(JSON.stringify(told), /pwd/)
  await gateway.inject({ pair: 'active' })
  t.match(await driver.condition?.(signal()), { ok: true, condition: { role: 'active' } })
  for (const [reply, reason] of [['html', 'not-data'], ['redirect', 'redirect'], ['error', 'http-status']] as const) {
    await gateway.clear()
    await gateway.inject({ reply })
    t.match(await driver.condition?.(signal()), { ok: false, reason, effect: 'none' }, reply)
  }
})
