/** The part of npm `sip` 0.0.6 that `codec.ts` uses. The package ships no types; everything else of it is not for use. */
declare module 'sip' {
  interface ParsedMessage {
    readonly method?: string
    readonly uri?: string
    readonly status?: number
    readonly reason?: string
    readonly headers: {
      readonly cseq?: { readonly seq: number; readonly method: string }
    }
  }

  interface WrittenMessage {
    readonly method?: string
    readonly uri?: string
    readonly status?: number
    readonly reason?: string
    readonly headers: Record<string, string>
    readonly content?: string
  }

  /** Undefined when the text is no SIP message. */
  export function parse(message: string): ParsedMessage | undefined
  /** Adds `Content-Length` (characters of `content`) to `message.headers`. Checks nothing. */
  export function stringify(message: WrittenMessage): string
}
