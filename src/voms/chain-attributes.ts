/**
 * The attribute certificates of a proxy chain.
 *
 * Only those of the outermost proxy that carries any count: whoever added that proxy replaced what is
 * further inside. The inner ones are named all the same, because a stored credential that was
 * uploaded with attributes keeps carrying them while they expire, and narrows what a server grants.
 */
import { OID } from '../asn1/oids.js'
import { toVoboxError, type VoboxError } from '../errors.js'
import type { ChainFacts } from '../proxy/chain-facts.js'
import { parseAcSequence } from './ac-sequence.js'
import type { AttributeCertificate } from './attribute-certificate.js'

export interface InnerAttributes {
  /** Index in `ChainFacts.proxies`. */
  readonly step: number
  /** Empty where they cannot be read; `problem` says why. */
  readonly acs: readonly AttributeCertificate[]
  readonly problem?: VoboxError
}

export interface ChainAttributes {
  /** Not verified. Empty: the chain carries none. */
  readonly outermost: readonly AttributeCertificate[]
  /** Index in `ChainFacts.proxies` of the proxy that carries them. */
  readonly step: number | undefined
  /** What proxies further inside carry, nearest first; none of it counts. */
  readonly inner: readonly InnerAttributes[]
}

/**
 * Reads what the proxies of a chain carry.
 *
 * @throws VoboxError `VOMS_AC_MALFORMED` when those of the outermost cannot be read.
 */
export function attributesOfChain(facts: ChainFacts): ChainAttributes {
  const [first] = carriersOf(facts)
  if (first === undefined) return { outermost: [], step: undefined, inner: [] }
  const outermost = parseAcSequence(first.value)
  return { outermost, step: first.step, inner: attributesInside(facts) }
}

/** The inner ones alone, whatever the outermost are like. */
export function attributesInside(facts: ChainFacts): InnerAttributes[] {
  return carriersOf(facts).slice(1).map(readInner)
}

interface Carrier {
  step: number
  value: Uint8Array
}

function carriersOf({ proxies }: ChainFacts): Carrier[] {
  return proxies.flatMap(({ certificate }, step) => {
    const extension = certificate.extension(OID.vomsAcSequence)
    return extension === undefined ? [] : [{ step, value: extension.value }]
  })
}

function readInner({ step, value }: Carrier): InnerAttributes {
  try {
    return { step, acs: parseAcSequence(value) }
  } catch (error) {
    return { step, acs: [], problem: toVoboxError(error) }
  }
}
