/**
 * Trust anchors in memory: CA certificates, the revocation lists and signing policies that belong to
 * them, and what is wrong with any of it. Where it all comes from is not known here.
 */
import type { UnixSeconds } from '../ports/clock.js'
import type { Certificate } from './certificate.js'
import type { Crl } from './crl.js'
import { scopeKey } from './crl-scope.js'
import { type Name, nameHash, nameHashOld, sameName } from './name.js'
import { canonicalName } from './name-hash.js'
import type { SigningPolicy } from './signing-policy.js'
import type {
  PolicyOfAuthority,
  Revocation,
  TrustAnchor,
  TrustAnchors,
  TrustProblem,
} from './trust-anchors.js'
import { crlProblems } from './trust-problems.js'

/** A revocation list with the file it was read from. */
export interface LoadedCrl {
  crl: Crl
  file: string
}

/** Everything that a trust directory holds, parsed. */
export interface TrustMaterial {
  certificates: readonly Certificate[]
  crls?: readonly LoadedCrl[]
  /** Signing policies by the hash in their file's name; `undefined` marks one that cannot be read. */
  signingPolicies?: ReadonlyMap<string, SigningPolicy | undefined>
  /** Hashes of CAs for which there is a revocation list that cannot be read, with its file. */
  unreadableCrls?: ReadonlyMap<string, string>
  /** What went wrong while reading. */
  problems?: readonly TrustProblem[]
}

export interface TrustAnchorOptions {
  /** Whether a CA without a signing policy may sign anything. Default: it may sign nothing. */
  allowMissingSigningPolicy?: boolean
  /** For `problems`, which depend on the time. */
  now(): UnixSeconds
}

/** Trust anchors of what is already in memory. */
export function makeTrustAnchors(
  material: TrustMaterial,
  options: TrustAnchorOptions,
): TrustAnchors {
  return new TrustAnchorSet(material, options)
}

class TrustAnchorSet implements TrustAnchors {
  readonly certificates: readonly Certificate[]
  readonly allowMissingSigningPolicy: boolean
  readonly #material: TrustMaterial
  readonly #now: () => UnixSeconds
  readonly #anchors = new Map<string, TrustAnchor[]>()
  readonly #crls = new Map<string, LoadedCrl[]>()
  readonly #revocations = new WeakMap<Certificate, Revocation>()

  constructor(material: TrustMaterial, options: TrustAnchorOptions) {
    this.#material = material
    this.#now = options.now
    this.allowMissingSigningPolicy = options.allowMissingSigningPolicy ?? false
    this.certificates = material.certificates
    for (const certificate of material.certificates) {
      const root = sameName(certificate.subject, certificate.issuer)
      append(this.#anchors, keyOf(certificate.subject), { certificate, root })
    }
    for (const loaded of material.crls ?? []) {
      // A list of attribute certificates alone says nothing about any certificate.
      if (loaded.crl.scope.kind === 'attributes') continue
      append(this.#crls, foldedKeyOf(loaded.crl.issuer), loaded)
    }
  }

  anchorsNamed(subject: Name): readonly TrustAnchor[] {
    return this.#anchors.get(keyOf(subject)) ?? []
  }

  signingPolicyOf(authority: Name): PolicyOfAuthority {
    const policies = this.#material.signingPolicies
    if (policies === undefined || policies.size === 0) return { kind: 'none' }
    for (const hash of [nameHash(authority), nameHashOld(authority)]) {
      if (!policies.has(hash)) continue
      const policy = policies.get(hash)
      return policy === undefined ? { kind: 'unreadable' } : { kind: 'present', policy }
    }
    return { kind: 'none' }
  }

  revocationBy(authority: Certificate): Revocation {
    const known = this.#revocations.get(authority)
    if (known !== undefined) return known
    const found = this.#findRevocation(authority)
    this.#revocations.set(authority, found)
    return found
  }

  /**
   * The newest list of each scope that this CA's key has signed. Where there are lists under its name
   * and none is its own, somebody replaced or broke them: that is not the same as having none. Nor does
   * a list that can be read make up for one that cannot: it may be the older, or of another scope.
   */
  #findRevocation(authority: Certificate): Revocation {
    for (const hash of [nameHash(authority.subject), nameHashOld(authority.subject)]) {
      const file = this.#material.unreadableCrls?.get(hash)
      if (file !== undefined) return { kind: 'unreadable', file, reason: 'malformed' }
    }
    const named = this.#crls.get(foldedKeyOf(authority.subject)) ?? []
    const own = named.filter(({ crl }) => crl.isSignedBy(authority.publicKey))
    if (own.length > 0) return { kind: 'present', crls: newestOfEachScope(own) }
    const foreign = named.find(({ crl }) => !this.#isOfNamesake(crl, authority))
    if (foreign !== undefined) {
      return { kind: 'unreadable', file: foreign.file, reason: 'bad-signature' }
    }
    return { kind: 'none' }
  }

  /** A CA that changed its key keeps its name: the list may be that of the other certificate. */
  #isOfNamesake(crl: Crl, authority: Certificate): boolean {
    return this.anchorsNamed(authority.subject).some(
      ({ certificate }) => certificate !== authority && crl.isSignedBy(certificate.publicKey),
    )
  }

  get problems(): readonly TrustProblem[] {
    const now = this.#now()
    const ofLists = this.certificates.flatMap((authority) =>
      crlProblems(authority, this.revocationBy(authority), now),
    )
    const named = new Set(ofLists.map(({ file }) => file))
    const others = (this.#material.problems ?? []).filter(({ file }) => !named.has(file))
    return [...ofLists, ...others]
  }
}

/** Bytes of a name as a map key: Latin-1 keeps every octet apart. */
function keyOf(name: Name): string {
  return Buffer.from(name.der).toString('latin1')
}

/**
 * Some CAs spell their name in another string type in their lists. To overlook such a list would be
 * to accept what it revokes, so lists are found by the folded name; the signature says whose they are.
 */
function foldedKeyOf(name: Name): string {
  return Buffer.from(canonicalName(name)).toString('latin1')
}

function append<T>(map: Map<string, T[]>, key: string, value: T): void {
  const list = map.get(key)
  if (list === undefined) map.set(key, [value])
  else list.push(value)
}

function newestOfEachScope(loaded: readonly LoadedCrl[]): LoadedCrl[] {
  const newest = new Map<string, LoadedCrl>()
  for (const candidate of loaded) {
    const key = scopeKey(candidate.crl.scope)
    const best = newest.get(key)
    if (best === undefined || candidate.crl.thisUpdate > best.crl.thisUpdate) {
      newest.set(key, candidate)
    }
  }
  return [...newest.values()]
}
