/**
 * Which stems lie in the directory of a store, without reading thousands of names for every INFO.
 *
 * The names are kept from one look to the next only as long as the directory itself says that
 * nothing was added, renamed or removed. Its time of change is coarse: two changes within one tick
 * leave it the same. So names count as known only when that time had been seen for a while before
 * they were read; by then another change would have moved it. What is compared is the directory's
 * time with itself, never with our clock: the disk may be another machine's.
 */
import type { Clock } from '../../../ports/clock.js'
import type { Files } from '../../../ports/files.js'
import { stampOf, stemOfData } from './stored-pairs.js'

export interface StoredStemsDeps {
  files: Files
  clock: Pick<Clock, 'monotonicMs'>
  directory: string
}

/** Longer than a tick where times of change have whole seconds only (ext3, and NFS of it). */
const SETTLED_WHOLE_SECONDS_MS = 2500

/** The same where they have more; Linux counts in ticks of at most 10 ms. */
const SETTLED_MS = 100

export class StoredStems {
  readonly #deps: StoredStemsDeps
  /** The directory as last seen, and since when; `known` are its stems, sorted. */
  #seen: { stamp: string; sinceMs: number; known?: readonly string[] } | undefined
  #reading: Promise<readonly string[]> | undefined
  #next: Promise<readonly string[]> | undefined

  constructor(deps: StoredStemsDeps) {
    this.#deps = deps
  }

  /** All stems, in no order. */
  async all(): Promise<readonly string[]> {
    return (await this.#known()) ?? this.#list()
  }

  /** Those that are one of `prefixes` or go on from it with a dash. */
  async of(prefixes: readonly string[]): Promise<string[]> {
    const belongs = (stem: string) =>
      prefixes.some((prefix) => stem === prefix || stem.startsWith(`${prefix}-`))
    const known = await this.#known()
    if (known === undefined) return (await this.#list()).filter(belongs)
    return prefixes.flatMap((prefix) => startingWith(known, prefix)).filter(belongs)
  }

  async #known(): Promise<readonly string[] | undefined> {
    const { files, clock, directory } = this.#deps
    const facts = await files.facts(directory, { fresh: true })
    if (facts === undefined) return undefined
    const stamp = stampOf(facts)
    const wholeSeconds = facts.modifiedMs % 1000 === 0
    const settledMs = wholeSeconds ? SETTLED_WHOLE_SECONDS_MS : SETTLED_MS
    const nowMs = clock.monotonicMs()
    if (this.#seen?.stamp !== stamp) this.#seen = { stamp, sinceMs: nowMs }
    const seen = this.#seen
    if (seen.known === undefined && nowMs - seen.sinceMs >= settledMs) {
      seen.known = [...(await this.#list())].sort()
    }
    return seen.known
  }

  /**
   * One reading at a time: who comes during one shares the next, since the one that runs may have
   * missed what was stored before they asked.
   */
  #list(): Promise<readonly string[]> {
    this.#next ??= (this.#reading ?? Promise.resolve())
      .catch(() => undefined)
      .then(() => {
        this.#reading = this.#next
        this.#next = undefined
        return this.#readNames()
      })
    return this.#next
  }

  async #readNames(): Promise<string[]> {
    const stems: string[] = []
    for (const file of await this.#deps.files.list(this.#deps.directory)) {
      const stem = stemOfData(file)
      if (stem !== undefined) stems.push(stem)
    }
    return stems
  }
}

/** Those of a sorted list that start with `prefix`, found by halving. */
function startingWith(sorted: readonly string[], prefix: string): readonly string[] {
  let low = 0
  let high = sorted.length
  while (low < high) {
    const middle = (low + high) >>> 1
    if ((sorted[middle] ?? '') < prefix) low = middle + 1
    else high = middle
  }
  let end = low
  while (sorted[end]?.startsWith(prefix)) end += 1
  return sorted.slice(low, end)
}
