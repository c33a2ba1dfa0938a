/** What we use of npm `ws`. */
declare module 'ws' {
  import type { IncomingMessage, Server } from 'node:http'

  interface ClientOptions {
    readonly ca?: string
    readonly rejectUnauthorized?: boolean
    readonly maxPayload?: number
    readonly perMessageDeflate?: boolean
    readonly followRedirects?: boolean
  }

  export class WebSocket {
    constructor (url: string, options?: ClientOptions)
    send (text: string): void
    close (): void
    terminate (): void
    on (event: 'open' | 'close', listener: () => void): this
    on (event: 'message', listener: (data: Buffer | string) => void): this
    on (event: 'error', listener: (error: Error) => void): this
    on (event: 'unexpected-response', listener: (request: unknown, response: IncomingMessage) => void): this
  }

  export class WebSocketServer {
    constructor (options: { readonly server: Server })
    on (event: 'connection', listener: (socket: WebSocket, request: IncomingMessage) => void): this
    close (): void
  }
}
