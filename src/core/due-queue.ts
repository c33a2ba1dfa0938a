/** A binary heap: who is due next, for ten thousand entries as quickly as for ten. */

export interface Due {
  /** When it is due, on the owner's clock [ms]. Must not change while it is in a queue. */
  readonly dueMs: number
}

export interface DueQueue<Entry extends Due> {
  push(entry: Entry): void
  /** The entry that is due first; undefined: empty. */
  peek(): Entry | undefined
  pop(): Entry | undefined
  readonly size: number
}

export const createDueQueue = <Entry extends Due>(): DueQueue<Entry> => {
  const heap: Entry[] = []

  const dueAt = (index: number): number => heap[index]?.dueMs ?? Infinity
  const swap = (one: number, other: number): void => {
    const [first, second] = [heap[one], heap[other]]
    if (first === undefined || second === undefined) return
    heap[one] = second
    heap[other] = first
  }

  const rise = (start: number): void => {
    for (let index = start; index > 0;) {
      const parent = (index - 1) >> 1
      if (dueAt(parent) <= dueAt(index)) return
      swap(index, parent)
      index = parent
    }
  }

  const sink = (): void => {
    for (let index = 0; ;) {
      const left = 2 * index + 1
      const child = dueAt(left + 1) < dueAt(left) ? left + 1 : left
      if (dueAt(child) >= dueAt(index)) return
      swap(index, child)
      index = child
    }
  }

  return {
    push: (entry) => {
      heap.push(entry)
      rise(heap.length - 1)
    },
    peek: () => heap[0],
    pop: () => {
      const first = heap[0]
      const last = heap.pop()
      if (last !== undefined && heap.length > 0) {
        heap[0] = last
        sink()
      }
      return first
    },
    get size () { return heap.length }
  }
}
