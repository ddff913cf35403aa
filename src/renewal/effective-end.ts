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
export function effectiveEndOf({ effectiveEnd, acBytes }: ChainFacts): UnixSeconds {
  if (acBytes === undefined) return effectiveEnd
  try {
    const ends = parseAcSequence(acBytes).map(({ notAfter }) => notAfter)
    return asUnixSeconds(Math.min(effectiveEnd, ...ends))
  } catch (error) {
    if (!isVoboxError(error)) throw error
    return effectiveEnd
  }
}
