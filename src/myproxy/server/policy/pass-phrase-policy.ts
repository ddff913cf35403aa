/**
 * What a pass phrase must be like: six characters, as the C programs have it, and whatever the
 * administrator's own program says (`passphrase_policy_program` of `myproxy-server.config(5)`).
 *
 * None at all is another matter, since nothing is then protected by it; but the program is asked, so
 * that a site can insist on one.
 */
import { printable, VoboxError } from '../../../errors.js'
import type { CallOuts } from '../../../ports/call-out.js'
import type { MyProxyRequest } from '../../request.js'
import { asArgument } from '../authority/call-out-text.js'
import { passPhraseTooShort } from '../refusals.js'
import type { Exchange, ServerContext } from '../server-context.js'

/** As in the C programs. */
const MIN_CHARACTERS = 6

/** Of what a program says, for a client. */
const MAX_LINES = 20

export type PassPhraseTerms = Pick<
  MyProxyRequest,
  'username' | 'credentialName' | 'retriever' | 'renewer'
>

export interface PassPhrasePolicy {
  /**
   * @param dn of whoever sets it, in one-line form.
   * @throws `PASS_PHRASE_UNSUITABLE`.
   */
  require(
    passPhrase: string,
    terms: PassPhraseTerms,
    dn: string,
    signal: AbortSignal,
  ): Promise<void>
}

/** @throws `PASS_PHRASE_UNSUITABLE`, `PROGRAM_FAILED`. */
export async function requireSuitable(
  { passPhrasePolicy }: ServerContext,
  { client, signal }: Exchange,
  terms: PassPhraseTerms,
  passPhrase: string,
): Promise<void> {
  if (passPhrase !== '' && [...passPhrase].length < MIN_CHARACTERS) {
    throw passPhraseTooShort(MIN_CHARACTERS)
  }
  await passPhrasePolicy?.require(passPhrase, terms, client.dn, signal)
}

/**
 * A program that reads the pass phrase and a line feed, and says yes by ending with 0. Its words are
 * user name, DN, credential name, retriever and renewer, those that the request lacks empty.
 */
export class PassPhraseProgram implements PassPhrasePolicy {
  readonly #callOuts: CallOuts
  readonly #file: string

  /** @param file absolute path. */
  constructor(callOuts: CallOuts, file: string) {
    this.#callOuts = callOuts
    this.#file = file
  }

  /** @throws also `PROGRAM_FAILED`, `signal.reason`. */
  async require(
    passPhrase: string,
    { username, credentialName = '', retriever = '', renewer = '' }: PassPhraseTerms,
    dn: string,
    signal: AbortSignal,
  ): Promise<void> {
    if (asArgument(username) === undefined) {
      throw violatesPolicy('A user name that begins with "-" cannot be asked about.')
    }
    const input = Buffer.from(`${passPhrase}\n`, 'utf8')
    try {
      const words = [username, dn, credentialName, retriever, renewer]
      const request = { file: this.#file, arguments: words, input }
      const { status, stdout, stderr } = await this.#callOuts.run(request, { signal })
      if (status !== 0) throw violatesPolicy(Buffer.from(stdout).toString('utf8') + stderr)
    } finally {
      input.fill(0)
    }
  }
}

/** What the program says is for the client alone: it may quote the pass phrase. */
function violatesPolicy(said: string): VoboxError {
  const message = 'Pass phrase violates local policy.'
  const lines = said.split('\n').map((line) => printable(line.trimEnd(), 200))
  return new VoboxError('PASS_PHRASE_UNSUITABLE', message, {
    data: { lines: [message, ...lines.filter((line) => line !== '').slice(0, MAX_LINES)] },
  })
}
