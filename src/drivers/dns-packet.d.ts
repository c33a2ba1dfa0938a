/** What we use of npm `dns-packet`. Everything that reads throws on what it can't read. */
declare module 'dns-packet' {
  interface Coded { readonly bytes: number }

  interface PacketQuestion { readonly name: string; readonly type: string; readonly class: 'IN' }

  export interface PacketRecord {
    readonly name: string
    /** `UNKNOWN_n` for a type without a name. */
    readonly type: string
    readonly class: 'IN' | 'ANY'
    readonly ttl: number
    /** Of types that the library does not know: the bytes. */
    readonly data: unknown
  }

  interface Packet {
    readonly type: 'query' | 'response'
    readonly id: number
    readonly flags: number
    readonly questions: readonly PacketQuestion[]
    readonly answers?: readonly PacketRecord[]
    readonly authorities?: readonly PacketRecord[]
  }

  interface DnsPacket {
    encode (packet: Packet): Buffer
    readonly name: { encode (name: string): Buffer; readonly decode: Coded & ((bytes: Buffer, offset: number) => string) }
    readonly question: { readonly decode: Coded & ((bytes: Buffer, offset: number) => PacketQuestion) }
    readonly answer: { encode (record: PacketRecord): Buffer; readonly decode: Coded & ((bytes: Buffer, offset: number) => PacketRecord) }
  }

  const dnsPacket: DnsPacket
  export default dnsPacket
}
