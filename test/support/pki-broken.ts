/** Certificates that are wrong in ways our own signer refuses to make. */
import { type KeyObject, sign } from 'node:crypto'
import { derBitString, derNull, derOid, derSequence } from '../../src/asn1/der.js'
import { OID } from '../../src/asn1/oids.js'
import type { Credential } from '../../src/proxy/credential.js'
import { type Certificate, parseCertificate } from '../../src/x509/certificate.js'

const OLD_ALGORITHMS = { sha1: OID.sha1WithRsa, md5: OID.md5WithRsa } as const

/** A certificate that an RSA key signed, signed once more with a hash that is out of use. */
export function resign(
  certificate: Certificate,
  signer: KeyObject,
  hash: keyof typeof OLD_ALGORITHMS,
): Certificate {
  const [sha256, old] = [OID.sha256WithRsa, OLD_ALGORITHMS[hash]].map((oid) =>
    Buffer.from(derSequence(derOid(oid), derNull())),
  )
  const tbs = Buffer.from(certificate.tbs)
  const at = sha256 === undefined ? -1 : tbs.indexOf(sha256)
  if (at < 0 || old === undefined) throw new TypeError('no RSA key signed this certificate')
  old.copy(tbs, at)
  return parseCertificate(derSequence(tbs, old, derBitString(sign(hash, tbs, signer))))
}

/** The same credential with its leaf signed once more, by an RSA key with SHA-1. */
export function resignWithSha1(credential: Credential, signer: KeyObject): Credential {
  const [leaf] = credential.chain
  if (leaf === undefined) throw new TypeError('a credential has a leaf')
  return withCertificate(credential, 0, resign(leaf, signer, 'sha1'))
}

/** The certificate with the last bit of its signature turned over. */
export function withBrokenSignature(certificate: Certificate): Certificate {
  const der = Buffer.from(certificate.der)
  der[der.length - 1] = (der[der.length - 1] ?? 0) ^ 1
  return parseCertificate(der)
}

/** The credential with its certificate at `index` (0 is the leaf) replaced. */
export function withCertificate(
  credential: Credential,
  index: number,
  certificate: Certificate,
): Credential {
  return { ...credential, chain: credential.chain.with(index, certificate) }
}
