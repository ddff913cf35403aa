/** Reads and parses the files of a hashed CA directory; what cannot be read becomes a problem. */
import { printable, VoboxError } from '../errors.js'
import type { FileRead, Files } from '../ports/files.js'
import { type Certificate, parseCertificate } from './certificate.js'
import { type Crl, parseCrl } from './crl.js'
import { type Name, nameHash, nameHashOld } from './name.js'
import { parsePem } from './pem.js'
import { parseSigningPolicy, type SigningPolicy } from './signing-policy.js'
import type { LoadedCrl, TrustMaterial } from './trust-anchor-set.js'
import type { TrustProblem } from './trust-anchors.js'

/** Largest file of each kind that is read, in bytes; the largest grid CRLs have a few megabytes. */
const MAX_BYTES = {
  certificate: 256 * 1024,
  'signing-policy': 256 * 1024,
  crl: 32 * 1024 * 1024,
} as const

/** Reads at the same time; more only wait for the same disk. */
const CONCURRENCY = 16

const HASHED_NAME = /^([0-9a-f]{8})\.(?:([0-9]{1,3})|(r[0-9]{1,3})|(signing_policy))$/

export interface TrustFile {
  name: string
  hash: string
  kind: keyof typeof MAX_BYTES
}

/** All names in a trust directory. @throws VoboxError `TRUST_ANCHORS_UNREADABLE` (transient). */
export async function listTrustDirectory(files: Files, directory: string): Promise<string[]> {
  try {
    return await files.list(directory)
  } catch (cause) {
    throw trustUnreadable(directory, cause)
  }
}

export function trustUnreadable(directory: string, cause: unknown): VoboxError {
  const message = `the directory of trust anchors, ${directory}, cannot be read`
  return new VoboxError('TRUST_ANCHORS_UNREADABLE', message, {
    hint: 'install the CA certificates there, or set X509_CERT_DIR to where they are',
    data: { directory },
    cause,
  })
}

/** The names of a directory that mean something, sorted. */
export function trustFileNames(names: readonly string[]): TrustFile[] {
  return names.toSorted().flatMap((name): TrustFile[] => {
    const [, hash, number, revoked] = HASHED_NAME.exec(name) ?? []
    if (hash === undefined) return []
    if (number !== undefined) return [{ name, hash, kind: 'certificate' }]
    return [{ name, hash, kind: revoked === undefined ? 'signing-policy' : 'crl' }]
  })
}

/** Runs `work` on all items, at most {@link CONCURRENCY} at a time; results in the items' order. */
export async function mapBounded<T, R>(
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results = new Array<R>(items.length)
  const entries = items.entries()
  const worker = async () => {
    for (const [index, item] of entries) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: CONCURRENCY }, worker))
  return results
}

/** Content of one file. */
type Parsed = readonly Certificate[] | Crl | SigningPolicy

/**
 * What was parsed before, by inode, size and times: the two hash names of a CA lead to one file, and
 * a directory that is read again has mostly changed in one or two.
 */
export type ParsedFiles = ReadonlyMap<string, Parsed>

/** Everything that the files of `directory` hold; the reads overlap, the parsing goes in order. */
export async function readTrustMaterial(
  files: Files,
  directory: string,
  trustFiles: readonly TrustFile[],
  before: ParsedFiles,
): Promise<{ material: TrustMaterial; parsed: ParsedFiles }> {
  const reads = await mapBounded(trustFiles, async (file) => {
    const path = `${directory}/${file.name}`
    const rules = { maxBytes: MAX_BYTES[file.kind], followLinks: true }
    return { file, path, read: await files.read(path, rules).catch(oursOrThrow) }
  })
  const gathering = new Gathering(before)
  for (const { file, path, read } of reads) gathering.add(file, path, read)
  return { material: gathering.material(), parsed: gathering.parsed }
}

function oursOrThrow(error: unknown): VoboxError {
  if (error instanceof VoboxError) return error
  throw error
}

class Gathering {
  readonly parsed = new Map<string, Parsed>()
  readonly #before: ParsedFiles
  readonly #certificates = new Map<string, Certificate>()
  readonly #crls = new Map<Crl, LoadedCrl>()
  readonly #signingPolicies = new Map<string, SigningPolicy | undefined>()
  readonly #unreadableCrls = new Map<string, string>()
  readonly #problems: TrustProblem[] = []

  constructor(before: ParsedFiles) {
    this.#before = before
  }

  add(file: TrustFile, path: string, read: FileRead | VoboxError): void {
    try {
      if (read instanceof VoboxError) throw read
      if (file.kind === 'certificate') this.#addCertificates(file, read)
      else if (file.kind === 'crl') this.#addCrl(file, path, read)
      else this.#addPolicy(file, read)
    } catch (error) {
      this.#note(file, path, oursOrThrow(error))
    }
  }

  material(): TrustMaterial {
    return {
      certificates: [...this.#certificates.values()],
      crls: [...this.#crls.values()],
      signingPolicies: this.#signingPolicies,
      unreadableCrls: this.#unreadableCrls,
      problems: this.#problems,
    }
  }

  #parse<T extends Parsed>(kind: TrustFile['kind'], read: FileRead, parse: (b: Buffer) => T): T {
    const { inode, sizeBytes, modifiedMs, changedMs } = read.facts
    const identity = `${kind} ${inode} ${sizeBytes} ${modifiedMs} ${changedMs}`
    const known = this.parsed.get(identity) ?? this.#before.get(identity) ?? parse(read.bytes)
    this.parsed.set(identity, known)
    // The identity begins with the kind, so what is known under it came from the same parser.
    return known as T
  }

  #addCertificates({ hash }: TrustFile, read: FileRead): void {
    const certificates = this.#parse('certificate', read, parseCertificates)
    const named = certificates.filter(({ subject }) => isHashOf(hash, subject))
    if (named.length === 0) throw misnamed('CERTIFICATE_MALFORMED', 'certificate')
    for (const certificate of named) {
      const { fingerprintSha256 } = certificate
      const known = this.#certificates.has(fingerprintSha256)
      if (!known) this.#certificates.set(fingerprintSha256, certificate)
    }
  }

  #addCrl({ hash }: TrustFile, path: string, read: FileRead): void {
    const crl = this.#parse('crl', read, parseCrl)
    if (!isHashOf(hash, crl.issuer)) throw misnamed('CRL_MALFORMED', 'CRL')
    if (!this.#crls.has(crl)) this.#crls.set(crl, { crl, file: path })
  }

  #addPolicy({ hash }: TrustFile, read: FileRead): void {
    const parse = (bytes: Buffer) => parseSigningPolicy(bytes.toString('utf8'))
    this.#signingPolicies.set(hash, this.#parse('signing-policy', read, parse))
  }

  /** A CRL or policy that cannot be read closes its CA; without its certificate a CA is just unknown. */
  #note({ kind, hash }: TrustFile, path: string, error: VoboxError): void {
    if (kind === 'crl') this.#unreadableCrls.set(hash, path)
    if (kind === 'signing-policy') this.#signingPolicies.set(hash, undefined)
    const message = `${printable(path)} cannot be used: ${error.message}`
    this.#problems.push({ kind: `${kind}-unreadable`, file: path, message })
  }
}

const CERTIFICATE_LABELS: ReadonlySet<string> = new Set(['CERTIFICATE', 'X509 CERTIFICATE'])

/** All of a PEM file, with keys that OpenSSL takes, so that later nothing can fail because of a file. */
export function parseCertificates(bytes: Buffer): readonly Certificate[] {
  const blocks = parsePem(bytes).filter(({ label }) => CERTIFICATE_LABELS.has(label))
  const certificates = blocks.map((block) => parseCertificate(block.bytes))
  for (const { publicKey } of certificates) void publicKey
  return certificates
}

function isHashOf(hash: string, name: Name): boolean {
  return hash === nameHash(name) || hash === nameHashOld(name)
}

function misnamed(code: 'CERTIFICATE_MALFORMED' | 'CRL_MALFORMED', what: string): VoboxError {
  return new VoboxError(code, `it holds no ${what} of the CA that its name stands for`)
}
