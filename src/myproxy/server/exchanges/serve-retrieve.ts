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
import { decideAccess } from '../policy/policy.js'
import { limitedClient, notAuthorised } from '../refusals.js'
import type { Exchange, ServerContext } from '../server-context.js'
import { encodeOkWithTrustRoots } from './serve-trust-roots.js'

export async function serveRetrieve(
  context: ServerContext,
  exchange: Exchange,
  request: MyProxyRequest,
): Promise<void> {
  const { stream, client, signal } = exchange
  const entry = await context.repository.find(request.username, request.credentialName)
  const access = decideAccess(
    context.policy,
    'authorized_key_retrievers',
    client.forms,
    entry?.data ?? {},
  )
  if (!access.allowed) throw notAuthorised([access.reason])
  const candidates = entry === undefined ? [] : [entry]
  const admitted = await authoriseAccess(context, exchange, request, candidates)
  // A key cannot be limited afterwards, as a proxy can.
  if (admitted.limited && !admitted.stored.facts.limited) throw limitedClient()
  await stream.write(await encodeOkWithTrustRoots(context, request, signal))
  // The key is near the beginning: a client may have it and let the rest wait.
  exchange.audit.done()
  await sendStoredFiles(stream, admitted.entry.creds)
  await stream.write(encodeResponse({ kind: 'ok', credentials: [] }))
}
