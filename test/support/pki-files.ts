/** Writes a test PKI to disk, as real peers read it: a hashed CA directory, credential files. */
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  derBitString,
  derContext,
  derInteger,
  derOctetString,
  derOid,
  derSequence,
  derTime,
} from '../../src/asn1/der.js'
import { OID } from '../../src/asn1/oids.js'
import { asUnixSeconds } from '../../src/ports/clock.js'
import { type Credential, encodeCredential } from '../../src/proxy/credential.js'
import type { Certificate } from '../../src/x509/certificate.js'
import { encodeExtension } from '../../src/x509/extensions.js'
import { nameHash, nameHashOld } from '../../src/x509/name.js'
import { encodePem } from '../../src/x509/pem.js'
import { encodePrivateKey } from '../../src/x509/private-key.js'
import { encodeAuthorityKeyIdentifier } from '../../src/x509/sign-certificate.js'
import { encodeAlgorithmFor, signBytes } from '../../src/x509/signature-algorithms.js'
import { type TestAuthority, VALID_FROM, VALID_UNTIL } from './pki.js'

export interface CrlOptions {
  revoked?: readonly Certificate[]
  /** Default 2025-01-01. */
  thisUpdate?: number
  /** Default 2044-12-31; null: none. */
  nextUpdate?: number | null
  /** Further critical or other extensions of the list, and of each of its entries. */
  extensions?: readonly Uint8Array[]
  entryExtensions?: readonly Uint8Array[]
}

/** A version 2 certificate revocation list in DER (RFC 5280 §5). */
export function makeCrl(authority: TestAuthority, options: CrlOptions = {}): Uint8Array {
  const thisUpdate = derTime(asUnixSeconds(options.thisUpdate ?? VALID_FROM))
  const nextUpdate = options.nextUpdate === undefined ? VALID_UNTIL : options.nextUpdate
  const ofEntry =
    options.entryExtensions === undefined ? [] : [derSequence(...options.entryExtensions)]
  const revoked = (options.revoked ?? []).map(({ serialHex }) =>
    derSequence(derInteger(BigInt(`0x${serialHex}`)), thisUpdate, ...ofEntry),
  )
  const { subjectKeyId } = authority.certificate
  const authorityKey =
    subjectKeyId === undefined ? [] : [encodeExtension(encodeAuthorityKeyIdentifier(subjectKeyId))]
  const number = derSequence(derOid(OID.crlNumber), derOctetString(derInteger(1)))
  const algorithm = encodeAlgorithmFor(authority.privateKey)
  const tbs = derSequence(
    derInteger(1),
    algorithm,
    authority.name.der,
    thisUpdate,
    ...(nextUpdate === null ? [] : [derTime(asUnixSeconds(nextUpdate))]),
    ...(revoked.length === 0 ? [] : [derSequence(...revoked)]),
    derContext(0, derSequence(...authorityKey, number, ...(options.extensions ?? []))),
  )
  return derSequence(tbs, algorithm, derBitString(signBytes(authority.privateKey, tbs)))
}

/** An EACL signing policy; `subjects` are Globus patterns, default everything. */
export function signingPolicy(
  authority: TestAuthority,
  subjects: readonly string[] = ['*'],
): string {
  const patterns = subjects.map((subject) => `"${subject}"`).join(' ')
  return [
    `access_id_CA  X509  '${authority.name.oneLine}'`,
    'pos_rights    globus CA:sign',
    `cond_subjects globus '${patterns}'`,
    '',
  ].join('\n')
}

export interface TrustFilesOptions {
  /** DER of the list; null: no CRL file. Default: an empty list. */
  crl?: Uint8Array | null
  /** Text; null: no signing policy file. Default: everything is allowed. */
  signingPolicy?: string | null
  /** Which hash names the files get; default both. */
  hashes?: 'new' | 'old' | 'both'
  /** Sequence number of the file names, for CAs of one name; default 0. */
  number?: number
}

/** Adds a CA to a hashed directory, which is made when it is not there. */
export async function writeTrustFiles(
  directory: string,
  authority: TestAuthority,
  options: TrustFilesOptions = {},
): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o755 })
  const number = options.number ?? 0
  const base = `${nameHash(authority.name)}-${number}`
  const crl = options.crl === undefined ? makeCrl(authority) : options.crl
  const policy =
    options.signingPolicy === undefined ? signingPolicy(authority) : options.signingPolicy
  const write = async (suffix: string, link: string, content: string | null) => {
    if (content === null) return
    await writeFile(join(directory, base + suffix), content, { mode: 0o644 })
    for (const hash of hashesOf(authority, options.hashes ?? 'both')) {
      await symlink(base + suffix, join(directory, hash + link))
    }
  }
  await write('.pem', `.${number}`, encodePem('CERTIFICATE', authority.certificate.der))
  await write('.crl', `.r${number}`, crl === null ? null : encodePem('X509 CRL', crl))
  await write('.policy', '.signing_policy', number === 0 ? policy : null)
}

function hashesOf({ name }: TestAuthority, which: 'new' | 'old' | 'both'): Set<string> {
  const hashes = new Set<string>()
  if (which !== 'old') hashes.add(nameHash(name))
  if (which !== 'new') hashes.add(nameHashOld(name))
  return hashes
}

/** A hashed directory below `parent` with these CAs, each with an empty CRL and a permissive policy. */
export async function writeTrustDirectory(
  parent: string,
  ...authorities: readonly TestAuthority[]
): Promise<string> {
  const directory = join(parent, 'certificates')
  for (const authority of authorities) await writeTrustFiles(directory, authority)
  return directory
}

/** Certificate (with its chain) and key in two files, as C tools want them: `0400` for the key. */
export async function writeCredentialPair(
  directory: string,
  name: string,
  credential: Credential,
): Promise<{ cert: string; key: string }> {
  const cert = join(directory, `${name}-cert.pem`)
  const key = join(directory, `${name}-key.pem`)
  const pem = credential.chain.map(({ der }) => encodePem('CERTIFICATE', der)).join('')
  await writeFile(cert, pem, { mode: 0o644 })
  await writeFile(key, encodePrivateKey(credential.privateKey), { mode: 0o400 })
  return { cert, key }
}

/** A proxy file, 0600. */
export async function writeProxyFile(
  directory: string,
  name: string,
  credential: Credential,
): Promise<string> {
  const path = join(directory, name)
  await writeFile(path, encodeCredential(credential), { mode: 0o600 })
  await chmod(path, 0o600)
  return path
}
