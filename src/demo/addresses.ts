/** The fixed addresses of the demo: is each one free? Asked before anything starts, so that the error names the port. */
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { DemoError } from './demo-error.ts'

export interface Address {
  readonly host: string
  readonly port: number
}

/** An address and who will use it. */
export interface Claim {
  readonly address: Address
  readonly protocol: 'TCP' | 'UDP'
  readonly user: string
}

/** @throws {DemoError} naming every address that can't be used */
export async function requireFree (claims: readonly Claim[]): Promise<void> {
  const refusals = await Promise.all(claims.map(async (claim) => {
    const code = await (claim.protocol === 'TCP' ? tryTcp(claim.address) : tryUdp(claim.address))
    return code === null ? [] : [sentence(claim, code)]
  }))
  const problems = refusals.flat()
  if (problems.length > 0) throw new DemoError(problems.join('\n'))
}

function sentence ({ address, protocol, user }: Claim, code: string): string {
  const where = `${protocol} port ${address.port} on ${address.host}, which the demo needs for ${user},`
  return code === 'EADDRINUSE' ? `${where} is in use by another program: end that one first` : `${where} can't be used (${code})`
}

/** @returns the system's error code; null: free */
async function tryTcp ({ host, port }: Address): Promise<string | null> {
  const server = createServer()
  try {
    server.listen({ host, port, exclusive: true })
    await once(server, 'listening')
    server.close()
    await once(server, 'close')
    return null
  } catch (error) {
    return codeOf(error)
  }
}

async function tryUdp ({ host, port }: Address): Promise<string | null> {
  const socket = createSocket('udp4')
  try {
    socket.bind({ port, address: host, exclusive: true })
    await once(socket, 'listening')
    socket.close()
    await once(socket, 'close')
    return null
  } catch (error) {
    return codeOf(error)
  }
}

function codeOf (error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'
}
