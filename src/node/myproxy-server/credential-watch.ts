/**
 * Looks after the files of the server's credential: sites replace host certificates while their
 * services run. Certificate and key are two files, so that for an instant they may not belong together:
 * the old ones serve until they do.
 */
import { stat } from 'node:fs/promises'
import { toVoboxError } from '../../errors.js'
import type { Journal } from '../../ports/journal.js'
import { describeChain } from '../../proxy/chain-facts.js'
import type { Credential } from '../../proxy/credential.js'
import { systemClock } from '../ports/clock.js'
import { readLivingCredential, type ServerCredentialPlaces } from './server-credential.js'

export interface CredentialWatchOptions {
  places: ServerCredentialPlaces
  journal: Journal
  /** Told of each credential that is to be shown from now on. */
  onCredential(credential: Credential): void
  /** How often the files are looked at, in milliseconds; default 60,000. */
  lookMs?: number
}

const LOOK_MS = 60_000
const DAY_SECONDS = 86_400
/** With less left, its end is announced once a day: a CA may take two weeks for a new one. */
const SOON_SECONDS = 14 * DAY_SECONDS

export class CredentialWatch {
  readonly #options: CredentialWatchOptions
  #timer: NodeJS.Timeout | undefined
  /** Identity of the files that the credential in use came from. */
  #seen = ''
  #end = 0
  #announcedAt = Number.NEGATIVE_INFINITY
  /** What was said of files that cannot be used, so that it is said once. */
  #complaint: string | undefined

  constructor(options: CredentialWatchOptions) {
    this.#options = options
  }

  /** The credential to begin with. @throws VoboxError as `readLivingCredential`. */
  async start(): Promise<Credential> {
    const credential = await this.#read()
    const { lookMs = LOOK_MS } = this.#options
    this.#timer = setInterval(() => void this.look(), lookMs)
    this.#timer.unref()
    return credential
  }

  /** @param always also where the files seem to be the same. Never throws. */
  async look(always = false): Promise<void> {
    const { places, journal, onCredential } = this.#options
    try {
      if (always || (await identityOf(places)) !== this.#seen) onCredential(await this.#read())
      this.#announceEnd()
    } catch (error) {
      const { code, message } = toVoboxError(error)
      if (message === this.#complaint && !always) return
      this.#complaint = message
      const text = `the server goes on with the certificate that it has: ${message}`
      journal.write('error', 'credential-unusable', text, { code })
    }
  }

  close(): void {
    clearInterval(this.#timer)
  }

  async #read(): Promise<Credential> {
    const { places, journal } = this.#options
    // Before the files are read: what is replaced meanwhile is noticed at the next look.
    const seen = await identityOf(places)
    const credential = await readLivingCredential(places, systemClock.now())
    this.#seen = seen
    this.#complaint = undefined
    this.#announcedAt = Number.NEGATIVE_INFINITY
    const { identity, effectiveEnd } = describeChain(credential.chain)
    this.#end = effectiveEnd
    const facts = { identity: identity.oneLine, daysLeft: this.#daysLeft() }
    journal.write('info', 'credential-read', 'the server shows this certificate', facts)
    this.#announceEnd()
    return credential
  }

  #daysLeft(): number {
    return Math.floor((this.#end - systemClock.now()) / DAY_SECONDS)
  }

  #announceEnd(): void {
    const now = systemClock.now()
    const wasTold = now - this.#announcedAt < DAY_SECONDS
    const { journal } = this.#options
    if (now < this.#end) {
      if (this.#end - now > SOON_SECONDS || wasTold) return
      const text =
        'the certificate of the server ends soon; a new one is read once it is in its place'
      journal.write('warn', 'credential-ending', text, { daysLeft: this.#daysLeft() })
    } else {
      if (wasTold && this.#announcedAt >= this.#end) return
      const text = 'the certificate of the server has expired, and clients refuse it; put a new one'
      journal.write('error', 'credential-expired', `${text} in its place, which is read then`)
    }
    this.#announcedAt = now
  }
}

/** Of what links lead to, too; a file that is not there has none. */
async function identityOf({ certificate, key }: ServerCredentialPlaces): Promise<string> {
  const facts = await Promise.all(
    [certificate, key].map((path) => stat(path, { bigint: true }).catch(() => undefined)),
  )
  return facts.map((one) => (one ? `${one.ino} ${one.size} ${one.ctimeNs}` : 'gone')).join(', ')
}
