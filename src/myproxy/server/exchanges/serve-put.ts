/** PUT: a client delegates a proxy to the server, which keeps it. */
import { credentialFromDelegation } from '../../../gsi/delegation.js'
import type { Credential } from '../../../proxy/credential.js'
import { sameName } from '../../../x509/name.js'
import { createRequest } from '../../../x509/request.js'
import { readCertificateList } from '../../conversation.js'
import type { MyProxyRequest } from '../../request.js'
import { encodeResponse } from '../../response.js'
import { requireSuitable } from '../policy/pass-phrase-policy.js'
import { notTheirs } from '../refusals.js'
import { type Exchange, requireChain, type ServerContext } from '../server-context.js'
import { encodeStoredCredential } from '../store/stored-credential.js'
import { admitStoring, checkStorable, keepStored } from './storing.js'

export async function servePut(
  context: ServerContext,
  exchange: Exchange,
  request: MyProxyRequest,
): Promise<void> {
  const { stream, signal } = exchange
  const { passPhrase } = request
  // Asked now, so that a refusal costs no key, and again under the lock.
  const admit = await admitStoring(context, exchange, request)
  await requireSuitable(context, exchange, request, passPhrase)

  const privateKey = await context.keys.generate(context.keyKind, signal)
  await stream.write(encodeResponse({ kind: 'ok', credentials: [] }))
  await stream.write(createRequest(privateKey))
  const credential = credentialFromDelegation(privateKey, await readCertificateList(stream))
  await checkDelegated(context, exchange, credential)

  const creds = await encodeStoredCredential(credential, passPhrase, context, signal)
  await keepStored(context, exchange, request, { creds, admit })
  exchange.audit.done()
  await stream.write(encodeResponse({ kind: 'ok', credentials: [] }))
}

/** What was delegated must be the client's own. */
async function checkDelegated(
  context: ServerContext,
  { client }: Exchange,
  credential: Credential,
): Promise<void> {
  const { facts } = await checkStorable(context, credential.chain)
  if (!sameName(facts.identity, requireChain(client).facts.identity)) {
    throw notTheirs('the delegated credential is not of who is connected')
  }
}
