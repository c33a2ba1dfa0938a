/** What can be fuzzed, by name; and what is true of all of them: nothing is thrown where nobody catches it. */
import { fuzzApi } from './api.ts'
import { fuzzBeacon } from './beacon.ts'
import { fuzzConfig } from './config.ts'
import { fuzzSip } from './sip.ts'
import { fuzzSockets } from './sockets.ts'
import { createTally } from './tally.ts'
import type { Tally } from './tally.ts'
import { fuzzWebhook } from './webhook.ts'

type Campaign = (directory: string, inputs: number, seed: number, tally: Tally) => Promise<void>

/** A hundredth of the inputs goes over sockets: each waits for what the server does with half a request. */
export const CAMPAIGNS: Readonly<Record<string, Campaign>> = {
  webhook: fuzzWebhook,
  api: fuzzApi,
  config: fuzzConfig,
  /** A datagram costs little: ten times as many. */
  datagrams: (_directory, inputs, seed, tally) => fuzzSip('datagrams', inputs * 10, seed, tally),
  streams: (_directory, inputs, seed, tally) => fuzzSip('streams', inputs, seed, tally),
  beacon: (_directory, inputs, seed, tally) => fuzzBeacon(inputs, seed, tally),
  sockets: (directory, inputs, seed, tally) => fuzzSockets(directory, Math.ceil(inputs / 100), seed, tally)
}

/** @param directory - an empty folder for the campaign's files */
export async function fuzz (name: string, directory: string, inputs: number, seed: number): Promise<Tally> {
  const tally = createTally(name)
  const campaign = CAMPAIGNS[name]
  if (campaign === undefined) throw new Error(`no campaign ${name}`)
  const onRejection = (reason: unknown): void => { tally.fail(`unhandled rejection: ${reason instanceof Error ? reason.stack ?? reason.message : String(reason)}`) }
  const onException = (error: Error): void => { tally.fail(`uncaught exception: ${error.stack ?? error.message}`) }
  process.on('unhandledRejection', onRejection)
  process.on('uncaughtException', onException)
  try {
    await campaign(directory, inputs, seed, tally)
  } finally {
    process.off('unhandledRejection', onRejection)
    process.off('uncaughtException', onException)
  }
  return tally
}
