/**
 * The machine proxy as the service uses it: read when it has changed, refused when it has ended.
 * Cron makes a new one every six hours, so no failure to read it is remembered.
 */
import { isVoboxError, toVoboxError, VoboxError } from '../errors.js'
import type { Clock, UnixSeconds } from '../ports/clock.js'
import type { Files } from '../ports/files.js'
import { describeChain } from '../proxy/chain-facts.js'
import { type Credential, MAX_CREDENTIAL_BYTES, parseCredential } from '../proxy/credential.js'
import { machineProxyCommand } from '../registry/cure-commands.js'
import type { MachineProxyObservation } from '../registry/observation.js'

export interface MachineProxyFileOptions {
  files: Files
  clock: Clock
  vo: string
  path: string
  /** Accepted owners of the file: the VO admin, and root. */
  owners: readonly number[]
}

interface Loaded {
  signature: string
  credential: Credential
  end: UnixSeconds
}

export class MachineProxyFile {
  readonly #options: MachineProxyFileOptions
  #loaded: Loaded | undefined

  constructor(options: MachineProxyFileOptions) {
    this.#options = options
  }

  /**
   * The machine proxy as it is now.
   *
   * @throws VoboxError `MACHINE_PROXY_MISSING` (also when it cannot be used; then `cause` says why),
   *   `MACHINE_PROXY_EXPIRED`.
   */
  async read(): Promise<Credential> {
    const { clock, path } = this.#options
    const { credential, end } = await this.#load()
    if (end > clock.now()) return credential
    throw new VoboxError('MACHINE_PROXY_EXPIRED', `The machine proxy ${path} has expired`, {
      hint: this.#cure(),
      data: { path, end },
    })
  }

  /** What the alerts must know. Never rejects. */
  async observe(): Promise<MachineProxyObservation> {
    const { clock, path: file } = this.#options
    const about = { about: 'machine-proxy', at: clock.now(), file } as const
    try {
      return { ...about, end: (await this.#load()).end }
    } catch (error) {
      return { ...about, problem: toVoboxError(error).message }
    }
  }

  /** Calls `onChange` soon after a new one was put there. */
  watch(onChange: () => void): { close(): void } {
    return this.#options.files.watch(this.#options.path, onChange)
  }

  async #load(): Promise<Loaded> {
    const { files, path, owners } = this.#options
    try {
      const facts = await files.facts(path)
      const signature = facts ? `${facts.inode} ${facts.changedMs} ${facts.sizeBytes}` : ''
      if (this.#loaded?.signature === signature) return this.#loaded
      const { bytes } = await files.read(path, {
        maxBytes: MAX_CREDENTIAL_BYTES,
        forbiddenMode: 0o077,
        owners,
      })
      const credential = parseCredential(bytes)
      const end = describeChain(credential.chain).effectiveEnd
      this.#loaded = { signature, credential, end }
      return this.#loaded
    } catch (error) {
      this.#loaded = undefined
      throw this.#unusable(error)
    }
  }

  #unusable(cause: unknown): unknown {
    if (!isVoboxError(cause)) return cause
    const { path } = this.#options
    const missing = cause.code === 'FILE_MISSING'
    const why = missing
      ? `The machine proxy ${path} is missing`
      : `The machine proxy: ${cause.message}`
    return new VoboxError('MACHINE_PROXY_MISSING', why, {
      hint: this.#cure(),
      data: { ...cause.data, path },
      cause,
    })
  }

  #cure(): string {
    return `As root: ${machineProxyCommand(this.#options.vo)}`
  }
}
