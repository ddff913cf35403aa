/**
 * The extension of a proxy that carries attribute certificates (1.3.6.1.4.1.8005.100.100.5):
 * `SEQUENCE { SEQUENCE OF AttributeCertificate }`, one for each VO that was asked.
 */
import { DerReader, derSequence } from '../asn1/der.js'
import { malformed } from '../asn1/malformed.js'
import { OID } from '../asn1/oids.js'
import type { CertificateExtension } from '../x509/extensions.js'
import {
  type AttributeCertificate,
  asMalformedAc,
  parseAttributeCertificate,
} from './attribute-certificate.js'

/** More VOs than anybody is in at once; each costs a signature check. */
const MAX_ATTRIBUTE_CERTIFICATES = 32

/** @throws VoboxError `VOMS_AC_MALFORMED` and nothing else. */
export function parseAcSequence(extensionValue: Uint8Array): AttributeCertificate[] {
  return splitAcSequence(extensionValue).map(parseAttributeCertificate)
}

/**
 * The attribute certificates as they lie in the extension, none of them looked into.
 *
 * @throws VoboxError `VOMS_AC_MALFORMED`
 */
export function splitAcSequence(extensionValue: Uint8Array): Uint8Array[] {
  return asMalformedAc(() => {
    const outer = new DerReader(extensionValue)
    const wrapper = outer.readSequence()
    outer.done()
    const list = wrapper.readSequence()
    wrapper.done()
    const ders: Uint8Array[] = []
    while (!list.atEnd()) ders.push(list.readElement().raw)
    if (ders.length === 0) throw malformed('there is none in the extension for them')
    if (ders.length > MAX_ATTRIBUTE_CERTIFICATES) {
      throw malformed(`more than ${MAX_ATTRIBUTE_CERTIFICATES} in one proxy`)
    }
    return ders
  })
}

/** Value of the extension; the attribute certificates go in byte for byte, in this order. */
export function encodeAcSequence(ders: readonly Uint8Array[]): Uint8Array {
  return derSequence(derSequence(...ders))
}

/** The extension itself, not critical: services that know nothing of VOMS take the proxy too. */
export function acSequenceExtension(ders: readonly Uint8Array[]): CertificateExtension {
  return { oid: OID.vomsAcSequence, critical: false, value: encodeAcSequence(ders) }
}
