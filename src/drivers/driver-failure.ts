/** Failures of drivers, as data. A detail never quotes what a gateway or an error said: it may hold secrets. */
import type { DriverFailure } from '../core/observation.ts'
import type { DriverReason } from '../core/reasons.ts'
import type { HttpResponse } from './http-client.ts'

/** @param effect - `none` unless the gateway may have changed or may still change */
export function failure (reason: DriverReason, detail: string, effect: DriverFailure['effect'] = 'none'): DriverFailure {
  return { ok: false, reason, detail, effect }
}

/**
 * The failure that a status alone means; null for 2xx. A 4xx says that the request was not executed, and so do the redirects
 * that ask for the same request elsewhere (RFC 9110 §15.4.8 and 15.4.9). A 5xx says nothing about it; nor does another
 * redirect, which many a web interface answers when it is done.
 */
export function statusFailure (response: HttpResponse): DriverFailure | null {
  const { status } = response
  const detail = `HTTP ${status}`
  if (status >= 200 && status < 300) return null
  if (status === 307 || status === 308) return failure('redirect', detail)
  if (status >= 300 && status < 400) return failure('redirect', detail, 'unknown')
  if (status === 401 || status === 403) return failure('auth-failed', detail)
  return failure('http-status', detail, status >= 500 ? 'unknown' : 'none')
}

/** The same failure, with the step in front: `config write: HTTP 500`. */
export function during (step: string, failed: DriverFailure, effect: DriverFailure['effect'] = failed.effect): DriverFailure {
  return { ...failed, detail: `${step}: ${failed.detail}`, effect }
}
