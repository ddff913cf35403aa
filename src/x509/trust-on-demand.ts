/**
 * Trust anchors for a few certificates, from a hashed CA directory of which no more is read than
 * leads to them: for a program that answers one question and ends. The directory of a grid site has
 * hundreds of CAs; a chain needs two.
 *
 * What is read is judged as by `TrustDirectory`: the same files, by the same names.
 */
import type { Clock } from '../ports/clock.js'
import type { Files } from '../ports/files.js'
import type { Certificate } from './certificate.js'
import { type Name, nameHash, nameHashOld } from './name.js'
import { makeTrustAnchors, type TrustMaterial } from './trust-anchor-set.js'
import type { TrustAnchors } from './trust-anchors.js'
import {
  listTrustDirectory,
  readTrustMaterial,
  type TrustFile,
  trustFileNames,
} from './trust-files.js'

export class TrustOnDemand {
  readonly #files: Files
  readonly #clock: Clock
  readonly #directory: string
  readonly #allowMissingSigningPolicy: boolean
  readonly #seen = new Set<string>()
  #material: TrustMaterial = { certificates: [] }
  #byHash: Promise<ReadonlyMap<string, readonly TrustFile[]>> | undefined
  #reading: Promise<void> = Promise.resolve()
  #anchors: TrustAnchors | undefined

  constructor(
    files: Files,
    clock: Clock,
    directory: string,
    options: { allowMissingSigningPolicy: boolean },
  ) {
    this.#files = files
    this.#clock = clock
    this.#directory = directory
    this.#allowMissingSigningPolicy = options.allowMissingSigningPolicy
  }

  /**
   * Anchors that are complete for paths from any of these certificates, and maybe for others.
   *
   * Rejects with `TRUST_ANCHORS_UNREADABLE` when the directory cannot be listed.
   */
  async anchorsFor(certificates: readonly Certificate[]): Promise<TrustAnchors> {
    // One after the other: what one caller reads the next need not.
    const read = this.#reading.then(() => this.#readIssuers(certificates))
    this.#reading = read.catch(() => undefined)
    await read
    this.#anchors ??= makeTrustAnchors(this.#material, {
      allowMissingSigningPolicy: this.#allowMissingSigningPolicy,
      now: () => this.#clock.now(),
    })
    return this.#anchors
  }

  /** From each certificate to its issuer, and so on up to the roots. */
  async #readIssuers(certificates: readonly Certificate[]): Promise<void> {
    this.#byHash ??= this.#list()
    const byHash = await this.#byHash
    for (let below = certificates; below.length > 0; ) {
      const hashes = below.flatMap(({ issuer }) => this.#unseenHashes(issuer))
      const wanted = hashes.flatMap((hash) => byHash.get(hash) ?? [])
      below = wanted.length === 0 ? [] : await this.#read(wanted)
    }
  }

  #unseenHashes(name: Name): string[] {
    const hashes = [...new Set([nameHash(name), nameHashOld(name)])]
    const unseen = hashes.filter((hash) => !this.#seen.has(hash))
    for (const hash of unseen) this.#seen.add(hash)
    return unseen
  }

  async #read(wanted: readonly TrustFile[]): Promise<readonly Certificate[]> {
    const { material } = await readTrustMaterial(this.#files, this.#directory, wanted, new Map())
    this.#material = merged(this.#material, material)
    this.#anchors = undefined
    return material.certificates
  }

  async #list(): Promise<ReadonlyMap<string, readonly TrustFile[]>> {
    const byHash = new Map<string, TrustFile[]>()
    for (const file of trustFileNames(await listTrustDirectory(this.#files, this.#directory))) {
      byHash.set(file.hash, [...(byHash.get(file.hash) ?? []), file])
    }
    return byHash
  }
}

function merged(one: TrustMaterial, other: TrustMaterial): TrustMaterial {
  return {
    certificates: [...one.certificates, ...other.certificates],
    crls: [...(one.crls ?? []), ...(other.crls ?? [])],
    signingPolicies: new Map([...(one.signingPolicies ?? []), ...(other.signingPolicies ?? [])]),
    unreadableCrls: new Map([...(one.unreadableCrls ?? []), ...(other.unreadableCrls ?? [])]),
    problems: [...(one.problems ?? []), ...(other.problems ?? [])],
  }
}
