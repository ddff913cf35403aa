/**
 * The repository as a run of replication reads it: only what was written since the last run.
 *
 * Names and fingerprints of what was read are kept in a file beside the credentials, 0600, each with
 * the stamp of its files. Of ten thousand credentials of which none changed a run asks for the times,
 * and reads none. The file is a convenience: lost or damaged, everything is read again.
 */
import { join } from 'node:path'
import * as v from 'valibot'
import { isVoboxError } from '../../../errors.js'
import { asUnixSeconds } from '../../../ports/clock.js'
import type { Files } from '../../../ports/files.js'
import type { Journal } from '../../../ports/journal.js'
import type { CredentialRepository, StoredEntry } from '../store/credential-repository.js'
import type { StoredFacts } from './replicated.js'
import { type ReplicationSource, type Told, toldOf } from './snapshot.js'

export interface SeenCredentialsDeps {
  repository: Pick<CredentialRepository, 'stamps' | 'at' | 'find'>
  files: Files
  journal: Journal
  /** The repository's. */
  directory: string
  /** Who may own the file. */
  owners: readonly number[]
}

interface Seen {
  stem: string
  stamp: string
  facts: StoredFacts
}

const FILE = '.vobox-replication-seen.json'

/** Some hundred thousand credentials, in bytes. */
const MAX_BYTES = 256 * 1024 * 1024

/**
 * Longer than a tick of the coarsest times of change, in milliseconds. What was written later than
 * this before the run may be written again within the same tick, and is read anew the next time.
 */
const SETTLED_MS = 3000

/** Of the fingerprints too: with another content of these nothing that was kept counts. */
const VERSION = 1

const text = v.pipe(v.string(), v.minLength(1))
const schema = v.object({
  version: v.literal(VERSION),
  seen: v.array(
    v.object({
      stem: text,
      stamp: text,
      facts: v.object({
        username: text,
        name: v.exactOptional(text),
        fingerprint: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
        kept: v.exactOptional(v.picklist(['locked', 'guarded-by-hash'])),
        endsAt: v.exactOptional(v.pipe(v.number(), v.integer(), v.transform(asUnixSeconds))),
      }),
    }),
  ),
})

export class SeenCredentials implements ReplicationSource {
  readonly #deps: SeenCredentialsDeps

  constructor(deps: SeenCredentialsDeps) {
    this.#deps = deps
  }

  find(username: string, name: string | undefined): Promise<StoredEntry | undefined> {
    return this.#deps.repository.find(username, name)
  }

  /** To be read to its end by one run at a time. */
  async *all(): AsyncGenerator<Told> {
    const { repository } = this.#deps
    const before = await this.#read()
    const settledBeforeMs = (await this.#directoryMs()) - SETTLED_MS
    const seen: Seen[] = []
    let read = 0
    for (const [stem, stamp] of await repository.stamps()) {
      const known = before.get(stem)
      if (known?.stamp === stamp.text) {
        seen.push(known)
        yield { facts: known.facts }
        continue
      }
      read += 1
      // After its stamp was taken: what is written meanwhile has another one the next time.
      const entry = await repository.at(stem)
      if (entry === undefined) continue
      const told = toldOf(entry)
      const isSettled = stamp.newestMs < settledBeforeMs && entry.current
      if (isSettled && 'facts' in told) seen.push({ stem, stamp: stamp.text, facts: told.facts })
      yield told
    }
    if (read > 0 || seen.length < before.size) await this.#write(seen)
  }

  /** The clock of the disk, which may be another machine's: when something was last made there. */
  async #directoryMs(): Promise<number> {
    const { files, directory } = this.#deps
    return (await files.facts(directory, { fresh: true }))?.modifiedMs ?? 0
  }

  async #read(): Promise<ReadonlyMap<string, Seen>> {
    const { files, owners } = this.#deps
    try {
      const rules = { maxBytes: MAX_BYTES, owners, forbiddenMode: 0o077 }
      const { bytes } = await files.read(this.#path, rules)
      const { seen } = v.parse(schema, JSON.parse(bytes.toString('utf8')))
      return new Map(seen.map((one) => [one.stem, one]))
    } catch (error) {
      const isExpected = isVoboxError(error) || error instanceof SyntaxError || v.isValiError(error)
      if (!isExpected) throw error
      return new Map()
    }
  }

  async #write(seen: readonly Seen[]): Promise<void> {
    const { files, journal } = this.#deps
    const lines = seen.map((one) => JSON.stringify(one)).join(',\n')
    const bytes = Buffer.from(`{"version":${VERSION},"seen":[\n${lines}\n]}\n`, 'utf8')
    try {
      await files.replace(this.#path, bytes, { mode: 0o600 })
    } catch (error) {
      // The states of the secondaries matter; without this a run takes longer.
      if (!isVoboxError(error)) throw error
      journal.write('warn', 'replication-seen-unwritable', error.message, { code: error.code })
    }
  }

  get #path(): string {
    return join(this.#deps.directory, FILE)
  }
}
