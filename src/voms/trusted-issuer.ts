/**
 * Who signed an attribute certificate, and whether that server may speak for the VO.
 *
 * Either a `.lsc` file names the chain that the attribute certificate brings along, or the server's
 * own certificate lies in the vomsdir. In both cases its chain must lead to a CA of the trust
 * directory, with that CA's revocation list and signing policy: a name alone is no proof.
 */
import { printable, VoboxError } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import type { Certificate } from '../x509/certificate.js'
import { sameName } from '../x509/name.js'
import { type ValidatedPath, validatePath } from '../x509/path-validation.js'
import { isBrokenAlgorithm, verifySignature } from '../x509/signature-algorithms.js'
import type { TrustAnchors } from '../x509/trust-anchors.js'
import { untrusted } from './ac-rules.js'
import type { AttributeCertificate } from './attribute-certificate.js'
import { type Lsc, lscLinesFor, matchesLsc } from './lsc.js'
import type { VomsTrust } from './voms-trust.js'

export interface IssuerRules {
  trust: VomsTrust
  anchors: TrustAnchors
  now: UnixSeconds
}

export interface TrustedIssuer {
  by: 'lsc' | 'certificate'
  path: ValidatedPath
}

/** Throws as `verifyAttributes` says. */
export function findTrustedIssuer(ac: AttributeCertificate, rules: IssuerRules): TrustedIssuer {
  const { by, signer } = vouchedFor(ac, rules.trust)
  checkSigner(ac, signer)
  const path = validatePath(signer, ac.issuerCertificates, rules.anchors, {
    now: rules.now,
  })
  return { by, path }
}

/** The certificate that the vomsdir vouches for; its signature is checked afterwards. */
function vouchedFor(
  ac: AttributeCertificate,
  trust: VomsTrust,
): { by: TrustedIssuer['by']; signer: Certificate } {
  const lscs = ac.server === undefined ? [] : trust.lscFor(ac.vo, ac.server.host)
  const [leaf] = ac.issuerCertificates
  if (leaf !== undefined && lscs.some((lsc) => matchesLsc(lsc, ac.issuerCertificates))) {
    return { by: 'lsc', signer: leaf }
  }
  const known = trust.certificatesFor(ac.vo).filter(({ subject }) => sameName(subject, ac.issuer))
  const signer = known.find((certificate) => isSigner(ac, certificate)) ?? known[0]
  if (signer !== undefined) return { by: 'certificate', signer }
  const [lsc] = lscs
  throw lsc === undefined ? nobodyVouches(ac, trust) : lscDiffers(ac, lsc)
}

function isSigner(ac: AttributeCertificate, { publicKey }: Certificate): boolean {
  return verifySignature(ac.signatureAlgorithm, publicKey, ac.tbs, ac.signature)
}

/**
 * RFC 5755 §4.5: the issuer signs, and is no CA. SHA-1 is still believed, as it is in chains, since
 * old servers use it; MD5 and older are not.
 */
function checkSigner(ac: AttributeCertificate, signer: Certificate): void {
  const issuer = ac.issuer.oneLine
  const subject = signer.subject.oneLine
  if (!sameName(signer.subject, ac.issuer)) {
    const message = `the attributes of VO ${ac.vo} are from ${issuer} and carry the certificate of ${subject}`
    throw untrusted(ac, 'issuer-differs', message, { subject })
  }
  if (signer.basicConstraints?.ca === true) {
    throw untrusted(ac, 'issuer-is-ca', `${issuer} is a CA and may not grant attributes`)
  }
  if (signer.keyUsage?.has('digitalSignature') === false) {
    throw new VoboxError('KEY_USAGE_FORBIDS', `the key of ${issuer} may not sign attributes`, {
      data: { subject, needed: 'digitalSignature' },
    })
  }
  if (isSigner(ac, signer)) return
  const algorithm = ac.signatureAlgorithm
  const broken = isBrokenAlgorithm(algorithm)
  const message = broken
    ? `the attributes of VO ${ac.vo} are signed with ${algorithm.name}, which proves nothing any more`
    : `the attributes of VO ${ac.vo} are not signed by the key of ${issuer}`
  throw new VoboxError('SIGNATURE_INVALID', message, {
    data: {
      vo: ac.vo,
      issuer,
      algorithm: algorithm.name,
      reason: broken ? 'broken-algorithm' : 'bad-signature',
    },
  })
}

function lscDiffers(ac: AttributeCertificate, lsc: Lsc): VoboxError {
  const file = printable(lsc.file)
  if (ac.issuerCertificates.length === 0) {
    const message = `the attributes of VO ${ac.vo} do not carry the certificate of their server`
    const hint = `put the certificate of ${ac.issuer.oneLine} beside ${file}`
    return untrusted(ac, 'no-issuer-certificate', message, { hint, file: lsc.file })
  }
  const found = lscLinesFor(ac.issuerCertificates)
  const message = `the server that granted the attributes of VO ${ac.vo} is not the one of ${file}`
  const hint = `if the VO has changed its server's certificate, ${file} must hold:\n${found.join('\n')}`
  return untrusted(ac, 'lsc-differs', message, { hint, file: lsc.file, found })
}

/** Nothing in the vomsdir is about this server; the hint is the file that would be. */
function nobodyVouches(ac: AttributeCertificate, trust: VomsTrust): VoboxError {
  const directory = printable(trust.directory)
  const host = ac.server?.host
  const related = trust.problems.filter(({ vo }) => vo === undefined || vo === ac.vo)
  const [problem] = related
  const message = `nothing in ${directory} says who may grant attributes of VO ${ac.vo}`
  const file = host === undefined ? undefined : `${directory}/${ac.vo}/${host}.lsc`
  const cure =
    file === undefined
      ? `install the certificate of ${ac.issuer.oneLine} in ${directory}/${ac.vo}`
      : `if the VO says that this is its server, make ${file} of these lines:\n${lscLinesFor(ac.issuerCertificates).join('\n')}`
  return new VoboxError(
    'VOMS_TRUST_MISSING',
    problem ? `${message}: ${problem.message}` : message,
    {
      hint: problem === undefined ? cure : 'mend that, or install the VO anew',
      data: { vo: ac.vo, host, directory: trust.directory, issuer: ac.issuer.oneLine, file },
      persistence: related.some(({ transient }) => transient) ? 'transient' : 'permanent',
    },
  )
}
