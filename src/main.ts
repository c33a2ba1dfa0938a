#!/usr/bin/env node
/** The process: arguments, signals and the exit code. Everything else is in app.ts and cli/. */
import { readFileSync } from 'node:fs'
import { createApp } from './app.ts'
import { followLeader, leaderAt } from './beacon/second.ts'
import { createStations } from './beacon/stations.ts'
import { cli } from './cli/cli.ts'
import type { CliDependencies, ExitCode, RunOptions } from './cli/command.ts'
import { systemClock, systemRandom } from './clock.ts'
import type { Config } from './config/config.ts'
import { loadConfig } from './config/load.ts'
import { loadApart } from './config-loader.ts'
import { renderProblems } from './config/problems.ts'
import { byHand, createDriver, drivers } from './drivers/registry.ts'
import { tuneGarbageCollection } from './garbage-collection.ts'
import { createLogger } from './logging/logger.ts'
import type { Log, Secret } from './ports.ts'
import { createSipClient } from './sip/client.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string }

/** Resolves with the first of these signals. */
const signalled = (...names: NodeJS.Signals[]): Promise<NodeJS.Signals> => new Promise((resolve) => {
  for (const name of names) process.once(name, () => { resolve(name) })
})

async function serve (options: RunOptions): Promise<ExitCode> {
  tuneGarbageCollection()
  const loaded = await loadApart(options.configFile)
  if (!loaded.ok) {
    process.stderr.write(renderProblems(options.configFile, loaded.problems))
    return 3
  }
  const log = createLogger({ level: options.logLevel, ...(options.logFormat === null ? {} : { format: options.logFormat }) })
  for (const problem of loaded.warnings) log.warn({ line: problem.line, path: problem.path, detail: problem.message, hint: problem.hint }, 'configuration warning')
  // Not awaited here: ten thousand warnings would be kept as long as it runs.
  return runApp(options.listen === null ? loaded.config : { ...loaded.config, web: options.listen }, log)
}

/** Until somebody ends it. */
async function runApp (config: Config, log: Log): Promise<ExitCode> {
  const app = createApp(config, { log, version })
  const told = signalled('SIGTERM', 'SIGINT')
  try {
    await app.start()
  } catch (error) {
    log.error({ err: error }, 'start failed')
    await app.stop()
    return 1
  }
  // A file that may not grow any more is as a full disk: an error for the one who writes, not the end.
  process.on('SIGXFSZ', () => {})
  process.on('SIGHUP', () => { void app.reload() })
  log.info({ signal: await told }, 'stopping')
  await app.stop()
  return 0
}

async function serveBeacon ({ gateway, listen, follow }: Parameters<CliDependencies['runBeacon']>[0]): Promise<ExitCode> {
  const log = createLogger({ level: 'info' })
  const { password } = gateway.settings as { readonly password?: Secret }
  if (password === undefined || password.reveal() === '') {
    process.stderr.write(`pointsman: the password of the beacon "${gateway.id}" can't be read\n`)
    return 3
  }
  const clock = systemClock
  const stations = createStations({ clock, random: systemRandom, log, metrics: { increment: () => {}, observe: () => {} } })
  const driver = createDriver(gateway.driver, { ...gateway.settings, listen }, { clock, random: systemRandom, station: () => stations.of(gateway.id) })
  const end = new AbortController()
  void signalled('SIGTERM', 'SIGINT').then((signal) => { log.info({ signal }, 'stopping'); end.abort() })
  await followLeader({ gateway: gateway.id, stations, leader: leaderAt(follow), clock, log }, end.signal)
  await driver.close()
  return 0
}

const deps: CliDependencies = {
  version,
  clock: systemClock,
  loadConfig: (file, secrets) => loadConfig(file, drivers, process.env, secrets),
  byHand,
  createDriver: ({ driver, settings }) => drivers.get(driver)?.isOwnPart === true ? null : createDriver(driver, settings, { clock: systemClock, random: systemRandom }),
  createSipClient: (trace) => createSipClient({ clock: systemClock, random: systemRandom, ...trace === undefined ? {} : { trace } }),
  run: serve,
  runBeacon: serveBeacon,
  testRules: async (file, told) => {
    const { runTests } = await import('./rehearsal/run-tests.ts')
    return runTests(file, (config) => loadConfig(config, drivers, process.env, 'optional'), told)
  },
  demo: async (options) => {
    // The server never loads the simulator.
    const { runDemo } = await import('./demo/demo.ts')
    return runDemo({ ...options, version, stopped: signalled('SIGTERM', 'SIGINT') })
  }
}

const io = {
  stdout: (text: string): void => { process.stdout.write(text) },
  stderr: (text: string): void => { process.stderr.write(text) },
  env: process.env
}

process.exitCode = await cli(process.argv.slice(2), io, deps)
