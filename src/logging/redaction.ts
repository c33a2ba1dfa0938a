/**
 * Second line of defence: secrets are wrapped in `Secret` and should never get here. What looks like one by its key, and
 * accounts in URLs, is hidden all the same; errors are cut down to what is known to be safe (an HTTP client's error
 * carries the whole request with its credentials).
 */

const HIDDEN = '<secret>'
const SECRET_KEY = /^(?:.*[-_])?(?:password|passwd|pwd|passphrase|token|secret|authorization|cookie|api[-_]?key|private[-_]?key|credentials?)$/i
const CAMEL_SECRET_KEY = /(?:Password|Token|Secret|Authorization|Cookie|ApiKey|PrivateKey|Credentials?)$/
/** `//user:password@` of a URL. */
const URL_ACCOUNT = /(\/\/)[^/\s@]+@/g
/** `pwd="…"` of a registration in an innovaphone's XML, and `gk-pwd=…` of its requests. */
const PWD = /\b([\w-]*pwd\*?=)(?:"[^"]*"|[^\s&"]+)/gi
/** Deeper values are not looked at, so they are not shown. */
const DEEPEST = 8

/** A copy of `value` that can be written to a log. Cycles end at the greatest depth. */
export function redact (value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return redactText(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth >= DEEPEST) return '<deep>'
  if (value instanceof Error) return redactError(value, depth)
  if (Array.isArray(value)) return value.map((each) => redact(each, depth + 1))
  if (value instanceof Map) return redact(Object.fromEntries(value), depth)
  if (value instanceof Set) return redact([...value], depth)
  if ('toJSON' in value && typeof value.toJSON === 'function') return redact(value.toJSON(), depth + 1)
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, isSecretKey(key) ? HIDDEN : redact(each, depth + 1)]))
}

/** Hides accounts in URLs, and an innovaphone's passwords. */
export function redactText (text: string): string {
  return text.replace(URL_ACCOUNT, `$1${HIDDEN}@`).replace(PWD, `$1${HIDDEN}`)
}

function isSecretKey (key: string): boolean {
  return SECRET_KEY.test(key) || CAMEL_SECRET_KEY.test(key)
}

/** Only type, message, code, stack and cause: never an error's own fields. */
function redactError (error: Error & { readonly code?: unknown }, depth: number): object {
  return {
    type: error.name,
    message: redactText(error.message),
    ...(typeof error.code === 'string' ? { code: error.code } : {}),
    stack: redactText(error.stack ?? ''),
    ...(error.cause === undefined ? {} : { cause: redact(error.cause, depth + 1) })
  }
}
