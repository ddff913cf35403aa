/** Errors of what a MyProxy server says no with. */
import { printable, VoboxError } from '../errors.js'
import { type Asker, MEANINGS, type Meaning } from './refusal-meanings.js'

export type { Asker } from './refusal-meanings.js'

/**
 * The error for a refusal. The server's own words are in `data.serverMessage` and in the message.
 *
 * @param label the server in messages, `host:port (address)`.
 * @param lines its `ERROR` lines.
 * @param asker in what role the request was made, where a proxy was asked for.
 */
export function refusal(label: string, lines: readonly string[], asker?: Asker): VoboxError {
  const spoken = lines.map((line) => line.trim()).filter((line) => line !== '')
  const serverMessage = printable(spoken.join(' '))
  const said = serverMessage === '' ? 'without saying why' : `"${serverMessage}"`
  const meaning = meaningOf(spoken, asker)
  if (meaning === undefined) {
    return new VoboxError('MYPROXY_REFUSED', `${label} refused: ${said}`, {
      data: { peer: label, serverMessage },
    })
  }
  const { code, reason, says, hint, persistence } = meaning
  return new VoboxError(code, `${label} ${says} (it says: ${said})`, {
    data: { peer: label, reason, serverMessage },
    hint,
    persistence,
  })
}

/** A server tries everybody as a renewer at last; who never wanted to be one need not know. */
const OF_RENEWERS = /not authorized by .* authorized_renewers policy/

function meaningOf(lines: readonly string[], asker: Asker | undefined): Meaning | undefined {
  const retrieves = asker === 'pass-phrase' || asker === 'trusted'
  const about = retrieves ? lines.filter((line) => !OF_RENEWERS.test(line)) : lines
  const text = printable((about.length === 0 ? lines : about).join(' '))
  return MEANINGS.find(
    ({ text: known, of }) =>
      (of === undefined || (asker !== undefined && of.includes(asker))) && known.test(text),
  )
}

/** For a server that says OK and then lists nothing. */
export function noCredential(label: string): VoboxError {
  return refusal(label, ['no credentials found'])
}

/** For a server that wants a challenge signed where there is nothing to sign it with. */
export function challengeUnanswered(label: string, asker: Asker): VoboxError {
  if (asker === 'pass-phrase') {
    return new VoboxError(
      'CREDENTIAL_HAS_NO_PASS_PHRASE',
      `${label} holds a credential that was stored without a pass phrase`,
      {
        data: { peer: label, reason: 'no-pass-phrase' },
        hint: 'Its owner stores it with one; or fetch it as its renewer, without one',
      },
    )
  }
  return new VoboxError(
    'MYPROXY_PASS_PHRASE_REQUIRED',
    `${label} wants a pass phrase, or the signature of a proxy that is to be renewed`,
    {
      data: { peer: label, reason: 'challenge-unanswered' },
      hint: 'Give the pass phrase of the credential, or name the proxy to be renewed',
    },
  )
}
