/**
 * What a MyProxy server sent as its CA directory, file by file: which of it may go into ours. Pure.
 *
 * A CA directory is read by every grid tool of the machine, so nothing gets in that is not what its
 * name says: a damaged signing policy or revocation list would close its CA for all of them.
 */
import { isVoboxError, printable, type VoboxError } from '../../errors.js'
import type { TrustRootFile } from '../../myproxy/trust-roots.js'
import type { Certificate } from '../../x509/certificate.js'
import { type Crl, parseCrl } from '../../x509/crl.js'
import { type Name, nameHash, nameHashOld, sameName } from '../../x509/name.js'
import { parseSigningPolicy, type SigningPolicy } from '../../x509/signing-policy.js'
import type { TrustMaterial } from '../../x509/trust-anchor-set.js'
import { parseCertificates } from '../../x509/trust-files.js'

/** What a file of a CA directory is, by the end of its name. */
type Kind = 'certificate' | 'crl' | 'signing-policy' | 'other'

/** A file that may be installed. */
export interface TrustRootEntry {
  name: string
  kind: Kind
  content: Buffer
  /** CAs of a certificate file. */
  authorities: readonly Certificate[]
  /** Of a revocation list. */
  crl?: Crl
  policy?: SigningPolicy
}

/** A file that is left out, and why. */
export interface RefusedTrustRoot {
  name: string
  reason: string
}

export interface JudgedTrustRoots {
  /** In the order in which they are to be written. */
  entries: readonly TrustRootEntry[]
  refused: readonly RefusedTrustRoot[]
}

/** Never hidden, no path, and nothing that a shell or a listing would read otherwise. */
const NAME = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,199}$/

const HASHED = /^([0-9a-f]{8})\.r?\d{1,3}$/

const KINDS: readonly (readonly [end: RegExp, kind: Kind])[] = [
  [/\.(\d{1,3}|pem|crt)$/, 'certificate'],
  [/\.(r\d{1,3}|crl|crl\.pem)$/, 'crl'],
  [/\.(signing_policy|policy)$/, 'signing-policy'],
  [/\.(namespaces|info|crl_url)$/, 'other'],
]

/**
 * Certificates last: while files are being written, a CA is never there without the policy and the
 * revocation list that limit it.
 */
const ORDER: readonly Kind[] = ['signing-policy', 'other', 'crl', 'certificate']

/** Judges each file by itself; a file that is refused does not stop the others. */
export function judgeTrustRoots(files: readonly TrustRootFile[]): JudgedTrustRoots {
  const entries = new Map<string, TrustRootEntry>()
  const refused: RefusedTrustRoot[] = []
  for (const { name, content } of files) {
    try {
      const entry = entryOf(name, content)
      if (typeof entry === 'string') refused.push({ name: printable(name, 200), reason: entry })
      else entries.set(name, entry)
    } catch (error) {
      if (!isVoboxError(error)) throw error
      refused.push({ name: printable(name, 200), reason: reasonOf(error) })
    }
  }
  return {
    entries: [...entries.values()].sort(
      (a, b) => ORDER.indexOf(a.kind) - ORDER.indexOf(b.kind) || (a.name < b.name ? -1 : 1),
    ),
    refused,
  }
}

function reasonOf({ message }: VoboxError): string {
  return printable(message, 200)
}

/** The entry, or why there is none. */
function entryOf(name: string, content: Buffer): TrustRootEntry | string {
  if (!NAME.test(name)) return 'no name that a CA directory has'
  const kind = KINDS.find(([end]) => end.test(name))?.[1]
  if (kind === undefined) return 'nothing that a CA directory holds'
  const entry = { name, kind, content, authorities: [] }
  const hash = HASHED.exec(name)?.[1]
  switch (kind) {
    case 'certificate':
      return certificateEntry(entry, hash)
    case 'crl': {
      const crl = parseCrl(content)
      if (hash !== undefined && !isHashOf(hash, crl.issuer)) return 'not the list of that CA'
      return { ...entry, crl }
    }
    case 'signing-policy':
      return { ...entry, policy: parseSigningPolicy(content.toString('utf8')) }
    default:
      return content.includes(0) ? 'no text' : entry
  }
}

function certificateEntry(
  entry: TrustRootEntry,
  hash: string | undefined,
): TrustRootEntry | string {
  if (entry.content.includes('PRIVATE KEY')) return 'it holds a private key'
  const authorities = parseCertificates(entry.content)
  if (authorities.length === 0) return 'it holds no certificate'
  const stranger = authorities.find((one) => !isAuthority(one))
  if (stranger !== undefined) return `${printable(stranger.subject.oneLine, 100)} is no CA`
  if (hash !== undefined && !authorities.some(({ subject }) => isHashOf(hash, subject))) {
    return 'it holds no certificate of the CA that its name stands for'
  }
  return { ...entry, authorities }
}

/** Roots of before RFC 5280 say nothing of it and are known by having signed themselves. */
function isAuthority({ basicConstraints, subject, issuer }: Certificate): boolean {
  return basicConstraints?.ca ?? sameName(subject, issuer)
}

function isHashOf(hash: string, name: Name): boolean {
  return hash === nameHash(name) || hash === nameHashOld(name)
}

/** What a CA directory with these files would hold. */
export function materialOf(entries: readonly TrustRootEntry[]): TrustMaterial {
  const policies = entries.flatMap(({ name, policy }): [string, SigningPolicy][] =>
    policy !== undefined && name.endsWith('.signing_policy') ? [[name.slice(0, 8), policy]] : [],
  )
  return {
    certificates: entries.flatMap(({ authorities }) => authorities),
    crls: entries.flatMap(({ name: file, crl }) => (crl === undefined ? [] : [{ crl, file }])),
    signingPolicies: new Map(policies),
  }
}
