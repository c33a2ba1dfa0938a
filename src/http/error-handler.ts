/** Turns what fastify refuses and what we throw into the API's one form of error. */
import type { FastifyInstance } from 'fastify'
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

function codeOf (status: number): ApiErrorCode {
  const codes = Object.keys(API_ERRORS) as ApiErrorCode[]
  return codes.find((code) => API_ERRORS[code] === status) ?? 'malformed'
}
