import { test } from 'tap'
import { createAgenda, type Agenda } from '../../src/engine/agenda.ts'

const all = (): boolean => true

/** Takes everything that is due. */
const due = (agenda: Agenda, nowMs: number): readonly string[] => {
  const taken: string[] = []
  for (let id = agenda.next(nowMs, all); id !== null; id = agenda.next(nowMs, all)) {
    agenda.clear(id)
    taken.push(id)
  }
  return taken
}

test('who is marked or due is planned, and only once', async (t) => {
  const agenda = createAgenda()
  agenda.wakeAt('late', 200)
  agenda.wakeAt('soon', 100)
  agenda.mark('now')
  t.equal(agenda.next(50, all), 'now')
  t.equal(agenda.next(50, all), 'now', 'until it is cleared it stays')
  t.same(due(agenda, 100), ['now', 'soon'])
  t.same(due(agenda, 100), [])
  t.equal(agenda.nextAtMs(), 200)
})

test('who may not be planned now waits for its release', async (t) => {
  const agenda = createAgenda()
  agenda.wakeAt('busy', 100)
  t.equal(agenda.next(150, () => false), null)
  t.equal(agenda.has('busy'), true)
  agenda.mark('busy')
  agenda.mark('free')
  t.same(due(agenda, 150), ['free'], 'until it is released nobody asks for it again')
  agenda.release('busy')
  t.same(due(agenda, 150), ['busy'])
  agenda.release('busy')
  t.same(due(agenda, 150), [], 'nothing was marked meanwhile')
})

test('an instant that is set anew takes the place of the one before', async (t) => {
  const agenda = createAgenda()
  for (const atMs of [100, 300, 200]) agenda.wakeAt('acme', atMs)
  t.equal(agenda.nextAtMs(), 200)
  t.same(due(agenda, 199), [])
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
