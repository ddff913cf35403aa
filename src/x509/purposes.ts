/** What an extended key usage (RFC 5280 §4.2.1.12) lets a certificate be in TLS. One table. */
import { OID } from '../asn1/oids.js'
import type { Certificate } from './certificate.js'

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
