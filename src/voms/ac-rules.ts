/** What an attribute certificate must say about itself, whoever signed it (RFC 5755 §5). */
import { OID } from '../asn1/oids.js'
import { printable, VoboxError } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import type { Certificate } from '../x509/certificate.js'
import { sameName } from '../x509/name.js'
import { CLOCK_SKEW_SECONDS } from '../x509/path-validation.js'
import type { AttributeCertificate } from './attribute-certificate.js'
import { showFqan, voOfFqan } from './fqan.js'

/** Why attributes are not believed, beside those reasons that have a code of their own. */
export type UntrustedReason =
  | 'foreign-fqan'
  | 'not-for-this-host'
  | 'no-issuer-certificate'
  | 'issuer-differs'
  | 'issuer-is-ca'
  | 'lsc-differs'

/** Extensions that may be critical because we act on them, or because they take nothing away. */
const KNOWN_EXTENSIONS: ReadonlySet<string> = new Set([
  OID.authorityKeyIdentifier,
  OID.noRevAvail,
  OID.targetInformation,
  OID.vomsIssuerCertificates,
  OID.vomsGenericAttributes,
])

export interface StatementRules {
  endEntity: Certificate
  now: UnixSeconds
  host?: string
}

/** Everything but the signature and who may have made it. Throws for the first rule broken. */
export function checkStatement(ac: AttributeCertificate, rules: StatementRules): void {
  checkCriticalExtensions(ac)
  checkValidity(ac, rules.now)
  checkHolder(ac, rules.endEntity)
  checkVo(ac)
  checkTargets(ac, rules.host)
}

export function untrusted(
  ac: AttributeCertificate,
  reason: UntrustedReason,
  message: string,
  { hint, ...data }: { hint?: string; [field: string]: unknown } = {},
): VoboxError {
  return new VoboxError('VOMS_AC_UNTRUSTED', message, {
    hint,
    data: { reason, vo: ac.vo, issuer: ac.issuer.oneLine, ...data },
  })
}

function checkCriticalExtensions(ac: AttributeCertificate): void {
  const unknown = ac.extensions.find(({ oid, critical }) => critical && !KNOWN_EXTENSIONS.has(oid))
  if (unknown === undefined) return
  const { oid } = unknown
  const message = `the attributes of VO ${ac.vo} have the critical extension ${oid}, which is not supported`
  throw new VoboxError('EXTENSION_UNKNOWN_CRITICAL', message, { data: { oid, vo: ac.vo } })
}

/** Five minutes of skew for the start alone; the end is the end. */
function checkValidity({ vo, notBefore, notAfter }: AttributeCertificate, now: UnixSeconds): void {
  if (now > notAfter) {
    throw new VoboxError('VOMS_AC_EXPIRED', `the attributes of VO ${vo} have expired`, {
      data: { vo, notAfter },
    })
  }
  if (now < notBefore - CLOCK_SKEW_SECONDS) {
    throw new VoboxError('VOMS_AC_NOT_YET_VALID', `the attributes of VO ${vo} are not valid yet`, {
      hint: 'check that the clocks of this machine and of the VOMS server are right',
      data: { vo, notBefore },
      persistence: 'transient',
    })
  }
}

/**
 * Serial number and name must be those of the end-entity certificate. RFC 5755 §4.2.2 wants its
 * issuer's name there; VOMS servers, C and Java, write its subject, and both clients take either.
 */
function checkHolder(ac: AttributeCertificate, endEntity: Certificate): void {
  const named =
    sameName(ac.holderName, endEntity.subject) || sameName(ac.holderName, endEntity.issuer)
  if (named && ac.holderSerialHex === endEntity.serialHex) return
  const subject = endEntity.subject.oneLine
  const message = `the attributes of VO ${ac.vo} were granted to another certificate than that of ${subject}`
  throw new VoboxError('VOMS_AC_HOLDER_DIFFERS', message, {
    hint: 'ask the VO for attributes anew, with this certificate',
    data: {
      vo: ac.vo,
      holder: ac.holderName.oneLine,
      holderSerial: ac.holderSerialHex,
      subject,
      serial: endEntity.serialHex,
    },
  })
}

/** A server that may speak for one VO must not grant what belongs to another. */
function checkVo(ac: AttributeCertificate): void {
  const foreign = ac.fqans.find((fqan) => voOfFqan(fqan) !== ac.vo)
  if (foreign === undefined) return
  const fqan = showFqan(foreign)
  throw untrusted(ac, 'foreign-fqan', `VO ${ac.vo} granted ${fqan}, which is not its own`, { fqan })
}

/** RFC 5755 §4.3.2: who cannot find himself among the targets must not use it. */
function checkTargets(ac: AttributeCertificate, host: string | undefined): void {
  if (!ac.targeted) return
  const us = host?.toLowerCase()
  if (us !== undefined && ac.targets.some((target) => target.toLowerCase() === us)) return
  const whom = ac.targets.length === 0 ? 'no host at all' : printable(ac.targets.join(', '), 200)
  const message = `the attributes of VO ${ac.vo} are meant for ${whom}, not for this host`
  throw untrusted(ac, 'not-for-this-host', message, {
    hint: 'ask for attributes without targets',
    targets: ac.targets,
    host,
  })
}
