import { test } from 'tap'
import { createAgenda } from '../../src/engine/agenda.ts'

const all = (): boolean => true

test('who is marked or due is planned, and only once', async (t) => {
  const agenda = createAgenda()
  agenda.wakeAt('late', 200)
  agenda.wakeAt('soon', 100)
  agenda.mark('now')
  t.same(agenda.due(50, all), ['now'])
  t.same(agenda.due(100, all), ['now', 'soon'], 'until it is cleared it stays')
  for (const id of ['now', 'soon']) agenda.clear(id)
  t.same(agenda.due(100, all), [])
  t.equal(agenda.nextAtMs(), 200)
})

test('who may not be planned now stays marked', async (t) => {
  const agenda = createAgenda()
  agenda.wakeAt('busy', 100)
  t.same(agenda.due(150, () => false), [])
  t.equal(agenda.has('busy'), true)
  t.same(agenda.due(150, all), ['busy'])
})

test('an instant that is set anew takes the place of the one before', async (t) => {
  const agenda = createAgenda()
  for (const atMs of [100, 300, 200]) agenda.wakeAt('acme', atMs)
  t.equal(agenda.nextAtMs(), 200)
  t.same(agenda.due(199, all), [])
  agenda.wakeAt('acme', null)
  t.equal(agenda.nextAtMs(), null)
  t.equal(agenda.has('acme'), false)
})

test('the wall clock was set: what is due keeps its distance', async (t) => {
  const agenda = createAgenda()
  agenda.wakeAt('acme', 1000)
  agenda.clockSet(-600)
  t.equal(agenda.nextAtMs(), 400)
  agenda.clear('acme')
  t.equal(agenda.nextAtMs(), null)
})
