/** What the lines of a configuration name: files and programs, and which line is to blame for them. */
import { isVoboxError, printable, VoboxError } from '../../errors.js'
import { configInvalid } from '../../myproxy/server/config/config-lines.js'
import type { ServerConfig } from '../../myproxy/server/config/server-config.js'
import { nodeCallOuts, requireOurs } from '../ports/node-call-outs.js'
import type { SettingsDeps } from './compose-settings.js'

const PASS_PHRASE = 'certificate_issuer_key_passphrase'
const MAX_BYTES = 1024 * 1024

/** Permissions that a file must not give, by what it is. */
export const OPEN_TO_OTHERS = 0o077
export const WRITABLE_BY_OTHERS = 0o022

/** Reads what directives name, and says which directive it was where that fails. */
export class SettingsReader {
  readonly config: ServerConfig
  readonly deps: SettingsDeps

  constructor(config: ServerConfig, deps: SettingsDeps) {
    this.config = config
    this.deps = deps
  }

  get authority(): ServerConfig['authority'] {
    return this.config.authority
  }

  /** A file that is ours or root's, and that only they can change, or read. */
  async read(path: string, forbiddenMode: number): Promise<Buffer> {
    const rules = { maxBytes: MAX_BYTES, owners: [0, this.deps.uid], followLinks: true }
    return (await this.deps.files.read(path, { ...rules, forbiddenMode })).bytes
  }

  program(directive: string, program: string) {
    return this.attempt(directive, async () => {
      requireOurs(program)
      return { callOuts: nodeCallOuts, program }
    })
  }

  attempt = async <T>(directive: string, action: () => Promise<T>): Promise<T> => {
    try {
      return await action()
    } catch (error) {
      throw isVoboxError(error) ? this.#blame(directive, error) : error
    }
  }

  #blame(reading: string, cause: VoboxError): VoboxError {
    const isWrongGuess = cause.code === 'KEY_ENCRYPTED' && this.config.lines.has(PASS_PHRASE)
    const directive = isWrongGuess ? PASS_PHRASE : reading
    const line = this.config.lines.get(directive) ?? 0
    const hint = cause.hint ?? 'Set it right, or leave the line away'
    const problem = printable(cause.message)
    const { message, data } = configInvalid(this.deps.path, { line, directive }, problem, hint)
    return new VoboxError('CONFIG_INVALID', message, {
      hint,
      data: { ...data, reason: cause.code },
      cause,
    })
  }
}
