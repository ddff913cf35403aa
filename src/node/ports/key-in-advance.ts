/** A key that is being made while a program still loads, connects and asks for a pass phrase. */
import type { KeyObject } from 'node:crypto'
import type { KeyGenerator, KeyKind } from '../../ports/key-generator.js'
import { KeyPool } from './key-pool.js'

/**
 * For a program that will almost surely need one key of this kind: the first that is asked for has
 * been under way since the call. Handed out once, as every key.
 */
export function keyInAdvance(kind: KeyKind): KeyGenerator {
  const pool = new KeyPool({ kind, size: 0 })
  let first: Promise<KeyObject> | undefined = pool.generate(kind)
  // Whoever asks for it is told; a program that ends before is not disturbed.
  first.catch(() => undefined)
  return {
    async generate(wanted, signal) {
      signal?.throwIfAborted()
      const key = wanted === kind ? first : undefined
      if (key === undefined) return pool.generate(wanted, signal)
      first = undefined
      return key
    },
  }
}
