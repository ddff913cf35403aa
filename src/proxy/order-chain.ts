/**
 * Puts the certificates of one chain in order, from whatever order they came in.
 *
 * Every certificate must have exactly one place: what is left over, or could be in two places, is a
 * reason to refuse, because another program would build another chain from the same file.
 */
import { VoboxError } from '../errors.js'
import { type Certificate, isSignedBy } from '../x509/certificate.js'
import { sameName } from '../x509/name.js'
import { isBrokenAlgorithm } from '../x509/signature-algorithms.js'

/**
 * The chain from `leaf` upwards, without its root.
 *
 * Exact duplicates are dropped, and so are self-signed certificates other than the leaf: roots come
 * from the trust directory alone.
 *
 * @throws VoboxError `CHAIN_BROKEN` with `data.reason` `'unconnected'` or `'ambiguous-issuer'`.
 */
export function orderChain(leaf: Certificate, others: readonly Certificate[]): Certificate[] {
  const left = withoutDuplicates([leaf, ...others]).filter(
    (certificate) => certificate !== leaf && !isSelfSigned(certificate),
  )
  const chain = [leaf]
  for (let below = leaf; left.length > 0; ) {
    const issuer = onlyIssuer(below, left)
    if (issuer === undefined) throw unconnected(below, left)
    left.splice(left.indexOf(issuer), 1)
    chain.push(issuer)
    below = issuer
  }
  return chain
}

/** Each certificate once, by its bytes; the first one stays. */
export function withoutDuplicates(certificates: readonly Certificate[]): Certificate[] {
  const seen = new Map<string, Certificate>()
  for (const certificate of certificates) {
    const bytes = Buffer.from(certificate.der).toString('base64')
    if (!seen.has(bytes)) seen.set(bytes, certificate)
  }
  return [...seen.values()]
}

/** Old roots are signed with MD5, which no longer verifies; a root's own signature proves nothing. */
function isSelfSigned(certificate: Certificate): boolean {
  return (
    sameName(certificate.subject, certificate.issuer) &&
    (isBrokenAlgorithm(certificate.signatureAlgorithm) ||
      isSignedBy(certificate, certificate.publicKey))
  )
}

function onlyIssuer(below: Certificate, candidates: Certificate[]): Certificate | undefined {
  const [issuer, another] = candidates.filter(
    (candidate) =>
      sameName(candidate.subject, below.issuer) && isSignedBy(below, candidate.publicKey),
  )
  if (another === undefined) return issuer
  throw new VoboxError(
    'CHAIN_BROKEN',
    `two different certificates could have signed ${below.subject.oneLine}`,
    {
      hint: 'keep the one that belongs to the chain and remove the other',
      data: { reason: 'ambiguous-issuer', subject: below.subject.oneLine },
    },
  )
}

function unconnected(below: Certificate, left: readonly Certificate[]): VoboxError {
  const strays = left.map((certificate) => certificate.subject.oneLine)
  return new VoboxError(
    'CHAIN_BROKEN',
    `the chain ends at ${below.subject.oneLine}, and ${strays[0]} does not belong to it`,
    {
      hint: `the certificate of ${below.issuer.oneLine} is missing, or another one is too many`,
      data: { reason: 'unconnected', subject: below.subject.oneLine, strays },
    },
  )
}
