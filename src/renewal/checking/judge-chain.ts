/** What is worth knowing of a chain that works: hashes and keys that are weak, and how deep it is. Pure. */
import { printable } from '../../errors.js'
import type { UnixSeconds } from '../../ports/clock.js'
import { showDistance } from '../../ports/time-text.js'
import type { ChainFacts } from '../../proxy/chain-facts.js'
import { chainWeaknesses } from '../../proxy/weaknesses.js'
import type { Certificate } from '../../x509/certificate.js'
import { sameName } from '../../x509/name.js'
import { type About, bad, doubtful, type Finding, good } from './finding.js'

/** Beyond half of what is accepted, every further delegation is one too many soon. */
const DEEP_RATIO = 1 / 2

/** A chain as it is presented or read, with a word for whose it is. */
export interface SeenChain {
  chain: readonly Certificate[]
  about?: About
}

/**
 * Each certificate once, whoever shows it. The signature of a root over itself is nobody's concern:
 * a root is believed because it is in the CA directory.
 */
export function judgeWeaknesses(seen: readonly SeenChain[]): Finding[] {
  const told = new Set<string>()
  const findings = seen.flatMap(({ chain, about }) =>
    chainWeaknesses(chain).flatMap(({ kind, certificate, message }) => {
      const { subject, issuer, fingerprintSha256 } = certificate
      if (kind === 'weak-signature' && sameName(subject, issuer)) return []
      if (told.has(`${kind} ${fingerprintSha256}`)) return []
      told.add(`${kind} ${fingerprintSha256}`)
      return [doubtful('chain', printable(message), REPLACE, about)]
    }),
  )
  if (findings.length > 0) return findings
  return seen.length === 0 ? [] : [good('chain', 'no chain holds a weak hash or a short key')]
}

const REPLACE =
  'Its owner asks the CA for a certificate of today: RSA of 2048 bits or more, SHA-256'

/** @param more proxies that are put below what was seen: one, where VOMS attributes are added. */
export function judgeDepth(
  { depth }: ChainFacts,
  more: number,
  limit: number,
  about: About,
): Finding[] {
  const deep = depth + more
  if (deep <= limit * DEEP_RATIO) return []
  const sentence = `its proxies are delegated ${deep} times, where ${limit} is the most`
  const cure =
    'Its owner stores the credential again, from the user certificate: long chains overflow the buffers of others'
  return [
    deep > limit ? bad('chain', sentence, cure, about) : doubtful('chain', sentence, cure, about),
  ]
}

/** How long before its end something that people must replace is worth a word, in seconds. */
export const REPLACE_SOON_SECONDS = 14 * 86_400

/** A certificate that a person must ask a CA for. @param what as it begins the sentence. */
export function judgeCertificateEnd(
  what: string,
  notAfter: UnixSeconds,
  now: UnixSeconds,
): { verdict: 'good' | 'doubtful' | 'bad'; sentence: string } {
  const when = showDistance(notAfter, now)
  if (notAfter <= now) return { verdict: 'bad', sentence: `${what} expired ${when}` }
  const verdict = notAfter - now < REPLACE_SOON_SECONDS ? 'doubtful' : 'good'
  return { verdict, sentence: `${what} ends ${when}` }
}
