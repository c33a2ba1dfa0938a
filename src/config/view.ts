/** The parts of a file that are in order, so that the others don't hide what is wrong with them. */
import type { Path, Reporter, Step } from './problems.ts'

export interface View {
  /** The value at a path; null: it is not there, or has an error itself or below. The caller says which type the schema gives it. */
  // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- shorter than a cast at each use, and no less honest
  at<Value>(path: Path): Value | null
  /** The keys of a mapping, also of one with errors below. */
  keys(path: Path): readonly string[]
  /** The key is in this mapping, also in one with errors below. */
  has(path: Path, key: string): boolean
  /** The indexes of a list, also of one with errors below. */
  indexes(path: Path): readonly number[]
}

/** @param reporter - holds the errors of the schemas; those that are reported later don't change the view */
export function createView (root: unknown, reporter: Reporter): View {
  const unsound = reporter.unsound()
  const isSound = (path: Path): boolean => !unsound.some((bad) => path.every((step, index) => bad[index] === step))
  const raw = (path: Path): unknown => path.reduce<unknown>(childOf, root)
  const isMapping = (value: unknown): value is object => typeof value === 'object' && value !== null && !Array.isArray(value)
  return {
    // oxlint-disable-next-line typescript/no-unnecessary-type-parameters -- as declared above
    at: <Value>(path: Path) => isSound(path) ? (raw(path) ?? null) as Value | null : null,
    keys: (path) => {
      const value = raw(path)
      return isMapping(value) ? Object.keys(value) : []
    },
    has: (path, key) => {
      const value = raw(path)
      return isMapping(value) && Object.hasOwn(value, key)
    },
    indexes: (path) => {
      const value = raw(path)
      return Array.isArray(value) ? [...value.keys()] : []
    }
  }
}

function childOf (parent: unknown, step: Step): unknown {
  // hasOwn: a name such as "constructor" must not find what every object has.
  return typeof parent === 'object' && parent !== null && Object.hasOwn(parent, step) ? (parent as Record<Step, unknown>)[step] : undefined
}
