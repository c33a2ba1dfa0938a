/** Turns what fastify refuses and what we throw into the API's one form of error. */
import type { Socket } from 'node:net'
import type { FastifyInstance, FastifyReply } from 'fastify'
import type { Log } from '../ports.ts'
import { API_ERRORS, refuse } from './api-error.ts'
import type { ApiErrorCode } from './api-error.ts'

interface RequestError extends Error {
  readonly statusCode?: number
}

/** Below 500 the message tells the caller what to correct; from 500 on it is hidden and logged. */
export function handleErrors (app: FastifyInstance, log: Log): void {
  app.setErrorHandler<RequestError>((error, request, reply) => {
    const status = error.statusCode ?? 500
    if (status < 500) return refuse(reply, codeOf(status), error.message)
    log.error({ method: request.method, url: request.url, err: error }, 'request failed')
    return refuse(reply, 'internal', 'internal error; see the log')
  })
  app.setNotFoundHandler((request, reply) => refuse(reply, 'not-found', `no such route: ${request.method} ${request.url}`))
}

/** For URLs that no route is looked for: broken percent-encoding, a part of the path that is too long. */
export function refuseUrl (_error: unknown, _request: unknown, reply: FastifyReply): void {
  void refuse(reply, 'malformed', 'the path is not valid, or a part of it is too long')
}

/** For what is no HTTP at all: fastify never sees a request then. */
export function refuseConnection (error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, code, message] = CONNECTION_ERRORS[error.code ?? ''] ?? ['400 Bad Request', 'malformed', 'this is not a valid HTTP request']
  const body = JSON.stringify({ error: code, message })
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Type: application/json; charset=utf-8\r\nContent-Length: ${body.length}\r\n\r\n${body}`)
}

const CONNECTION_ERRORS: Readonly<Record<string, readonly [status: string, code: ApiErrorCode, message: string]>> = {
  ERR_HTTP_REQUEST_TIMEOUT: ['408 Request Timeout', 'malformed', 'the request did not arrive in time'],
  HPE_HEADER_OVERFLOW: ['431 Request Header Fields Too Large', 'too-large', 'the headers are too large']
}

function codeOf (status: number): ApiErrorCode {
  const codes = Object.keys(API_ERRORS) as ApiErrorCode[]
  return codes.find((code) => API_ERRORS[code] === status) ?? 'malformed'
}
