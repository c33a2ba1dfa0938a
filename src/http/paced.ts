/** Long answers: made and sent in pieces between which everything else has its turn. */
import { Readable } from 'node:stream'
import { setImmediate as immediate } from 'node:timers/promises'
import type { FastifyReply } from 'fastify'

/** Pieces that are made in one turn. */
const PIECES_PER_TURN = 8
/** A reader that keeps up would take tens of megabytes in one turn: after so many the rest has its turn. */
const BYTES_AT_ONCE = 262_144
/** A chunk holds about so many characters of the pieces. */
const CHUNK_LENGTH = 65_536

/** Makes the answer first, so that a failure is an error and not half an answer. @param pieces - each is made when its turn comes */
export async function sendPieces (reply: FastifyReply, pieces: Iterable<string>): Promise<FastifyReply> {
  const chunks: Buffer[] = []
  let text = ''
  let count = 0
  for (const piece of pieces) {
    text += piece
    if (text.length >= CHUNK_LENGTH) {
      chunks.push(Buffer.from(text))
      text = ''
    }
    if (++count % PIECES_PER_TURN === 0) await immediate()
  }
  return sendChunks(reply, [...chunks, Buffer.from(text)])
}

export function sendChunks (reply: FastifyReply, chunks: readonly Uint8Array[]): FastifyReply {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  return reply.header('content-length', length).send(Readable.from(inTurns(chunks), { objectMode: false }))
}

async function * inTurns (chunks: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  let bytes = 0
  for (const chunk of chunks) {
    yield chunk
    bytes += chunk.length
    if (bytes < BYTES_AT_ONCE) continue
    bytes = 0
    await immediate()
  }
}

/** JSON of an object whose iterable values are written as lists, item by item. */
export function * jsonPieces (value: object): Generator<string> {
  let before = '{'
  for (const [key, part] of Object.entries(value) as [string, unknown][]) {
    if (part === undefined) continue
    yield `${before}${JSON.stringify(key)}:`
    if (isIterable(part)) yield * listPieces(part)
    else yield JSON.stringify(part)
    before = ','
  }
  yield before === '{' ? '{}' : '}'
}

function * listPieces (items: Iterable<unknown>): Generator<string> {
  let before = '['
  for (const item of items) {
    yield before + JSON.stringify(item)
    before = ','
  }
  yield before === '[' ? '[]' : ']'
}

function isIterable (value: unknown): value is Iterable<unknown> {
  return typeof value === 'object' && value !== null && Symbol.iterator in value
}
