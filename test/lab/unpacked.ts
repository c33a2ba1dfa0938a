/**
 * A Debian package that this Debian release doesn't have, from another one: fetched with all that it needs by the machine's own
 * apt, from the machine's own mirror, and unpacked into a folder. Nothing is installed, and no other program sees its libraries.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const CACHE = '/var/cache/pointsman-lab'

/** A program in an unpacked root, with the root's own loader and libraries. */
export interface Unpacked {
  readonly root: string
  readonly command: string
  /** To be put before the program's own arguments. */
  readonly args: readonly string[]
  /** Folder of the release's libraries. */
  readonly libraries: string
}

const run = (command: string, args: readonly string[]): void => {
  const { status, stderr } = spawnSync(command, [...args], { encoding: 'utf8', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } })
  if (status !== 0) throw new Error(`${command} ${args.at(-1)}: ${stderr.trim().split('\n').at(-1)}`)
}

/** The mirror that this machine's apt uses, and the key that it trusts. @throws Error - no Debian */
const mirrorOf = (): { readonly uri: string, readonly key: string } => {
  const texts = globSync(['/etc/apt/sources.list', '/etc/apt/sources.list.d/*.sources', '/etc/apt/sources.list.d/*.list']).map((file) => readFileSync(file, 'utf8'))
  const uris = texts.flatMap((text) => [...text.matchAll(/^(?:URIs:\s*|deb (?:\[[^\]]*\] )?)(\S+\/debian)\/?(?:\s|$)/gm)].map(([, uri]) => uri))
  const key = '/usr/share/keyrings/debian-archive-keyring.gpg'
  if (uris[0] === undefined || !existsSync(key)) throw new Error('this machine has no Debian mirror in its apt sources')
  return { uri: uris[0], key }
}

const fetch = (name: string, release: string, root: string): void => {
  const { uri, key } = mirrorOf()
  const work = `${root}.work`
  rmSync(work, { recursive: true, force: true })
  for (const folder of ['lists/partial', 'cache/archives/partial', 'root']) mkdirSync(join(work, folder), { recursive: true })
  writeFileSync(join(work, 'sources.list'), `deb [signed-by=${key}] ${uri} ${release} main\n`)
  // As if nothing were installed: every library comes along.
  writeFileSync(join(work, 'status'), '')
  const options = Object.entries({
    'Dir::Etc::sourcelist': join(work, 'sources.list'), 'Dir::Etc::sourceparts': '-', 'Dir::State::lists': join(work, 'lists'), 'Dir::Cache': join(work, 'cache'),
    'Dir::State::status': join(work, 'status'), 'APT::Install-Recommends': 'false', 'Acquire::Languages': 'none', 'APT::Sandbox::User': 'root'
  }).flatMap(([option, value]) => ['-o', `${option}=${value}`])
  run('apt-get', [...options, 'update', '-qq'])
  run('apt-get', [...options, 'install', '-y', '-qq', '--download-only', name])
  for (const file of globSync(join(work, 'cache/archives/*.deb'))) run('dpkg-deb', ['-x', file, join(work, 'root')])
  // What Debian's base package does: /lib is a part of /usr.
  for (const folder of ['lib', 'lib64', 'bin', 'sbin']) if (!existsSync(join(work, 'root', folder))) symlinkSync(`usr/${folder}`, join(work, 'root', folder))
  renameSync(join(work, 'root'), root)
  rmSync(work, { recursive: true, force: true })
}

const rootOf = (name: string, release: string): string => join(CACHE, `${name}-${release}`)

/**
 * Fetches the package, unless it was fetched before. To be called where there is a network.
 *
 * @param releases - the first one that has it
 * @throws Error - it can't be had; the message says why, for each release
 */
export const requireUnpacked = (name: string, releases: readonly string[]): void => {
  if (releases.some((release) => existsSync(rootOf(name, release)))) return
  if (process.getuid?.() !== 0) throw new Error(`the lab needs Debian's ${name}; run it as root once, it is unpacked into ${CACHE}`)
  console.log(`fetching Debian's ${name} (it is unpacked into ${CACHE}, not installed)`)
  const problems: string[] = []
  for (const release of releases) {
    try {
      return fetch(name, release, rootOf(name, release))
    } catch (error) {
      problems.push(`${release}: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
  throw new Error(`Debian's ${name} can't be had: ${problems.join('; ')}`)
}

/** @param program - path in the package. @throws Error - it was not fetched */
export const unpacked = (name: string, releases: readonly string[], program: string): Unpacked => {
  const root = releases.map((release) => rootOf(name, release)).find((folder) => existsSync(folder))
  if (root === undefined) throw new Error(`${name} was not fetched`)
  const [loader] = globSync(join(root, 'lib/*-linux-gnu/ld-linux*.so.*'))
  if (loader === undefined) throw new Error(`${root} has no loader`)
  const folders = [join(loader, '..'), ...globSync(join(root, 'usr/lib/*-linux-gnu')), join(root, 'usr/lib')]
  return { root, command: loader, args: ['--library-path', folders.join(':'), join(root, program)], libraries: folders.at(-2) ?? join(root, 'usr/lib') }
}
