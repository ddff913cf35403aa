/**
 * Looks after the files of the server's credential: sites replace host certificates while their
 * services run. Certificate and key are two files, so that for an instant they may not belong together:
 * the old ones serve until they do.
 */
import { toVoboxError } from '../../errors.js'
import type { Journal } from '../../ports/journal.js'
import { describeChain } from '../../proxy/chain-facts.js'
import type { Credential } from '../../proxy/credential.js'
import { systemClock } from '../ports/clock.js'
import { nodeFiles } from '../ports/files.js'
import { readServerCredential, type ServerCredentialPlaces } from './server-credential.js'

const LOOK_MS = 60_000

export class CredentialWatch {
  readonly #places: ServerCredentialPlaces
  readonly #journal: Journal
  readonly #replace: (credential: Credential) => void
  readonly #timer: NodeJS.Timeout
  #seen: Promise<string>
  /** What was said of files that cannot be used, so that it is said once. */
  #complaint: string | undefined

  constructor(
    places: ServerCredentialPlaces,
    journal: Journal,
    replace: (credential: Credential) => void,
    lookMs = LOOK_MS,
  ) {
    this.#places = places
    this.#journal = journal
    this.#replace = replace
    this.#seen = this.#identity()
    this.#timer = setInterval(() => void this.look(), lookMs)
    this.#timer.unref()
  }

  /** @param always also where the files seem to be the same. Never throws. */
  async look(always = false): Promise<void> {
    try {
      const before = await this.#seen
      const now = await this.#identity()
      if (now === before && !always) return
      const credential = await readServerCredential(this.#places)
      this.#replace(credential)
      this.#seen = Promise.resolve(now)
      this.#complaint = undefined
      const { identity, effectiveEnd: end } = describeChain(credential.chain)
      const facts = { identity: identity.oneLine, secondsLeft: end - systemClock.now() }
      this.#journal.write('info', 'credential-read', 'the server shows this certificate', facts)
    } catch (error) {
      const { code, message } = toVoboxError(error)
      if (message === this.#complaint && !always) return
      this.#complaint = message
      const text = `the server goes on with the certificate that it has: ${message}`
      this.#journal.write('error', 'credential-unusable', text, { code })
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }

  /** Links are followed where they are read, so that a target's change shows nothing here. */
  async #identity(): Promise<string> {
    const { certificate, key } = this.#places
    const facts = await Promise.all([certificate, key].map((path) => nodeFiles.facts(path)))
    return JSON.stringify(facts.map((one) => one && [one.inode, one.sizeBytes, one.changedMs]))
  }
}
