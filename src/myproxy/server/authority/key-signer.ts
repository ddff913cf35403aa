/** A CA that signs with a key of its own: `certificate_issuer_cert` and `_key`. */
import type { KeyObject } from 'node:crypto'
import { derSequence, encodeDer } from '../../../asn1/der.js'
import { OID } from '../../../asn1/oids.js'
import { contextTag } from '../../../asn1/tags.js'
import { VoboxError } from '../../../errors.js'
import { asUnixSeconds, type Clock, type UnixSeconds } from '../../../ports/clock.js'
import { BACKDATE_SECONDS } from '../../../proxy/issue-proxy.js'
import { type Certificate, parseCertificate } from '../../../x509/certificate.js'
import type { CertificateExtension } from '../../../x509/extensions.js'
import { signCertificate } from '../../../x509/sign-certificate.js'
import type { SigningHash } from '../../../x509/signature-algorithms.js'
import type { CertificateArchive } from './archive.js'
import type { IssueRequest } from './certificate-authority.js'
import type { ExtensionSource } from './extension-source.js'
import type { Issuer } from './issuer.js'
import type { Signer } from './issuing-authority.js'
import type { SerialNumbers } from './serial-numbers.js'

export interface KeySignerOptions {
  issuer: Issuer
  serials: SerialNumbers
  extensions: ExtensionSource
  /** `certificate_issuer_hashalg`. */
  hash: SigningHash
  /** `max_cert_lifetime`, in seconds. */
  maxLifetimeSeconds: number
  /** `certificate_issuer_email_domain`. */
  emailDomain?: string
  archive?: CertificateArchive
  clock: Clock
}

export class KeySigner implements Signer {
  readonly #options: KeySignerOptions

  constructor(options: KeySignerOptions) {
    this.#options = options
  }

  get sent(): readonly Certificate[] {
    return this.#options.issuer.sent
  }

  /** A serial number is taken last, when nothing but the signature can fail any more. */
  async sign(request: IssueRequest, publicKey: KeyObject): Promise<Certificate> {
    const { username, subject, lifetimeSeconds, signal } = request
    const { issuer, serials, archive, hash } = this.#options
    const extensions = await this.#extensionsFor(username, publicKey, signal)
    const validity = this.#validity(lifetimeSeconds)
    const serial = await serials.next(signal)
    const template = {
      serial,
      issuer: issuer.certificate.subject,
      subject,
      ...validity,
      publicKey,
      extensions,
      hash,
    }
    const certificate = parseCertificate(signCertificate(template, issuer.privateKey))
    await archive?.keep(serial, certificate, username)
    return certificate
  }

  async #extensionsFor(
    username: string,
    publicKey: KeyObject,
    signal: AbortSignal,
  ): Promise<CertificateExtension[]> {
    const { extensions, issuer, emailDomain } = this.#options
    const about = { publicKey, issuer: issuer.certificate }
    const list = await extensions.extensionsFor(username, about, signal)
    if (emailDomain === undefined) return list
    if (list.some(({ oid }) => oid === OID.subjectAltName)) {
      throw new VoboxError('CONFIG_INVALID', 'subjectAltName is there already', {
        hint: 'Leave certificate_issuer_email_domain away, or the extension',
      })
    }
    return [...list, emailAddress(username, emailDomain)]
  }

  /** As long as is asked for, allowed, and as the CA itself lives; 0 asks for all of it. */
  #validity(askedSeconds: number): { notBefore: UnixSeconds; notAfter: UnixSeconds } {
    const { clock, issuer, maxLifetimeSeconds } = this.#options
    const now = clock.now()
    const lifetime = Math.min(askedSeconds || maxLifetimeSeconds, maxLifetimeSeconds)
    const notAfter = Math.min(now + lifetime, issuer.effectiveEnd)
    if (notAfter <= now || now < issuer.certificate.notBefore) {
      throw new VoboxError('CHAIN_EXPIRED', 'The certificate of the CA is not valid now', {
        hint: 'Renew it (certificate_issuer_cert), then send the server SIGHUP',
        data: { subject: issuer.certificate.subject.oneLine, notAfter: issuer.effectiveEnd },
      })
    }
    const notBefore = Math.max(now - BACKDATE_SECONDS, issuer.certificate.notBefore)
    return { notBefore: asUnixSeconds(notBefore), notAfter: asUnixSeconds(notAfter) }
  }
}

/** The local part of an address without quotes, RFC 5321 §4.1.2. */
const LOCAL_PART = /^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*$/

function emailAddress(username: string, domain: string): CertificateExtension {
  if (!LOCAL_PART.test(username)) {
    throw new VoboxError('CONFIG_INVALID', 'The user name cannot be part of an e-mail address', {
      hint: 'Leave certificate_issuer_email_domain away, or use a certificate_extapp',
    })
  }
  const address = Buffer.from(`${username}@${domain}`, 'latin1')
  const value = derSequence(encodeDer(contextTag(1), address))
  return { oid: OID.subjectAltName, critical: false, value }
}
