/**
 * The file that holds the pass phrase of a stored credential, for servers that make nobody a renewer.
 *
 * A registration keeps its path, never its text. It is read anew at each renewal, since its owner may
 * change it, and believed only where nobody but the VO admin, or root, can have written or read it.
 */
import { isVoboxError, printable, VoboxError } from '../errors.js'
import type { Files } from '../ports/files.js'

/** Longer than any; what fills the file must not fill the memory. In bytes. */
const MAX_PASS_PHRASE_BYTES = 4096

/** 0600 or 0400: nothing for group and others, nothing to execute. */
const FORBIDDEN_MODE = 0o177

const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

export interface PassPhraseFilesOptions {
  files: Files
  /** Accepted owners: the VO admin, and root. */
  owners: readonly number[]
}

export class PassPhraseFiles {
  readonly #options: PassPhraseFilesOptions

  constructor(options: PassPhraseFilesOptions) {
    this.#options = options
  }

  /**
   * Lends the first line of a file, without its end, to `use`, and wipes it afterwards.
   *
   * @throws VoboxError `PASS_PHRASE_FILE_UNUSABLE` with `data.reason`; and what `use` throws.
   */
  async lend<T>(path: string, use: (passPhrase: Uint8Array) => Promise<T>): Promise<T> {
    const bytes = await this.#read(path)
    try {
      const passPhrase = firstLine(bytes)
      if (passPhrase.length === 0) throw unusable(path, 'empty', 'holds no pass phrase')
      return await use(passPhrase)
    } finally {
      bytes.fill(0)
    }
  }

  /** Whether it could be used now. @throws VoboxError as {@link lend}. */
  check(path: string): Promise<void> {
    return this.lend(path, async () => undefined)
  }

  async #read(path: string): Promise<Buffer> {
    const { files, owners } = this.#options
    try {
      const rules = { maxBytes: MAX_PASS_PHRASE_BYTES, owners, forbiddenMode: FORBIDDEN_MODE }
      return (await files.read(path, rules)).bytes
    } catch (error) {
      throw isVoboxError(error) ? fromRead(path, error) : error
    }
  }
}

function firstLine(bytes: Buffer): Buffer {
  const end = bytes.findIndex((byte) => byte === LINE_FEED || byte === CARRIAGE_RETURN)
  return end < 0 ? bytes : bytes.subarray(0, end)
}

/** By the code of the read: why it is not usable, as `data.reason`. */
const REASONS: Readonly<Record<string, string>> = {
  FILE_MISSING: 'missing',
  FILE_TOO_LARGE: 'too-large',
  FILE_UNREADABLE: 'unreadable',
}

function fromRead(path: string, cause: VoboxError): VoboxError {
  const { reason: unsafe } = cause.data
  const reason = typeof unsafe === 'string' ? unsafe : (REASONS[cause.code] ?? 'unreadable')
  const message = `the pass phrase file cannot be used: ${cause.message}`
  return new VoboxError('PASS_PHRASE_FILE_UNUSABLE', message, {
    hint: reason === 'mode' ? cause.hint : cureFor(path, reason),
    data: { ...cause.data, path, reason },
    cause,
  })
}

function unusable(path: string, reason: string, what: string): VoboxError {
  return new VoboxError('PASS_PHRASE_FILE_UNUSABLE', `${printable(path)} ${what}`, {
    hint: cureFor(path, reason),
    data: { path, reason },
  })
}

function cureFor(path: string, reason: string): string {
  const elsewhere = 'or register again with --pass-phrase-file FILE'
  if (reason === 'owner' || reason === 'unreadable') {
    return `It must belong to the VO admin: as root, chown it; ${elsewhere}`
  }
  const what = reason === 'missing' ? 'Put it back' : 'Write the pass phrase into it, on one line'
  return `${what}, as the VO admin and with mode 0600: ${printable(path)}; ${elsewhere}`
}
