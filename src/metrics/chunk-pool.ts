/** Memory of an exposition, used again by the next one: tens of megabytes at each scrape would keep the garbage collector busy. */

export const CHUNK_BYTES = 16_384

/** So many wait at most: as much as a scrape of ten thousand trunks, and some. What slow readers held beside it is freed. */
const MOST_IDLE = 6000

export interface ChunkPool {
  /** Its content is what was left in it. */
  take(): Buffer
  /** Nobody reads these any more. */
  give(chunks: readonly Buffer[]): void
}

export function createChunkPool (): ChunkPool {
  const idle: Buffer[] = []
  return {
    take: () => idle.pop() ?? Buffer.allocUnsafeSlow(CHUNK_BYTES),
    give: (chunks) => { idle.push(...chunks.slice(0, MOST_IDLE - idle.length)) }
  }
}
