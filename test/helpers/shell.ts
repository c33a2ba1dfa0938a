/** Runs printed commands in a shell, as a person would. */
import { execFileSync, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const ROOT = join(import.meta.dirname, '../..')

export interface Shell {
  /** Runs the lines as one script, and returns all that they print. */
  run (lines: readonly string[]): Promise<string>
  /** Arguments that curl was called with. */
  calls (): string
}

/** A shell that finds `pointsman`, and as curl the real one or the test's own. */
export function createShell (directory: string, curl: 'real' | 'own'): Shell {
  const bin = join(directory, `bin-${curl}`)
  const log = join(directory, `curl-${curl}.log`)
  mkdirSync(bin, { recursive: true })
  const put = (name: string, script: string): void => {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`)
    chmodSync(join(bin, name), 0o755)
  }
  put('pointsman', `exec '${process.execPath}' '${join(ROOT, 'src/main.ts')}' "$@"`)
  put('curl', curl === 'own' ? `exec '${process.execPath}' '${join(ROOT, 'test/helpers/curl.ts')}' "$@"` : `echo "$*" >> '${log}'\nexec '${realCurl}' "$@"`)
  return {
    run: (lines) => new Promise((resolve, reject) => {
      const child = spawn('sh', ['-s'], { env: { ...process.env, PATH: `${bin}:${process.env['PATH']}`, CURL_LOG: log, HOME: directory }, stdio: ['pipe', 'pipe', 'pipe'] })
      let output = ''
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => { output += data.toString() })
      child.once('error', reject)
      child.once('close', () => { resolve(output) })
      child.stdin.end(`${lines.join('\n')}\n`)
    }),
    calls: () => existsSync(log) ? readFileSync(log, 'utf8') : ''
  }
}

const realCurl = findCurl()

function findCurl (): string | null {
  try {
    return execFileSync('sh', ['-c', 'command -v curl'], { encoding: 'utf8' }).trim()
  } catch {
    return null
  }
}

export const CURL = realCurl === null ? 'own' : 'real'
