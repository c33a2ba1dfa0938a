/**
 * Who may do what. Reading is open: no reply holds a secret. Two roles: `webhook` may post notifications, `operator` may
 * do everything. A bearer token, or Basic with the user's name and password.
 */
import { hash, timingSafeEqual } from 'node:crypto'
import type { FastifyReply, FastifyRequest } from 'fastify'
import type { UserConfig } from '../config/config.ts'
import type { Secret } from '../ports.ts'
import { refuse } from './api-error.ts'

type Caller = { readonly kind: 'user'; readonly user: UserConfig } | { readonly kind: 'anonymous' } | { readonly kind: 'wrong' }
type Refusal = { readonly error: 'unauthorized' | 'forbidden'; readonly message: string }
type Permission = (caller: Caller, local: boolean, users: readonly UserConfig[]) => Refusal | null

const WRONG: Refusal = { error: 'unauthorized', message: 'the credentials are not those of a configured user' }
const MISSING: Refusal = { error: 'unauthorized', message: 'send a bearer token, or a name and a password by Basic authentication' }

const hasRole = (users: readonly UserConfig[], role: UserConfig['role']): boolean => users.some((user) => user.role === role)

/** Any configured user; without a webhook user also everybody on this machine. */
export const mayNotify: Permission = (caller, local, users) => {
  if (caller.kind === 'user') return null
  if (caller.kind === 'wrong') return WRONG
  if (hasRole(users, 'webhook')) return MISSING
  if (local) return null
  return { error: 'forbidden', message: 'no user with the role webhook is configured, so notifications are taken from this machine only; add one under web.users' }
}

/** Operators only. */
export const mayCommand: Permission = (caller, _local, users) => {
  if (!hasRole(users, 'operator')) return { error: 'forbidden', message: 'no user with the role operator is configured, so commands are refused; add one under web.users' }
  if (caller.kind === 'wrong') return WRONG
  if (caller.kind === 'anonymous') return MISSING
  return caller.user.role === 'operator' ? null : { error: 'forbidden', message: 'this needs a user with the role operator' }
}

/** Operators, and everybody on this machine. */
export const mayReload: Permission = (caller, local, users) => local && caller.kind === 'anonymous' ? null : mayCommand(caller, local, users)

/** A fastify `onRequest` hook: refuses before the body is read. */
export function requirePermission (permission: Permission, source: { readonly users: readonly UserConfig[] }) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const { users } = source
    const refusal = permission(identify(request.headers.authorization, users), isLocal(request), users)
    return refusal === null ? undefined : refuse(reply, refusal.error, refusal.message)
  }
}

/** Name for the journal. */
export function actorOf (request: FastifyRequest, users: readonly UserConfig[]): string {
  const caller = identify(request.headers.authorization, users)
  return caller.kind === 'user' ? caller.user.name : 'local'
}

function identify (header: string | undefined, users: readonly UserConfig[]): Caller {
  if (header === undefined) return { kind: 'anonymous' }
  const [scheme = '', value = ''] = header.split(/ +(.*)/s)
  const user = scheme.toLowerCase() === 'bearer' ? findUser(users, ({ token }) => matches(token, value)) : basicUser(scheme, value, users)
  return user === undefined ? { kind: 'wrong' } : { kind: 'user', user }
}

function basicUser (scheme: string, value: string, users: readonly UserConfig[]): UserConfig | undefined {
  if (scheme.toLowerCase() !== 'basic') return undefined
  const [, name, password] = /^([^:]*):(.*)$/s.exec(Buffer.from(value, 'base64').toString()) ?? []
  if (name === undefined || password === undefined) return undefined
  return findUser(users, (user) => matches(user.password, password) && user.name === name)
}

/** Looks at every user, so that the time does not tell which one matched. */
function findUser (users: readonly UserConfig[], test: (user: UserConfig) => boolean): UserConfig | undefined {
  return users.filter(test)[0]
}

/** Compares hashes: of equal length, in constant time. */
function matches (secret: Secret | null, given: string): boolean {
  return secret !== null && timingSafeEqual(hash('sha256', secret.reveal(), 'buffer'), hash('sha256', given, 'buffer'))
}

/** A caller on this machine. A forwarded request is none: it comes from wherever the proxy took it. */
function isLocal ({ ip, headers }: FastifyRequest): boolean {
  const forwarded = headers['x-forwarded-for'] !== undefined || headers['forwarded'] !== undefined || headers['x-real-ip'] !== undefined
  return !forwarded && (ip === '::1' || /^(::ffff:)?127\./.test(ip))
}
