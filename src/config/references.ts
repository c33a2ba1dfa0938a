/** Everything in the file that names another file or an environment variable, resolved section by section. */
import type { Secret } from '../ports.ts'
import { type DriverRegistry } from './kinds.ts'
import { type Path, renderPath, type Reporter } from './problems.ts'
import { AlertmanagerKeys, HeartbeatKeys, UserKeys } from './schema.ts'
import { ProbeKeys } from './schema-probes.ts'
import { type Resolved, resolveReferences, type SecretSources } from './secrets.ts'
import type { View } from './view.ts'

/** What was read, by the path of the mapping that names it. */
export type References = (path: Path) => Resolved
/** The same by the path as text. */
export type ReferenceTable = ReadonlyMap<string, Resolved>

const NOTHING: Resolved = new Map()

/** Reads all files and variables that sound parts of the file name; reports what can't be read. */
export async function readReferences (view: View, registry: DriverRegistry, sources: SecretSources, reporter: Reporter): Promise<ReferenceTable> {
  const read = new Map<string, Resolved>()
  for (const { path, known } of sections(view, registry)) {
    const settings = view.at<Readonly<Record<string, unknown>>>(path)
    if (settings !== null) read.set(renderPath(path), await resolveReferences(known, settings, path, sources, reporter))
  }
  if (!sources.optional) checkTokens(view, read, reporter)
  return read
}

export function referencesIn (table: ReferenceTable): References {
  return (path) => table.get(renderPath(path)) ?? NOTHING
}

function sections (view: View, registry: DriverRegistry): readonly { readonly path: Path; readonly known: readonly string[] }[] {
  const gateways = view.keys(['gateways']).map((id) => {
    const kind = registry.get(view.at<string>(['gateways', id, 'driver']) ?? '')
    return { path: ['gateways', id], known: Object.keys(kind?.schema.properties ?? {}) }
  })
  const probes = view.keys(['probes']).map((name) => ({ path: ['probes', name], known: ProbeKeys }))
  const alertmanagers = view.indexes(['alertmanagers']).map((index) => ({ path: ['alertmanagers', index], known: AlertmanagerKeys }))
  const users = view.indexes(['web', 'users']).map((index) => ({ path: ['web', 'users', index], known: UserKeys }))
  return [...gateways, ...probes, ...alertmanagers, ...users, { path: ['heartbeat'], known: HeartbeatKeys }]
}

/** A token tells who calls: two users can't share one. */
function checkTokens (view: View, read: ReadonlyMap<string, Resolved>, reporter: Reporter): void {
  const owners = new Map<string, number>()
  for (const index of view.indexes(['web', 'users'])) {
    const path = ['web', 'users', index]
    const token = secretOf(read.get(renderPath(path)) ?? NOTHING, 'token')?.reveal()
    if (token === undefined) continue
    const owner = owners.get(token)
    if (owner !== undefined) reporter.error(path, `two users have the same token (entries ${owner + 1} and ${index + 1})`, 'the token tells who calls')
    owners.set(token, index)
  }
}

/** @returns the secret of that name; null when none was given */
export function secretOf (resolved: Resolved, name: string): Secret | null {
  const value = resolved.get(name)
  return value === undefined || typeof value === 'string' ? null : value
}
