/**
 * The times of proxy files, read again only when a file has changed: a sweep over a thousand
 * registrations then costs a thousand `stat`s.
 */
import { isVoboxError } from '../errors.js'
import type { Files } from '../ports/files.js'
import type { ProxyFiles } from '../repository/proxy-files.js'
import type { CertificateCache } from '../x509/certificate-cache.js'
import { type ProxyTimes, parseProxyTimes } from './proxy-facts.js'

export interface ProxyTimesDependencies {
  files: Files
  repository: Pick<ProxyFiles, 'path' | 'readBytes'>
  /** Where certificates that come again are known from; absent: each is read anew. */
  certificates?: CertificateCache | undefined
}

/** What is known of proxy files, and forgotten where it cannot be true any more. */
export type KnownTimes = Pick<ProxyTimesCache, 'get' | 'delete' | 'clear'>

export class ProxyTimesCache {
  readonly #deps: ProxyTimesDependencies
  readonly #entries = new Map<string, { signature: string; times: ProxyTimes }>()

  constructor(deps: ProxyTimesDependencies) {
    this.#deps = deps
  }

  /** Undefined when the file is missing or unusable; `renewOne` then says why. */
  async get(fileName: string): Promise<ProxyTimes | undefined> {
    const { files, repository, certificates } = this.#deps
    try {
      const path = repository.path(fileName)
      const facts = await files.facts(path)
      if (facts === undefined) return undefined
      const signature = `${facts.inode} ${facts.changedMs} ${facts.sizeBytes}`
      const cached = this.#entries.get(fileName)
      if (cached?.signature === signature) return cached.times
      const read = await repository.readBytes(fileName)
      const times = parseProxyTimes(read.bytes, read.facts, certificates?.parse)
      this.#entries.set(fileName, { signature, times })
      return times
    } catch (error) {
      if (!isVoboxError(error)) throw error
      this.#entries.delete(fileName)
      return undefined
    }
  }

  delete(fileName: string): void {
    this.#entries.delete(fileName)
  }

  clear(): void {
    this.#entries.clear()
  }
}
