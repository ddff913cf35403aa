/** What a certificate may be used for in TLS (RFC 5280 §4.2.1.3, §4.2.1.12). */
import { OID } from '../asn1/oids.js'
import { VoboxError } from '../errors.js'
import type { Certificate } from '../x509/certificate.js'

/** Which end of a TLS connection presents the certificate. */
export type TlsPurpose = 'client' | 'server'

export const PURPOSE_OID: Readonly<Record<TlsPurpose, string>> = {
  client: OID.clientAuth,
  server: OID.serverAuth,
}

/** Whether the extended key usage, where there is one, allows `purpose`. */
export function allowsPurpose(certificate: Certificate, purpose: TlsPurpose): boolean {
  const allowed = certificate.extendedKeyUsage
  return (
    allowed === undefined ||
    allowed.includes(PURPOSE_OID[purpose]) ||
    allowed.includes(OID.anyExtendedKeyUsage)
  )
}

/**
 * Throws `KEY_USAGE_FORBIDS` unless every one of these certificates may be used for `purpose`; a
 * proxy can be restricted further than its end-entity certificate.
 */
export function requirePurpose(certificates: readonly Certificate[], purpose: TlsPurpose): void {
  for (const certificate of certificates) {
    if (allowsPurpose(certificate, purpose)) continue
    const subject = certificate.subject.oneLine
    throw new VoboxError('KEY_USAGE_FORBIDS', `${subject} must not be used as a TLS ${purpose}`, {
      hint: `Its extended key usage lacks ${purpose}Auth; ask its CA for another certificate.`,
      data: {
        subject,
        purpose,
        extendedKeyUsage: certificate.extendedKeyUsage,
        missing: PURPOSE_OID[purpose],
      },
    })
  }
}
