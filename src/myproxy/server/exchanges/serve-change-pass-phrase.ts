/**
 * CHANGE_PASSPHRASE: the owner of a stored credential has its key encrypted anew, or stored without
 * a pass phrase from now on, which is what an empty one says.
 */
import { isVoboxError } from '../../../errors.js'
import type { Credential } from '../../../proxy/credential.js'
import type { MyProxyRequest } from '../../request.js'
import { encodeResponse } from '../../response.js'
import { ANONYMOUS } from '../policy/dn-pattern.js'
import { requireSuitable } from '../policy/pass-phrase-policy.js'
import { changedMeanwhile, doesNotOwn, invalidOldPassPhrase } from '../refusals.js'
import type { Exchange, ServerContext } from '../server-context.js'
import type { StoredEntry } from '../store/credential-repository.js'
import {
  encodeStoredCredential,
  isProtected,
  openStoredCredential,
} from '../store/stored-credential.js'

export async function serveChangePassPhrase(
  context: ServerContext,
  exchange: Exchange,
  request: MyProxyRequest,
): Promise<void> {
  const { client, stream, signal } = exchange
  const { username, credentialName, newPassPhrase = '' } = request
  const entry = await context.repository.find(username, credentialName)
  // In the same words, whether there is one or not.
  const owned = client.dn !== ANONYMOUS && entry?.data.owner === client.dn
  if (entry === undefined || !owned) throw doesNotOwn(client.dn)

  const credential = await openWithOld(context, exchange, request, entry)
  await requireSuitable(context, exchange, request, newPassPhrase)
  const creds = await encodeStoredCredential(credential, newPassPhrase, context, signal)
  if (!(await context.repository.changeKey(entry, creds))) throw changedMeanwhile()
  exchange.audit.done()
  await stream.write(encodeResponse({ kind: 'ok', credentials: [] }))
}

/** What has no pass phrase is given none here, as in the C server: it is stored anew for that. */
async function openWithOld(
  context: ServerContext,
  { client, signal }: Exchange,
  { username, passPhrase }: MyProxyRequest,
  entry: StoredEntry,
): Promise<Credential> {
  if (!isProtected(entry)) throw invalidOldPassPhrase('none-set')
  if (passPhrase === '') throw invalidOldPassPhrase('none-given')
  const isWrong = (error: unknown) => isVoboxError(error, 'KEY_ENCRYPTED')
  try {
    return await context.guesses.attempt(
      { username, address: client.address },
      signal,
      () => openStoredCredential(entry, passPhrase, { signal }),
      isWrong,
    )
  } catch (error) {
    throw isWrong(error) ? invalidOldPassPhrase('wrong') : error
  }
}
