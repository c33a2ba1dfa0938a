/** Calls the URL of a dead man's switch (healthchecks.io, Dead Man's Snitch, Alertmanager's own …): POST, no body. */
import type { Heartbeat, Secret } from '../ports.ts'

/** One attempt per call, no redirects. The URL is a secret: `detail` names its host and what went wrong. */
export function createHeartbeatClient (url: Secret): Heartbeat {
  const target = URL.parse(url.reveal())
  const isHttp = target?.protocol === 'http:' || target?.protocol === 'https:'
  return {
    beat: async (signal) => {
      if (target === null || !isHttp) return { ok: false, detail: 'the configured URL is not an http or https URL' }
      try {
        const response = await fetch(target, { method: 'POST', redirect: 'error', signal })
        await response.body?.cancel()
        return response.ok ? { ok: true } : { ok: false, detail: `${target.host} answered with HTTP status ${response.status}` }
      } catch (error) {
        const code = error instanceof Error && error.cause instanceof Error ? (error.cause as NodeJS.ErrnoException).code : undefined
        return { ok: false, detail: `${target.host} ${signal.aborted ? 'did not answer in time' : `can't be reached${code === undefined ? '' : ` (${code})`}`}` }
      }
    }
  }
}
