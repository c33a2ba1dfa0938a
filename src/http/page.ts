/** The landing page: one line per trunk, and where to look further. No script, no form, nothing from elsewhere. */
import { createHash } from 'node:crypto'
import type { StatusSurvey, TrunkStatus } from '../core/status.ts'

const STYLE = 'body{font:16px/1.5 system-ui,sans-serif;margin:2rem;max-width:70rem}table{border-collapse:collapse}td,th{padding:.3rem 1rem .3rem 0;text-align:left;vertical-align:top}.no{color:#b00020;font-weight:bold}'

/** Only the page's own style may be used (CSP by its hash). */
export const PAGE_HEADERS: Readonly<Record<string, string>> = {
  'content-type': 'text/html; charset=utf-8',
  'content-security-policy': `default-src 'none'; style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'cache-control': 'no-store'
}

/** @param status - null: still starting */
export function * pagePieces (status: StatusSurvey | null): Generator<string> {
  yield `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Pointsman</title><style>${STYLE}</style></head><body>
<h1>Pointsman</h1>
`
  if (status === null) yield '<p>Pointsman is still starting.</p>'
  else yield * statusPieces(status)
  yield `
<p><a href="/api/v1/status">Status</a> · <a href="/api/v1/decisions">Decisions</a> · <a href="/metrics">Metrics</a></p>
</body></html>
`
}

function * statusPieces (status: StatusSurvey): Generator<string> {
  const brake = status.brake === null ? '' : `<p class="no">The brake is engaged, nothing moves by itself: ${escapeHtml(status.brake.causes.join(', '))}. <code>pointsman release</code></p>\n`
  const pauses = status.pauses.map(({ scope, actor, reason }) => `<p class="no">Paused: ${escapeHtml(scope)}, by ${escapeHtml(actor)}: ${escapeHtml(reason)}</p>`)
  const broken = status.storeProblem === null ? '' : `<p class="no">Nothing can be stored: ${escapeHtml(status.storeProblem)}. Notifications are refused, and no gateway is touched.</p>`
  yield `${broken}${brake}<p>Version ${escapeHtml(status.version)}, mode ${status.mode}.</p>
${pauses.join('\n')}
<table><tr><th>Trunk</th><th>Carrying calls</th><th>State</th><th>Released by</th></tr>
`
  for (const trunk of status.trunks) yield `${trunkHtml(trunk)}\n`
  yield '</table>'
}

function trunkHtml ({ id, carrying, sentence, release }: TrunkStatus): string {
  const command = release === null ? '' : `<code>${escapeHtml(release)}</code>`
  return `<tr><td>${escapeHtml(id)}</td><td class="${carrying}">${carrying}</td><td>${escapeHtml(sentence)}</td><td>${command}</td></tr>`
}

function escapeHtml (text: string): string {
  const entities: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', '\'': '&#39;' }
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? '')
}
