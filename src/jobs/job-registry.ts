/**
 * Job proxies as a registry, so that they are renewed, watched and shown by what renews, watches and
 * shows everything else.
 *
 * One process writes them, the service; its lock keeps a second one away. So a lease is a matter of
 * this process alone, and a change is told by whoever makes it, by name.
 */
import { printable, VoboxError } from '../errors.js'
import type { Registration, RegistrationState } from '../registry/registration.js'
import { emptyState } from '../registry/registration.js'
import type { RegistrationFiles } from '../registry/registration-files.js'
import type { Lease, Registry } from '../registry/registry.js'
import type { JobBook } from './job-book.js'
import type { JobProxy } from './job-proxy.js'
import { type JobRenewalSettings, registrationOf } from './job-registration.js'
import { TurnTaking } from './turn-taking.js'

export interface JobRegistryDependencies {
  book: Pick<JobBook, 'get' | 'proxies'>
  /** Their states, in a directory of their own. */
  states: Pick<RegistrationFiles, 'readState' | 'writeState' | 'forget'>
  settings: JobRenewalSettings
}

export class JobRegistry implements Registry {
  readonly #deps: JobRegistryDependencies
  readonly #leased = new Set<string>()
  readonly #turns = new TurnTaking()
  readonly #made = new WeakMap<JobProxy, Registration>()

  constructor(deps: JobRegistryDependencies) {
    this.#deps = deps
  }

  async all(): Promise<ReadonlyMap<string, Registration>> {
    const { book } = this.#deps
    return new Map(Array.from(book.proxies, ([file, { proxy }]) => [file, this.#of(proxy)]))
  }

  async get(fileName: string): Promise<Registration | undefined> {
    const shared = this.#deps.book.get(fileName)
    return shared && this.#of(shared.proxy)
  }

  /** Only the job desk changes them. @throws VoboxError `REGISTRATION_INVALID`. */
  async update(fileName: string): Promise<Registration | undefined> {
    throw new VoboxError('REGISTRATION_INVALID', `${printable(fileName)} is shared by jobs`, {
      hint: 'vobox-proxy job unregister ends a job; the last one takes the proxy with it',
      data: { fileName },
    })
  }

  async state(fileName: string): Promise<RegistrationState> {
    if (this.#deps.book.get(fileName) === undefined) return emptyState
    return this.#deps.states.readState(fileName)
  }

  /** What is said of a proxy that is gone by now is said of nobody. */
  writeState(fileName: string, state: RegistrationState): Promise<void> {
    return this.#turns.take(fileName, async () => {
      if (this.#deps.book.get(fileName) === undefined) return
      await this.#deps.states.writeState(fileName, state)
    })
  }

  /** The state of a proxy that is gone; one that is being written goes as well. */
  forgetState(fileName: string): Promise<void> {
    return this.#turns.take(fileName, () => this.#deps.states.forget(fileName))
  }

  /** The scheduler works on each one once at a time: whoever finds it leased need not wait. */
  async lease(fileName: string): Promise<Lease> {
    if (this.#leased.has(fileName)) {
      throw new VoboxError('LOCK_TIMEOUT', `${fileName} is being renewed`, { data: { fileName } })
    }
    this.#leased.add(fileName)
    return { release: async () => void this.#leased.delete(fileName) }
  }

  watch(): { close(): void } {
    return { close: () => undefined }
  }

  takeWarnings(): string[] {
    return []
  }

  #of(proxy: JobProxy): Registration {
    const known = this.#made.get(proxy)
    if (known !== undefined) return known
    const made = Object.freeze(registrationOf(proxy, this.#deps.settings))
    this.#made.set(proxy, made)
    return made
  }
}
