/**
 * Commands for people who drive a gateway by hand: a shell function that calls curl with the gateway's account. The secret
 * goes to curl by its standard input, so that it is in no command line and no history.
 */
import { shellQuoted } from '../shell.ts'
import type { Login } from './contract.ts'

export interface CurlAccount {
  /** Null: a bearer token, or no account at all. */
  readonly username: string | null
  /** Key of the secret without `_file` and `_env`. */
  readonly secret: 'password' | 'token'
  /** curl's option for the authentication, for example `--anyauth`; empty for a token. */
  readonly option: string
  /** Header that carries the token, with its colon; default: `Authorization: Bearer `. */
  readonly header?: string
}

/** Settings of a gateway in the file's spelling; keys that end with `_file` hold absolute paths. */
type Settings = Readonly<Record<string, unknown>>

/** What curl's configuration reads between double quotes. */
const ESCAPE = String.raw`sed 's/[\\"]/\\&/g; s/$/"/'`

/**
 * @param name - of the shell function
 * @param flags - curl's options for this kind of gateway
 * @param account - null: the gateway asks for none
 */
export function curlLogin (name: string, flags: string, settings: Settings, account: CurlAccount | null): Login {
  const curl = ['curl', flags, '--connect-timeout 5 --max-time 30', ...tlsOptions(settings), ...(account === null || account.option === '' ? [] : [account.option])].join(' ')
  if (account === null) return { defines: `${name}() { ${curl} "$@"; }`, asks: null }
  const { header = 'Authorization: Bearer ' } = account
  const asks = account.username === null
    ? `${name}() { printf 'token: ' >/dev/tty; stty -echo </dev/tty; read -r token </dev/tty; stty echo </dev/tty; printf 'header = "${header}%s"\\n' "$token" | ${curl} -K - "$@"; }`
    : `${name}() { ${curl} -u ${shellQuoted(account.username)} "$@"; }`
  const source = sourceOf(account.secret, settings)
  if (source === null) return { defines: asks, asks: null }
  const start = account.username === null
    ? `printf 'header = "${header}'`
    : `printf 'user = "%s:' ${shellQuoted(account.username.replaceAll(/[\\"]/g, String.raw`\$&`))}`
  return { defines: `${name}() { { ${start}; ${source} | ${ESCAPE}; } | ${curl} -K - "$@"; }`, asks }
}

function tlsOptions (settings: Settings): readonly string[] {
  if (settings['insecure_tls'] === true) return ['-k']
  const file = settings['ca_file']
  return typeof file === 'string' ? [`--cacert ${shellQuoted(file)}`] : []
}

/** The command that prints the secret; null: nobody knows where it is, or the variable's name is none. */
function sourceOf (secret: CurlAccount['secret'], settings: Settings): string | null {
  const file = settings[`${secret}_file`]
  if (typeof file === 'string') return `tr -d '\\r' < ${shellQuoted(file)}`
  const variable = settings[`${secret}_env`]
  return typeof variable === 'string' && /^[A-Za-z_]\w*$/.test(variable) ? `printf '%s\\n' "\${${variable}:?}"` : null
}
