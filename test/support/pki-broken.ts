/** Certificates that are wrong in ways our own signer refuses to make. */
import { type KeyObject, sign } from 'node:crypto'
import { derBitString, derNull, derOid, derSequence } from '../../src/asn1/der.js'
import { OID } from '../../src/asn1/oids.js'
import type { Credential } from '../../src/proxy/credential.js'
import { type Certificate, parseCertificate } from '../../src/x509/certificate.js'

/** The same credential with its leaf signed once more, by an RSA key with SHA-1. */
export function resignWithSha1(credential: Credential, signer: KeyObject): Credential {
  const [leaf, ...above] = credential.chain
  if (leaf === undefined) throw new TypeError('a credential has a leaf')
  const [sha256, sha1] = [OID.sha256WithRsa, OID.sha1WithRsa].map((oid) =>
    Buffer.from(derSequence(derOid(oid), derNull())),
  )
  const tbs = Buffer.from(leaf.tbs)
  const at = sha256 === undefined ? -1 : tbs.indexOf(sha256)
  if (at < 0 || sha1 === undefined) throw new TypeError('the leaf is not signed by an RSA key')
  sha1.copy(tbs, at)
  const signature = sign('sha1', tbs, signer)
  const der = derSequence(tbs, sha1, derBitString(signature))
  return { ...credential, chain: [parseCertificate(der), ...above] }
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
