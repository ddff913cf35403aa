/** `myproxy change-pass-phrase`: has the server encrypt a stored key anew. */
import type { StoredPlace } from '../../report/myproxy-owner-text.js'
import { type OwnerOptions, placeOf } from './owner.js'
import type { PassPhrases } from './pass-phrases.js'

export interface ChangePassPhraseOptions extends OwnerOptions {
  passPhrases: PassPhrases
}

/**
 * Asks for the pass phrase as it is, then for the new one, and changes it.
 *
 * A new one of no characters, which `myproxy-change-pass-phrase` takes, is refused as too short: the C
 * server writes the key in the clear then, and no later change is able to encrypt it again.
 *
 * @throws VoboxError what {@link PassPhrases} and {@link MyProxyClient.changePassPhrase} say;
 *   `MYPROXY_NOT_OWNER` is also what the C server says where there is no such credential.
 */
export async function changeStoredPassPhrase(
  options: ChangePassPhraseOptions,
): Promise<StoredPlace> {
  const { client, passPhrases, ...call } = options
  const passPhrase = await passPhrases.current('Enter (current) MyProxy pass phrase:')
  const newPassPhrase = await passPhrases.chosen({ prompt: 'Enter new MyProxy pass phrase:' })
  try {
    const { server } = await client.changePassPhrase({ ...call, passPhrase, newPassPhrase })
    return placeOf(call, server)
  } finally {
    passPhrase.fill(0)
    newPassPhrase.fill(0)
  }
}
