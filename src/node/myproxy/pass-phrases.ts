/**
 * Pass phrases of the `myproxy` commands: of stored credentials, and of the caller's own key where
 * one is needed. From the terminal without an echo, from standard input (`-S`), from a descriptor, or
 * from a file that nobody else can read. Never from an argument or the environment.
 */
import { resolve } from 'node:path'
import { isatty } from 'node:tty'
import { isVoboxError, printable, VoboxError } from '../../errors.js'
import { askOnTerminal } from '../cli/pass-phrase.js'
import { SecretLines } from '../cli/secret-lines.js'
import { isRoot } from '../compose/become-owner.js'
import { currentUid } from '../compose/compose-login.js'
import { requireRootOnly } from '../compose/root-only.js'
import { nodeFiles } from '../ports/files.js'

export interface PassPhraseOptions {
  /** `-S`: lines of standard input. */
  stdin?: boolean | undefined
  /** Lines of a descriptor that the caller opened. */
  descriptor?: number | undefined
  /** Lines of a file of the caller's, mode 0600 or less. */
  file?: string | undefined
  /** Told why a person is asked again. */
  tell?: ((sentence: string) => void) | undefined
  signal?: AbortSignal | undefined
}

export interface NewPassPhrase {
  /** Default `Enter MyProxy pass phrase:`. */
  prompt?: string
  /** Least length in bytes; default 6, as of the C tools and of their server. */
  least?: number
}

/** As the C tools have it: `MIN_PASS_PHRASE_LEN`. */
export const MIN_PASS_PHRASE_BYTES = 6

const PROMPT = 'Enter MyProxy pass phrase:'

/** How often a person may try to type the same one twice. */
const TRIES = 3

const OTHER_WAYS =
  '-S reads it from standard input, --pass-phrase-file FILE from a file, ' +
  '--pass-phrase-fd N from a descriptor'

/** Where one command gets its pass phrases. Several are asked for one after the other. */
export class PassPhrases {
  readonly #options: PassPhraseOptions
  #lines: SecretLines | undefined

  /** @throws VoboxError `USAGE` for more than one source. */
  constructor(options: PassPhraseOptions) {
    const { stdin, descriptor, file } = options
    const sources = [stdin === true, descriptor !== undefined, file !== undefined]
    if (sources.filter(Boolean).length > 1) {
      throw new VoboxError('USAGE', 'the pass phrase comes from one place alone', {
        hint: 'give one of --stdin-pass, --pass-phrase-file and --pass-phrase-fd',
      })
    }
    this.#options = options
  }

  /**
   * Of a stored credential, as it is; on the terminal it is asked for once.
   *
   * @throws VoboxError `PASS_PHRASE_REQUIRED` where none comes, `CANCELLED`, and for a file what
   *   `Files.read` says.
   */
  async current(prompt = PROMPT): Promise<Buffer> {
    const lines = await this.#source()
    return lines === undefined ? this.#ask(prompt) : lines.next('the stored credential')
  }

  /**
   * For a credential to be stored: on the terminal typed twice, and asked for again where that went
   * wrong.
   *
   * @throws VoboxError `PASS_PHRASE_UNSUITABLE` (`data.reason` `'short'`, `'differ'`), and as
   *   {@link current}.
   */
  async chosen({ prompt = PROMPT, least = MIN_PASS_PHRASE_BYTES }: NewPassPhrase = {}) {
    const lines = await this.#source()
    if (lines !== undefined) return suitable(await lines.next('the credential to be stored'), least)
    for (let left = TRIES; ; left--) {
      try {
        const first = suitable(await this.#ask(prompt), least)
        return same(first, await this.#ask(`Verifying - ${prompt}`))
      } catch (error) {
        if (!isVoboxError(error, 'PASS_PHRASE_UNSUITABLE') || left <= 1) throw error
        this.#options.tell?.(error.message)
      }
    }
  }

  /**
   * Of a key file of the caller's own: as `grid-proxy-init -pwstdin` does it for `myproxy-init -S`, from
   * standard input before all others, else on the terminal.
   */
  readonly ofKey = async (file: string): Promise<Buffer> => {
    const lines = this.#options.stdin === true ? await this.#source() : undefined
    const prompt = `Enter GRID pass phrase for ${printable(file)}:`
    return lines === undefined ? this.#ask(prompt) : lines.next(printable(file))
  }

  #ask(prompt: string): Promise<Buffer> {
    return askOnTerminal(`${prompt} `, this.#options.signal, { otherWays: OTHER_WAYS })
  }

  /** Undefined: the terminal. */
  async #source(): Promise<SecretLines | undefined> {
    const { stdin, descriptor, file, signal } = this.#options
    const given = stdin === true ? 0 : descriptor
    if (file !== undefined) this.#lines ??= new SecretLines(await readSecret(file))
    else if (given !== undefined && !isatty(given)) this.#lines ??= new SecretLines(given, signal)
    return this.#lines
  }
}

/** For its owner alone, as every secret. */
const SECRET_FORBIDS = 0o177

/** Two lines of the longest, and no more. */
const MAX_FILE_BYTES = 16_384

async function readSecret(file: string): Promise<{ file: string; bytes: Buffer }> {
  const path = resolve(file)
  if (isRoot()) requireRootOnly(path)
  const { bytes } = await nodeFiles.read(path, {
    maxBytes: MAX_FILE_BYTES,
    owners: [currentUid()],
    forbiddenMode: SECRET_FORBIDS,
    followLinks: true,
  })
  return { file: path, bytes }
}

function suitable(passPhrase: Buffer, least: number): Buffer {
  if (passPhrase.length >= least) return passPhrase
  throw unsuitable('short', `the pass phrase must have at least ${least} characters`, { least })
}

function same(first: Buffer, second: Buffer): Buffer {
  if (first.equals(second)) return first
  throw unsuitable('differ', 'the two pass phrases differ')
}

function unsuitable(reason: string, message: string, data: Record<string, unknown> = {}) {
  return new VoboxError('PASS_PHRASE_UNSUITABLE', message, { data: { ...data, reason } })
}
