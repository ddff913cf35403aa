/**
 * Attribute certificates for tests, right unless the options make them wrong, and the VOMS servers
 * that sign them, in memory.
 */
import { type KeyObject, sign } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  derBitString,
  derContext,
  derGeneralizedTime,
  derInteger,
  derNull,
  derOctetString,
  derOid,
  derSequence,
  derSet,
  encodeDer,
} from '../../src/asn1/der.js'
import { OID } from '../../src/asn1/oids.js'
import { contextTag } from '../../src/asn1/tags.js'
import { asUnixSeconds } from '../../src/ports/clock.js'
import { describeChain } from '../../src/proxy/chain-facts.js'
import type { Credential } from '../../src/proxy/credential.js'
import { acSequenceExtension } from '../../src/voms/ac-sequence.js'
import { parseLsc } from '../../src/voms/lsc.js'
import { makeVomsTrust, type VomsTrust } from '../../src/voms/voms-trust.js'
import type { Certificate, CertificateExtension } from '../../src/x509/certificate.js'
import { encodeExtension } from '../../src/x509/extensions.js'
import type { Name } from '../../src/x509/name.js'
import { encodeAuthorityKeyIdentifier } from '../../src/x509/sign-certificate.js'
import { encodeAlgorithmFor, signBytes } from '../../src/x509/signature-algorithms.js'
import type { TestAuthority } from './pki.js'
import { addProxy, type CertificateOptions, type ProxyOptions, realNow } from './pki.js'

const PRIMARY = '/Role=lcgadmin/Capability=NULL'

export interface AcOptions {
  /** Default: the server's. */
  vo?: string
  /** Default `VO://HOST:15000`. */
  uri?: string
  /** As they go in. Default: role `lcgadmin` in the VO, then the VO. */
  fqans?: readonly string[]
  /** What time it is for the server; default: the real time. Valid from then on. */
  now?: number
  /** Default 12. */
  hours?: number
  notBefore?: number
  notAfter?: number
  /** Default `subject`, as servers write it; `issuer` is what RFC 5755 wants. */
  holderForm?: 'subject' | 'issuer'
  holderName?: Name
  holderSerialHex?: string
  issuer?: Name
  /** Hosts, as `rfc` has them, `java` servers, or `c` servers of today, which lose them all. */
  targets?: readonly string[]
  targetForm?: 'rfc' | 'java' | 'c'
  genericAttributes?: readonly (readonly [name: string, value: string, qualifier: string])[]
  /** Default: the server's and its CAs below the root; null: no such extension. */
  issuerCertificates?: readonly Certificate[] | null
  /** Further extensions. */
  extensions?: readonly CertificateExtension[]
  /** Signs instead of the server's key. */
  signWith?: KeyObject
  /** RSA with an old hash. */
  hash?: 'sha1' | 'md5'
  /** What becomes of the part that is signed before, and what after it was signed. */
  before?: (tbs: Buffer) => Buffer
  after?: (tbs: Buffer) => Buffer
}

/** A VOMS server of one VO. */
export class TestVoms {
  readonly vo: string
  readonly host: string
  readonly ca: TestAuthority
  readonly credential: Credential

  constructor(
    ca: TestAuthority,
    options: { vo?: string; host?: string; certificate?: CertificateOptions } = {},
  ) {
    this.ca = ca
    this.vo = options.vo ?? 'alice'
    this.host = options.host ?? `voms.${this.vo}.example.org`
    this.credential = ca.issueHost(this.host, options.certificate)
  }

  get certificate(): Certificate {
    return leafOf(this.credential)
  }

  /** What this server would put into its `.lsc` file. */
  get lscText(): string {
    const lines = this.credential.chain.flatMap(({ subject, issuer }) => [subject, issuer])
    return lines.map(({ oneLine }) => `${oneLine}\n`).join('')
  }

  /** DER of an attribute certificate for whoever has this end-entity certificate. */
  grant(holder: Certificate | Credential, options: AcOptions = {}): Uint8Array {
    const certificate = 'chain' in holder ? describeChain(holder.chain).endEntity : holder
    return signAc(this, buildInfo(this, certificate, options), options)
  }

  /** A proxy below `signer` that carries attributes for `holder`, by default the signer itself. */
  addProxyTo(
    signer: Credential,
    options: AcOptions & { proxy?: ProxyOptions; holder?: Certificate } = {},
  ): Credential {
    const ac = this.grant(options.holder ?? signer, options)
    return addAttributes(signer, [ac], options.proxy)
  }
}

/** A proxy below `signer` that carries these attribute certificates. */
export function addAttributes(
  signer: Credential,
  acs: readonly Uint8Array[],
  options: ProxyOptions = {},
): Credential {
  const extensions = [...(options.extensions ?? []), acSequenceExtension(acs)]
  return addProxy(signer, { ...options, extensions })
}

/** What a vomsdir with the `.lsc` files of these servers holds. */
export function vomsTrustOf(...servers: readonly TestVoms[]): VomsTrust {
  const directory = '/etc/grid-security/vomsdir'
  const lscs = servers.map(({ vo, host, lscText }) => {
    return { vo, host, lsc: parseLsc(lscText, `${directory}/${vo}/${host}.lsc`) }
  })
  return makeVomsTrust({ directory, lscs })
}

/** Writes `VO/HOST.lsc` for each of them below `directory`, and returns it. */
export async function writeVomsDirectory(
  directory: string,
  ...servers: readonly TestVoms[]
): Promise<string> {
  for (const { vo, host, lscText } of servers) {
    await mkdir(join(directory, vo), { recursive: true, mode: 0o755 })
    await writeFile(join(directory, vo, `${host}.lsc`), lscText, { mode: 0o644 })
  }
  return directory
}

function leafOf({ chain: [leaf] }: Credential): Certificate {
  if (leaf === undefined) throw new TypeError('a credential has a certificate')
  return leaf
}

function buildInfo(voms: TestVoms, holder: Certificate, options: AcOptions): Uint8Array {
  const now = options.now ?? realNow()
  const notBefore = asUnixSeconds(options.notBefore ?? now)
  const notAfter = asUnixSeconds(options.notAfter ?? now + (options.hours ?? 12) * 3600)
  const { holderForm = 'subject' } = options
  const serial = Buffer.from(options.holderSerialHex ?? holder.serialHex, 'hex')
  return derSequence(
    derInteger(1),
    derSequence(
      derContext(0, generalName(options.holderName ?? holder[holderForm]), derInteger(serial)),
    ),
    derContext(0, generalName(options.issuer ?? voms.certificate.subject)),
    algorithmOf(options.signWith ?? voms.credential.privateKey, options),
    derInteger(4711),
    derSequence(derGeneralizedTime(notBefore), derGeneralizedTime(notAfter)),
    derSequence(vomsAttribute(voms, options)),
    derSequence(...extensionsOf(voms, options).map(encodeExtension)),
  )
}

function uriOf({ vo, host }: TestVoms, options: AcOptions): Uint8Array {
  const uri = options.uri ?? `${options.vo ?? vo}://${host}:15000`
  return encodeDer(contextTag(6), Buffer.from(uri, 'latin1'))
}

function vomsAttribute(voms: TestVoms, options: AcOptions): Uint8Array {
  const vo = options.vo ?? voms.vo
  const fqans = options.fqans ?? [`/${vo}${PRIMARY}`, `/${vo}/Role=NULL/Capability=NULL`]
  const values = fqans.map((fqan) => derOctetString(Buffer.from(fqan, 'latin1')))
  const syntax = derSequence(derContext(0, uriOf(voms, options)), derSequence(...values))
  return derSequence(derOid(OID.vomsAttributes), derSet(syntax))
}

function extensionsOf(voms: TestVoms, options: AcOptions): CertificateExtension[] {
  const certificates =
    options.issuerCertificates === undefined ? voms.credential.chain : options.issuerCertificates
  const { genericAttributes = [], targets } = options
  const wrapped = (oid: string, value: Uint8Array) => [{ oid, critical: false, value }]
  return [
    ...(genericAttributes.length === 0
      ? []
      : wrapped(OID.vomsGenericAttributes, genericList(voms, options))),
    ...(certificates === null
      ? []
      : wrapped(
          OID.vomsIssuerCertificates,
          derSequence(derSequence(...certificates.map(({ der }) => der))),
        )),
    ...wrapped(OID.noRevAvail, derNull()),
    encodeAuthorityKeyIdentifier(voms.certificate.publicKey),
    ...(targets === undefined
      ? []
      : [{ oid: OID.targetInformation, critical: true, value: targetList(targets, options) }]),
    ...(options.extensions ?? []),
  ]
}

function genericList(voms: TestVoms, options: AcOptions): Uint8Array {
  const tags = (options.genericAttributes ?? []).map((texts) =>
    derSequence(...texts.map((text) => derOctetString(Buffer.from(text, 'utf8')))),
  )
  const list = derSequence(derSequence(uriOf(voms, options)), derSequence(...tags))
  return derSequence(derSequence(list))
}

function targetList(hosts: readonly string[], { targetForm = 'rfc' }: AcOptions): Uint8Array {
  const targets = hosts.map((host) => {
    const tag = contextTag(targetForm === 'rfc' ? 2 : 6)
    const target = derContext(0, encodeDer(tag, Buffer.from(host, 'latin1')))
    return targetForm === 'rfc' ? target : derSequence(target)
  })
  return derSequence(derSequence(...(targetForm === 'c' ? [] : targets)))
}

/** GeneralNames with one directory name. */
function generalName(name: Name): Uint8Array {
  return derSequence(derContext(4, name.der))
}

function algorithmOf(key: KeyObject, { hash }: AcOptions): Uint8Array {
  if (hash === undefined) return encodeAlgorithmFor(key)
  const oid = hash === 'sha1' ? OID.sha1WithRsa : OID.md5WithRsa
  return derSequence(derOid(oid), derNull())
}

function signAc(voms: TestVoms, info: Uint8Array, options: AcOptions): Uint8Array {
  const { before = (tbs) => tbs, after = (tbs) => tbs, hash } = options
  const key = options.signWith ?? voms.credential.privateKey
  const tbs = before(Buffer.from(info))
  const signature = hash === undefined ? signBytes(key, tbs) : sign(hash, tbs, key)
  return derSequence(after(Buffer.from(tbs)), algorithmOf(key, options), derBitString(signature))
}
