/** PUT: a client delegates a proxy to the server, which keeps it. */
import { credentialFromDelegation } from '../../gsi/delegation.js'
import type { Credential } from '../../proxy/credential.js'
import { sameName } from '../../x509/name.js'
import { createRequest } from '../../x509/request.js'
import { readCertificateList } from '../conversation.js'
import { encodeResponse, type MyProxyRequest } from '../messages.js'
import { mayStore } from './policy.js'
import {
  notAccepted,
  notTheirs,
  ownedByAnother,
  passPhraseTooShort,
  storedLivesTooLong,
} from './refusals.js'
import {
  type Exchange,
  requireChain,
  type ServerContext,
  speaksForOwner,
  validateChain,
} from './server-context.js'
import { encodeStoredCredential } from './stored-credential.js'
import type { StoredData } from './stored-data.js'
import { checkCredentialName } from './stored-names.js'

/** As in the C programs. */
const MIN_PASS_PHRASE_CHARACTERS = 6

const SECONDS_PER_HOUR = 3600

export async function servePut(
  context: ServerContext,
  exchange: Exchange,
  request: MyProxyRequest,
): Promise<void> {
  const { stream, client, signal } = exchange
  const { username, credentialName, passPhrase } = request
  requireChain(client)
  if (!mayStore(context.policy, client.forms)) throw notAccepted(client.dn)
  if (credentialName !== undefined) checkCredentialName(credentialName)
  if (passPhrase !== '' && [...passPhrase].length < MIN_PASS_PHRASE_CHARACTERS) {
    throw passPhraseTooShort(MIN_PASS_PHRASE_CHARACTERS)
  }
  const admit = (existing: StoredData | undefined) => {
    if (existing !== undefined && existing.owner !== client.dn) {
      throw ownedByAnother(username, client.dn)
    }
  }
  // Asked now, so that a refusal costs no key, and again under the lock.
  const existing = await context.repository.find(username, credentialName)
  admit(existing?.data)
  if (existing === undefined) await context.repository.requireRoom(client.dn)

  const privateKey = await context.keys.generate(context.keyKind, signal)
  await stream.write(encodeResponse({ kind: 'ok', credentials: [] }))
  await stream.write(createRequest(privateKey))
  const credential = credentialFromDelegation(privateKey, await readCertificateList(stream))
  await checkDelegated(context, exchange, credential)

  const creds = await encodeStoredCredential(credential, passPhrase, context.random)
  await context.repository.store(dataOf(request, client.dn), creds, admit)
  await stream.write(encodeResponse({ kind: 'ok', credentials: [] }))
}

/** What is stored must be whole, trusted, and the client's own. */
async function checkDelegated(
  context: ServerContext,
  { client }: Exchange,
  credential: Credential,
): Promise<void> {
  const stored = await validateChain(context, credential.chain)
  if (!sameName(stored.facts.identity, requireChain(client).facts.identity)) {
    throw notTheirs('the delegated credential is not of who is connected')
  }
  if (!speaksForOwner(stored)) {
    throw notTheirs('an independent or restricted proxy cannot be stored')
  }
  const seconds = stored.effectiveEnd - context.clock.now()
  const { maxCredentialLifetimeSeconds: max } = context
  if (max > 0 && seconds > max) {
    throw storedLivesTooLong(
      Math.ceil(seconds / SECONDS_PER_HOUR),
      Math.floor(max / SECONDS_PER_HOUR),
    )
  }
}

function dataOf(request: MyProxyRequest, owner: string): Omit<StoredData, 'fingerprint'> {
  const { username, credentialName, credentialDescription, lifetimeSeconds } = request
  const { retriever, renewer, trustedRetriever, keyRetriever } = request
  return {
    username,
    owner,
    lifetimeSeconds,
    ...(credentialName && { name: credentialName }),
    ...(credentialDescription && { description: credentialDescription }),
    ...(retriever && { retriever }),
    ...(renewer && { renewer }),
    ...(trustedRetriever && { trustedRetriever }),
    ...(keyRetriever && { keyRetriever }),
  }
}
