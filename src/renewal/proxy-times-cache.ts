/**
 * The times of proxy files, read again only when a file has changed: a sweep over a thousand
 * registrations then costs a thousand `stat`s.
 */
import { isVoboxError } from '../errors.js'
import type { Files } from '../ports/files.js'
import type { ProxyFiles } from '../repository/proxy-files.js'
import { type ProxyTimes, parseProxyTimes } from './proxy-facts.js'

export class ProxyTimesCache {
  readonly #deps: { files: Files; repository: Pick<ProxyFiles, 'path' | 'readBytes'> }
  readonly #entries = new Map<string, { signature: string; times: ProxyTimes }>()

  constructor(deps: { files: Files; repository: Pick<ProxyFiles, 'path' | 'readBytes'> }) {
    this.#deps = deps
  }

  /** Undefined when the file is missing or unusable; `renewOne` then says why. */
  async get(fileName: string): Promise<ProxyTimes | undefined> {
    const { files, repository } = this.#deps
    try {
      const path = repository.path(fileName)
      const facts = await files.facts(path)
      if (facts === undefined) return undefined
      const signature = `${facts.inode} ${facts.changedMs} ${facts.sizeBytes}`
      const cached = this.#entries.get(fileName)
      if (cached?.signature === signature) return cached.times
      const read = await repository.readBytes(fileName)
      const times = parseProxyTimes(read.bytes, read.facts)
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
