import Fastify from 'fastify'
import { test } from 'tap'
import { jsonPieces, sendPieces } from '../../src/http/paced.ts'

test('the pieces are the JSON of the whole', async (t) => {
  function * items (): Generator<object> {
    yield { id: 'ä"\n', nested: [1, [2]] }
    yield {}
  }
  const value = { text: 'x', number: 1, none: null, missing: undefined, empty: [], list: items(), last: { a: [] } }
  t.same(JSON.parse([...jsonPieces(value)].join('')), { text: 'x', number: 1, none: null, empty: [], list: [{ id: 'ä"\n', nested: [1, [2]] }, {}], last: { a: [] } })
  t.same([...jsonPieces({})].join(''), '{}')
})

test('a long answer is made in many turns, whole and with its length', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  let others = 0
  const end = new AbortController()
  const turnsOfOthers = (async () => {
    while (!end.signal.aborted) {
      others++
      await new Promise((resolve) => { setImmediate(resolve) })
    }
  })()
  function * pieces (): Generator<string> { for (let n = 0; n < 10_000; n++) yield `${n} äöü\n` }
  app.get('/', (_request, reply) => sendPieces(reply.type('text/plain; charset=utf-8'), pieces()))
  const reply = await app.inject('/')
  end.abort()
  await turnsOfOthers
  t.equal(reply.body, [...pieces()].join(''))
  t.equal(Number(reply.headers['content-length']), Buffer.byteLength(reply.body))
  t.ok(others > 1000, `${others} turns of others`)
})

test('a failure on the way is an error, not half an answer', async (t) => {
  const app = Fastify()
  t.teardown(() => app.close())
  function * pieces (): Generator<string> {
    for (let n = 0; n < 100; n++) yield 'x'
    throw new Error('gone')
  }
  app.get('/', (_request, reply) => sendPieces(reply, pieces()))
  t.equal((await app.inject('/')).statusCode, 500)
})
