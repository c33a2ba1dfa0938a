/** Debian packages of the lab and of the bench: which are missing, and how they come. Never skips: missing means fail. */
import { spawnSync } from 'node:child_process'
import { existsSync, rmSync, writeFileSync } from 'node:fs'

/** What the lab needs. */
export const LAB_PACKAGES = [
  'kamailio', 'kamailio-extra-modules', 'kamailio-json-modules', 'kamailio-tls-modules', 'sip-tester', 'prometheus', 'prometheus-alertmanager', 'nftables', 'iproute2', 'curl',
  'pdns-server', 'pdns-backend-sqlite3', 'sqlite3', 'bind9', 'bind9-dnsutils'
] as const

/** What the bench needs. */
export const BENCH_PACKAGES = ['webhook', 'strace', 'curl', 'sip-tester'] as const

const POLICY_FILE = '/usr/sbin/policy-rc.d'

/** Names of the packages that are not installed. */
export const missingPackages = (wanted: readonly string[]): string[] => wanted.filter((name) => {
  const query = spawnSync('dpkg-query', ['-W', '-f=${Status}', name], { encoding: 'utf8' })
  return query.status !== 0 || !query.stdout.includes('install ok installed')
})

/**
 * Runs `action` while no package may start its daemon: Debian's servers would take the ports and outlive the lab.
 * A policy that the machine has already is left alone.
 */
const withoutDaemons = <T>(action: () => T): T => {
  if (existsSync(POLICY_FILE)) return action()
  writeFileSync(POLICY_FILE, '#!/bin/sh\n# Written by the lab of Pointsman while it installs packages.\nexit 101\n', { mode: 0o755 })
  try {
    return action()
  } finally {
    rmSync(POLICY_FILE)
  }
}

const apt = (...args: readonly string[]): boolean => {
  console.log(`> apt-get ${args.join(' ')}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' }
  return spawnSync('apt-get', [...args], { stdio: ['ignore', 'ignore', 'inherit'], env }).status === 0
}

/**
 * Installs what is missing, when this process may.
 *
 * @throws Error - not root, not Debian, or apt-get failed; the message says exactly what to install
 */
export const requirePackages = (wanted: readonly string[]): void => {
  const missing = missingPackages(wanted)
  if (missing.length === 0) return
  const command = `apt-get install -y --no-install-recommends ${missing.join(' ')}`
  if (process.getuid?.() !== 0) throw new Error(`the lab needs Debian packages that are not installed; run as root:\n  apt-get update && ${command}`)
  console.log(`installing Debian packages: ${missing.join(' ')} (their daemons are not started)`)
  const installed = withoutDaemons(() => apt('update', '-q') && apt('install', '-y', '-q', '--no-install-recommends', ...missing))
  if (!installed || missingPackages(missing).length > 0) throw new Error(`apt-get failed; install by hand:\n  apt-get update && ${command}`)
}
