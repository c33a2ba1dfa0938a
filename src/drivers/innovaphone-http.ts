/** How an innovaphone answers over HTTP: configuration, commands, pages. Its texts are judged and never quoted. */
import type { DriverFailure } from '../core/observation.ts'
import { during, failure, statusFailure } from './driver-failure.ts'
import type { HttpResponse, HttpResult } from './http-client.ts'
import { isConfigText } from './innovaphone-config-line.ts'

/** Asks the gateway for one path. */
export type Ask = (path: string, reads: boolean, signal: AbortSignal) => Promise<HttpResult>

const FORM_LOGIN = 'it offers its login form only: enable HTTP authentication ("Disable Native Authentication" off), or reach it through the Devices App'

/** A gateway with "Disable Native Authentication" (13r1 on) answers its form, or refuses without a challenge. */
function formLogin ({ status, headers, body }: HttpResponse): DriverFailure | null {
  const text = body.toString('latin1')
  const isForm = /^\s*</.test(text) && /type\s*=\s*["']?password/i.test(text)
  return isForm || (status === 401 && headers['www-authenticate'] === undefined) ? failure('login-form', FORM_LOGIN) : null
}

function isPage (text: string): boolean {
  return /^\s*</.test(text)
}

/** @param looksRight - what a right answer looks like */
export function readFailure (response: HttpResponse, looksRight: RegExp): DriverFailure | null {
  const failed = formLogin(response) ?? statusFailure(response)
  if (failed !== null) return failed
  const text = response.body.toString('latin1')
  return looksRight.test(text) && !/<html\b/i.test(text) ? null : failure('not-data', 'another answer than was asked for')
}

export type ConfigReading = { readonly ok: true; readonly text: string } | DriverFailure

/** The stored configuration. */
export async function readConfig (ask: Ask, signal: AbortSignal): Promise<ConfigReading> {
  const response = await ask('/cfg.txt', true, signal)
  const failed = response.ok ? formLogin(response) ?? statusFailure(response) : response
  if (failed !== null) return during('reading cfg.txt', failed, 'none')
  const text = (response as HttpResponse).body.toString('latin1')
  return isConfigText(text) ? { ok: true, text } : failure('not-data', 'reading cfg.txt: no configuration')
}

/**
 * What a command answered; null: nothing speaks against it. An unknown module or command answers `?`.
 *
 * @param isRaw - a captured request of the administration UI: it is answered with a page or with XML
 */
export function commandFailure (response: HttpResponse, isRaw: boolean): DriverFailure | null {
  const text = response.body.toString('latin1')
  const failed = formLogin(response) ?? statusFailure(response)
  if (failed !== null) return failed
  if (/^\?\r?\n?$/.test(text)) return failure('rpc-error', 'the gateway does not know the command')
  if (isRaw) return /\serror="[^"]/.test(text) ? failure('rpc-error', 'the gateway answered with an error') : null
  return isPage(text) ? failure('not-data', 'a web page instead of an answer', 'unknown') : null
}
