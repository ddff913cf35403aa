/** What the leaf of a chain may be used for in TLS (RFC 5280 §4.2.1.3, §4.2.1.12). */
import { VoboxError } from '../errors.js'
import type { Certificate, KeyUsage } from '../x509/certificate.js'
import { allowsPurpose, PURPOSE_OID, type TlsPurpose } from '../x509/purposes.js'

/** One of these is needed where there is a key usage; a server may also just decipher a key. */
const KEY_USAGES: Readonly<Record<TlsPurpose, readonly KeyUsage[]>> = {
  client: ['digitalSignature'],
  server: ['digitalSignature', 'keyEncipherment', 'keyAgreement'],
}

/**
 * Throws `KEY_USAGE_FORBIDS` unless every one of these certificates may be used for `purpose`: a
 * proxy has at most the rights of its end-entity certificate and can be restricted further.
 */
export function requirePurpose(certificates: readonly Certificate[], purpose: TlsPurpose): void {
  for (const certificate of certificates) {
    const { keyUsage, extendedKeyUsage } = certificate
    if (!allowsPurpose(certificate, purpose)) {
      throw forbidden(certificate, purpose, { extendedKeyUsage, missing: PURPOSE_OID[purpose] })
    }
    if (keyUsage !== undefined && !KEY_USAGES[purpose].some((usage) => keyUsage.has(usage))) {
      const missing = KEY_USAGES[purpose][0]
      throw forbidden(certificate, purpose, { keyUsage: [...keyUsage], missing })
    }
  }
}

function forbidden(
  certificate: Certificate,
  purpose: TlsPurpose,
  data: Readonly<Record<string, unknown>>,
): VoboxError {
  const subject = certificate.subject.oneLine
  const what = 'keyUsage' in data ? 'key usage' : 'extended key usage'
  return new VoboxError('KEY_USAGE_FORBIDS', `${subject} must not be used as a TLS ${purpose}`, {
    hint: `its ${what} forbids it; ask its CA for another certificate`,
    data: { subject, purpose, ...data },
  })
}
