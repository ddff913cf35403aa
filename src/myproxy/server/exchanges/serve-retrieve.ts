/**
 * RETRIEVE: a client is given a stored certificate and its key, as they lie there.
 *
 * Two gates stand behind each other, as in the C server: `authorized_key_retrievers` says who may
 * have a key at all; then whatever GET asks for is asked, the pass phrase or the answer to a
 * challenge, although nothing is decrypted for the client.
 */

import { sendStoredFiles } from '../../conversation.js'
import type { MyProxyRequest } from '../../request.js'
import { encodeResponse } from '../../response.js'
import { authoriseAccess } from '../policy/authorise-access.js'
import { decideAccess, passesServerPolicy } from '../policy/policy.js'
import { limitedClient, notAuthorised } from '../refusals.js'
import type { Exchange, ServerContext } from '../server-context.js'
import type { PlacedEntry } from '../store/credential-repository.js'
import { isToldWhy } from './decide-delegation.js'
import { encodeOkWithTrustRoots } from './serve-trust-roots.js'

export async function serveRetrieve(
  context: ServerContext,
  exchange: Exchange,
  request: MyProxyRequest,
): Promise<void> {
  const { stream, client, signal } = exchange
  const candidates = await keysFor(context, exchange, request)
  const admitted = await authoriseAccess(context, exchange, request, candidates)
  // "Clients must also match the authorized_retrievers policy": one that was challenged has not been
  // asked yet. The C server leaves it at that, and hands a renewer the key instead of a short proxy.
  const retriever = decideAccess(
    context.policy,
    'authorized_retrievers',
    client.forms,
    admitted.entry.data,
  )
  if (!retriever.allowed) throw notAuthorised([retriever.reason])
  // A key cannot be limited afterwards, as a proxy can.
  if (admitted.limited && !admitted.stored.facts.limited) throw limitedClient()
  await stream.write(await encodeOkWithTrustRoots(context, request, signal))
  // The key is near the beginning: a client may have it and let the rest wait.
  exchange.audit.done()
  await sendStoredFiles(stream, admitted.entry.creds)
  await stream.write(encodeResponse({ kind: 'ok', credentials: [] }))
}

/**
 * The key that a request may be about. To who is not told why, one that is not for it is not there.
 *
 * @throws a refusal.
 */
async function keysFor(
  { policy, repository }: ServerContext,
  { client, audit }: Exchange,
  { username, credentialName }: MyProxyRequest,
): Promise<readonly PlacedEntry[]> {
  const way = 'authorized_key_retrievers'
  const entry = await repository.find(username, credentialName)
  const access = decideAccess(policy, way, client.forms, entry?.data ?? {})
  if (access.allowed) return entry === undefined ? [] : [entry]
  // The first line says no to any name alike.
  const isBlind = passesServerPolicy(policy, way, client.forms) && !isToldWhy(policy, client.forms)
  if (!isBlind) throw notAuthorised([access.reason])
  if (entry !== undefined) audit.hides('policy')
  return []
}
