/**
 * The files of job proxies, in `job_repository/`, and who may write them when.
 *
 * A renewal takes seconds, in which the last job may end, or another job bring a proxy that lives
 * longer. So what it brings is looked at once more when it is written: never for a proxy that is gone
 * (its name never comes again), never over one that ends later.
 */
import { dirname, join } from 'node:path'
import { VoboxError } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import { type Files, TEMPORARY_PREFIX } from '../ports/files.js'
import type { Journal } from '../ports/journal.js'
import { describeChain } from '../proxy/chain-facts.js'
import type { Credential } from '../proxy/credential.js'
import { isJobFile } from '../registry/job-file-name.js'
import { effectiveEndOf } from '../renewal/effective-end.js'
import type { ProxyTimes } from '../renewal/proxy-facts.js'
import { ProxyTimesCache } from '../renewal/proxy-times-cache.js'
import type { ProxyFiles } from '../repository/proxy-files.js'
import type { ProxyRepository } from '../repository/proxy-repository.js'
import type { CertificateCache } from '../x509/certificate-cache.js'
import type { JobStore } from './job-store.js'
import { TurnTaking } from './turn-taking.js'

export interface JobProxiesDependencies {
  files: Files
  journal: Journal
  /** Of `job_repository/`. */
  repository: ProxyRepository
  store: JobStore
  /** Where certificates that come again are known from; absent: each is read anew. */
  certificates?: CertificateCache | undefined
}

/** What may take the place of what lies there. */
export interface FreshProxy {
  /** Earliest end of chain and attributes. */
  end: UnixSeconds
  hasAttributes: boolean
  /** Asked for only when it is written. */
  credential(): Credential
}

export function freshOf(credential: Credential): FreshProxy {
  const facts = describeChain(credential.chain)
  return {
    end: effectiveEndOf(facts),
    hasAttributes: facts.acBytes !== undefined,
    credential: () => credential,
  }
}

export class JobProxies {
  readonly #deps: JobProxiesDependencies
  readonly #lately = new Map<string, ProxyTimes>()
  readonly #times: ProxyTimesCache
  readonly #turns = new TurnTaking()

  constructor(deps: JobProxiesDependencies) {
    this.#deps = deps
    this.#times = new ProxyTimesCache(deps)
  }

  path(fileName: string): string {
    return this.#deps.repository.path(fileName)
  }

  /** As the file is now. Undefined when it is missing or unusable. */
  async times(fileName: string): Promise<ProxyTimes | undefined> {
    const times = await this.#times.get(fileName)
    if (times === undefined) this.#lately.delete(fileName)
    else if (this.#deps.store.book.get(fileName) !== undefined) this.#lately.set(fileName, times)
    return times
  }

  /** As it was when it was last written or looked at, which is enough to tell a client. */
  async timesLately(fileName: string): Promise<ProxyTimes | undefined> {
    return this.#lately.get(fileName) ?? this.times(fileName)
  }

  /** For the renewal, which replaces as {@link replaceIfLater} does. */
  files(): ProxyFiles {
    const { repository } = this.#deps
    return {
      path: (fileName) => repository.path(fileName),
      read: (fileName) => repository.read(fileName),
      readBytes: (fileName) => repository.readBytes(fileName),
      replace: async (fileName, credential) => {
        await this.replaceIfLater(fileName, freshOf(credential))
      },
      remove: (fileName) => repository.remove(fileName),
      list: () => repository.list(),
      newestFirst: (accept) => repository.newestFirst(accept),
      probeWritable: () => repository.probeWritable(),
    }
  }

  /** Writes the first file of a proxy that is about to be recorded. */
  create(fileName: string, credential: Credential): Promise<void> {
    return this.#deps.repository.replace(fileName, credential)
  }

  /**
   * Replaces the file unless it ends later, or as late, already.
   *
   * @returns whether it was replaced.
   * @throws VoboxError `NOT_REGISTERED` when nobody shares it any more; as `replace` of a repository.
   */
  replaceIfLater(fileName: string, fresh: FreshProxy): Promise<boolean> {
    const { repository, store } = this.#deps
    return this.#turns.take(fileName, async () => {
      if (store.book.get(fileName) === undefined) throw nobodyLeft(fileName)
      const current = await this.times(fileName)
      // A plain one may keep the place while no VOMS server answers.
      const dresses = fresh.hasAttributes && current?.hasAttributes === false
      if (current !== undefined && current.end >= fresh.end && !dresses) return false
      await repository.replace(fileName, fresh.credential())
      await this.times(fileName)
      return true
    })
  }

  /** Removes the file of a proxy that is recorded as gone; a renewal under way cannot bring it back. */
  remove(fileName: string): Promise<void> {
    return this.#turns.take(fileName, async () => {
      this.#times.delete(fileName)
      this.#lately.delete(fileName)
      await this.#deps.repository.remove(fileName)
    })
  }

  /** Removes what a crash left: files that no record names, and halves. @returns how many. */
  async removeStrays(): Promise<number> {
    const { repository, store, journal } = this.#deps
    await this.#removeHalves()
    const ours = (await repository.list()).filter(isJobFile)
    const strays = ours.filter((name) => store.book.get(name) === undefined)
    for (const name of strays) await repository.remove(name)
    if (strays.length > 0) {
      const message = `${strays.length} proxies that no job has were removed`
      journal.write('warn', 'job-proxies-strayed', message, {
        files: strays.slice(0, 10).join(' '),
      })
    }
    return strays.length
  }

  /** Of files that were being written. They hold keys, and nobody else writes here: none may stay. */
  async #removeHalves(): Promise<void> {
    const { files, repository } = this.#deps
    const directory = dirname(repository.path('job-'))
    for (const name of await files.list(directory)) {
      if (name.startsWith(TEMPORARY_PREFIX)) await files.remove(join(directory, name))
    }
  }
}

function nobodyLeft(fileName: string): VoboxError {
  return new VoboxError('NOT_REGISTERED', 'the last job of this proxy has ended', {
    data: { fileName },
  })
}
