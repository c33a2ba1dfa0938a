/** A network namespace of its own: the lab's fixed addresses and its packet filter can't meet anything of the machine. */
import { spawnSync } from 'node:child_process'

const MARK = 'POINTSMAN_LAB_NAMESPACE'

/** Runs a command to its end; true: it succeeded. */
const succeeds = (command: string, args: readonly string[]): boolean => spawnSync(command, [...args], { stdio: 'ignore' }).status === 0

/** How this machine lets us make a namespace: as root, or (where it is allowed) with a user namespace around it. */
const unshareArguments = (): readonly string[] | null => {
  const ways = process.getuid?.() === 0 ? [['--net']] : [['--net', '--map-root-user']]
  return ways.find((way) => succeeds('unshare', [...way, 'true'])) ?? null
}

/**
 * Makes sure that this process runs inside the namespace. Outside, it starts itself anew inside and returns that run's
 * exit code; inside, it raises the loopback interface and returns null.
 *
 * @throws Error - the machine doesn't permit a namespace
 */
export const enterNamespace = (): number | null => {
  if (process.env[MARK] === '1') {
    if (!succeeds('ip', ['link', 'set', 'lo', 'up'])) throw new Error('could not raise the loopback interface in the network namespace')
    return null
  }
  const way = unshareArguments()
  if (way === null) {
    throw new Error('unshare --net is not permitted here: the lab needs root (in a container: also CAP_SYS_ADMIN and CAP_NET_ADMIN, for example docker run --privileged)')
  }
  // Ctrl-C reaches the inner process by itself (same group); this one must outlive it to pass the exit code on.
  process.on('SIGINT', () => undefined)
  const inner = spawnSync('unshare', [...way, process.execPath, ...process.execArgv, ...process.argv.slice(1)], { stdio: 'inherit', env: { ...process.env, [MARK]: '1' } })
  return inner.status ?? 1
}
