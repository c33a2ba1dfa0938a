/** A driver that is called by itself, without a journal before it. */
import type { Permit } from '../../src/ports.ts'

/** It may write at once. */
export const permitted: Permit = async () => null
