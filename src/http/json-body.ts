/** Reads JSON bodies, but none that would keep everything else waiting for seconds. */
import type { FastifyInstance } from 'fastify'

/** Values in one body. An outage of 5,000 alerts has some 100,000; parsing tens of millions takes seconds. */
const MAX_VALUES = 300_000
/** Shorter bodies can't hold more. */
const SHORT = 2 * MAX_VALUES

/** Only JSON: a browser can send text or a form to this machine from any page, JSON it can't. */
export function acceptJson (app: FastifyInstance): void {
  // Alertmanager's labels are data: a strange key is dropped, its body is not.
  const parse = app.getDefaultJsonParser('remove', 'remove')
  app.removeContentTypeParser(['application/json', 'text/plain'])
  app.addContentTypeParser<string>(/^application\/[\w.+-]*json\b/i, { parseAs: 'string' }, (request, body, done) => {
    if (body.length > SHORT && hasManyValues(body)) {
      done(Object.assign(new Error(`the body holds more than ${MAX_VALUES} values`), { statusCode: 413 }))
      return
    }
    void parse(request, body, done)
  })
}

/** Counts what stands between two values, or opens a list or mapping, outside of strings. */
function hasManyValues (text: string): boolean {
  let count = 0
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '"') at = endOfString(text, at)
    else if ((character === ',' || character === '[' || character === '{') && ++count > MAX_VALUES) return true
  }
  return false
}

/** @returns the index of the closing quote; the text's length when there is none */
function endOfString (text: string, start: number): number {
  for (let at = text.indexOf('"', start + 1); at !== -1; at = text.indexOf('"', at + 1)) {
    let backslashes = 0
    while (text[at - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return at
  }
  return text.length
}
