/** Replies that say no: always JSON `{ error, message }`. */
import type { FastifyReply } from 'fastify'

/** The closed list of codes in `error`, with their HTTP status. */
export const API_ERRORS = {
  malformed: 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  refused: 409,
  'too-large': 413,
  'unsupported-media-type': 415,
  internal: 500,
  'reload-failed': 500,
  unavailable: 503
} as const
export type ApiErrorCode = keyof typeof API_ERRORS

/** When to try again what is not available now [s]. Alertmanager retries by its own schedule; other senders may heed it. */
const RETRY_AFTER_SECONDS = 5

/**
 * Sends the refusal.
 * @param more - further fields, for example `vetoes`; no secrets
 */
export function refuse (reply: FastifyReply, error: ApiErrorCode, message: string, more: Readonly<Record<string, unknown>> = {}): FastifyReply {
  if (error === 'unavailable') reply.header('retry-after', RETRY_AFTER_SECONDS)
  if (error === 'unauthorized') reply.header('www-authenticate', 'Bearer realm="pointsman", Basic realm="pointsman"')
  return reply.code(API_ERRORS[error]).send({ error, message, ...more })
}
