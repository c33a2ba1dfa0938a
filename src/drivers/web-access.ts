/** What the drivers over HTTP have in common: the keys of the gateway's web server and of the account, and the client with both. */
import { Type } from 'typebox'
import type { TString, TOptional } from 'typebox'
import type { Random, Secret } from '../ports.ts'
import type { CurlAccount } from './curl-login.ts'
import { withCredentials } from './http-auth.ts'
import type { Credentials } from './http-auth.ts'
import { createHttpClient } from './http-client.ts'
import type { Send } from './http-client.ts'

/** Of a driver whose gateway may ask for an account or a bearer token, or for nothing. */
export interface WebAccess {
  /** Sent as bearer token. */
  readonly token?: Secret
  readonly username?: string
  readonly password?: Secret
  /** PEM. */
  readonly ca?: string
  readonly insecure_tls?: boolean
}

/** An optional key with some text. */
export function text (description: string): TOptional<TString> {
  return Type.Optional(Type.String({ minLength: 1, description }))
}

/** Keys of a schema for `WebAccess`, without the token. */
export const ACCOUNT_KEYS = {
  username: text('account, where the gateway asks for one'),
  password_file: text('file that holds its password'),
  password_env: text('environment variable that holds its password'),
  ca_file: text('PEM file with the certificate of the gateway or of its issuer; default: the system\'s'),
  insecure_tls: Type.Optional(Type.Boolean({ default: false, description: 'accept every certificate: whoever is on the way can read the password' }))
}

/** Keys of a schema for `WebAccess`. */
export const ACCESS_KEYS = {
  token_file: text('file that holds a bearer token, where the gateway asks for one'),
  token_env: text('environment variable that holds the bearer token'),
  ...ACCOUNT_KEYS
}

function credentialsOf ({ token, username, password }: WebAccess): Credentials {
  if (token !== undefined) return { scheme: 'bearer', token }
  return username === undefined || password === undefined ? { scheme: 'none' } : { scheme: 'auto', username, password }
}

/** The client of one gateway, which sends with what the settings have. */
export function openWeb (settings: WebAccess, random: Random): { readonly send: Send; close(): Promise<void> } {
  const client = createHttpClient({ ca: settings.ca, insecureTls: settings.insecure_tls })
  return {
    send: withCredentials(client.send, credentialsOf(settings), random),
    close: () => {
      client.close()
      return Promise.resolve()
    }
  }
}

/** The same account for curl. @param settings - in the file's spelling */
export function curlAccountOf (settings: Readonly<Record<string, unknown>>): CurlAccount | null {
  if (settings['token_file'] !== undefined || settings['token_env'] !== undefined) return { username: null, secret: 'token', option: '' }
  const username = settings['username']
  return typeof username === 'string' ? { username, secret: 'password', option: '--anyauth' } : null
}
