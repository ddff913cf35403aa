/** What PUT and STORE have in common: who may store what, and on which terms. */

import type { ValidatedChain } from '../../../proxy/validate-proxy-chain.js'
import type { Certificate } from '../../../x509/certificate.js'
import type { MyProxyRequest } from '../../request.js'
import { isNamedToStore } from '../policy/policy.js'
import { notTheirs, ownedByAnother, storedLivesTooLong } from '../refusals.js'
import {
  type Exchange,
  requireMayStore,
  type ServerContext,
  speaksForOwner,
  validateChain,
} from '../server-context.js'
import type { StoredData } from '../store/stored-data.js'
import { checkCredentialName } from '../store/stored-names.js'

const SECONDS_PER_HOUR = 3600

/**
 * Whether the client may store under these names, asked before anything is made or sent.
 *
 * @returns what the repository asks again, under its lock, of what is there then.
 * @throws a refusal.
 */
export async function admitStoring(
  context: ServerContext,
  exchange: Exchange,
  { username, credentialName }: MyProxyRequest,
): Promise<(existing: StoredData | undefined) => void> {
  const { client } = exchange
  await requireMayStore(context, exchange, username)
  if (credentialName !== undefined) checkCredentialName(credentialName)
  const admit = (existing: StoredData | undefined) => {
    if (existing !== undefined && existing.owner !== client.dn) {
      throw ownedByAnother(username, client.dn)
    }
  }
  const existing = await context.repository.find(username, credentialName)
  admit(existing?.data)
  const bounded = !isNamedToStore(context.policy, client.forms)
  if (existing === undefined && bounded) await context.repository.requireRoom(client.dn)
  return admit
}

/** Stores under the terms of the request; `admit` is what {@link admitStoring} gave. */
export async function keepStored(
  { policy, repository }: ServerContext,
  { client }: Exchange,
  request: MyProxyRequest,
  { creds, admit }: { creds: Buffer; admit: (existing: StoredData | undefined) => void },
): Promise<void> {
  const anyNumber = isNamedToStore(policy, client.forms)
  await repository.store(storedDataOf(request, client.dn), creds, admit, { anyNumber })
}

/** What is stored must be whole, trusted, of use to its owner, and not live too long. */
export async function checkStorable(
  context: ServerContext,
  chain: readonly Certificate[],
): Promise<ValidatedChain> {
  const stored = await validateChain(context, chain)
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
  return stored
}

/** The terms of a request as they are kept beside the credential. */
function storedDataOf(request: MyProxyRequest, owner: string): Omit<StoredData, 'fingerprint'> {
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
