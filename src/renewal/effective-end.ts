/**
 * When a proxy stops being what it is for: the earliest of its chain and of the attribute
 * certificates that count. Without its attributes a proxy looks alive and is refused by services.
 */
import { isVoboxError } from '../errors.js'
import { asUnixSeconds, type UnixSeconds } from '../ports/clock.js'
import type { ChainFacts } from '../proxy/chain-facts.js'
import { parseAcSequence } from '../voms/ac-sequence.js'

/**
 * Only the outermost proxy that carries attribute certificates counts. They are not verified here:
 * one that nobody would believe can make the end earlier, never later. What cannot be parsed has no
 * end, and says nothing.
 */
export function effectiveEndOf(facts: ChainFacts): UnixSeconds {
  return asUnixSeconds(Math.min(facts.effectiveEnd, attributesEndOf(facts) ?? facts.effectiveEnd))
}

/** When the first of those attribute certificates ends; undefined: there is none that can be read. */
export function attributesEndOf({ acBytes }: ChainFacts): UnixSeconds | undefined {
  if (acBytes === undefined) return undefined
  try {
    const ends = parseAcSequence(acBytes).map(({ notAfter }) => notAfter)
    return ends.length === 0 ? undefined : asUnixSeconds(Math.min(...ends))
  } catch (error) {
    if (!isVoboxError(error)) throw error
    return undefined
  }
}
