/**
 * How many credentials each owner keeps in a store: one client that is allowed to store must not be
 * able to fill the disk. The owner counts and not the user name, which the client chooses.
 *
 * Counted once, when first asked, from the files; afterwards by what this process stores and
 * removes. Before anybody is refused, what was counted for that owner is looked at again, so that
 * somebody else's removal helps.
 */
import { tooManyStored } from './refusals.js'

export interface OwnedCredentialsDeps {
  /** Most credentials of one owner. */
  max: number
  /** Every stem that has data. */
  stems(): Promise<readonly string[]>
  /** Owner of what lies under a stem; undefined when nothing sound does. */
  ownerOf(stem: string): Promise<string | undefined>
}

export class OwnedCredentials {
  readonly #deps: OwnedCredentialsDeps
  #counting: Promise<Map<string, Set<string>>> | undefined

  constructor(deps: OwnedCredentialsDeps) {
    this.#deps = deps
  }

  /** @throws `MYPROXY_REFUSED` when `owner` has as many as are allowed. */
  async requireRoom(owner: string): Promise<void> {
    const { max, ownerOf } = this.#deps
    const own = (await this.#count()).get(owner)
    if (own === undefined || own.size < max) return
    for (const stem of [...own]) if ((await ownerOf(stem)) !== owner) own.delete(stem)
    if (own.size >= max) throw tooManyStored(max)
  }

  async added(owner: string, stem: string): Promise<void> {
    const counted = await this.#count()
    counted.set(owner, (counted.get(owner) ?? new Set()).add(stem))
  }

  async removed(owner: string, stem: string): Promise<void> {
    const counted = await this.#counting
    const own = counted?.get(owner)
    own?.delete(stem)
    if (own?.size === 0) counted?.delete(owner)
  }

  #count(): Promise<Map<string, Set<string>>> {
    this.#counting ??= this.#read().catch((error) => {
      this.#counting = undefined
      throw error
    })
    return this.#counting
  }

  async #read(): Promise<Map<string, Set<string>>> {
    const counted = new Map<string, Set<string>>()
    for (const stem of await this.#deps.stems()) {
      const owner = await this.#deps.ownerOf(stem)
      if (owner !== undefined) counted.set(owner, (counted.get(owner) ?? new Set()).add(stem))
    }
    return counted
  }
}
