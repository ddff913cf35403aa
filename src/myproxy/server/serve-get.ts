/** GET: a client is given a proxy of a stored credential, for its pass phrase or for a renewal. */
import { isVoboxError } from '../../errors.js'
import { answerDelegation } from '../../gsi/delegation.js'
import type { Credential } from '../../proxy/credential.js'
import type { ValidatedChain } from '../../proxy/validate-proxy-chain.js'
import { readCertificationRequest, sendCertificateList } from '../conversation.js'
import { encodeResponse, type MyProxyRequest } from '../messages.js'
import { challengeForRenewal } from './challenge.js'
import type { StoredEntry } from './credential-repository.js'
import { type DelegationDecision, decideDelegation } from './decide-delegation.js'
import { grantLifetime } from './grant-lifetime.js'
import { pretendToUnprotect } from './key-protection.js'
import {
  limitedClient,
  locked,
  noCredential,
  notAuthorised,
  storedExpired,
  wrongPassPhrase,
} from './refusals.js'
import { type Client, type Exchange, type ServerContext, validateChain } from './server-context.js'
import { isProtected, openStoredCredential, storedChain } from './stored-credential.js'

/** No proxy is issued for less than this, in seconds: it would be over before it arrives. */
const LEAST_LIFETIME_SECONDS = 1

export async function serveGet(
  context: ServerContext,
  exchange: Exchange,
  request: MyProxyRequest,
): Promise<void> {
  const { stream, client } = exchange
  const { username, credentialName, passPhrase } = request
  const entry = await context.repository.find(username, credentialName)
  const decision = decideDelegation(
    context.policy,
    { dn: client.forms, hasPassPhrase: passPhrase !== '' },
    entry && { ...entry.data, isProtected: isProtected(entry) },
  )
  if (decision.action === 'refuse') throw refusalFor(decision, request)

  const credential =
    decision.action === 'check-pass-phrase'
      ? await openWithPassPhrase(context, exchange, request, entry)
      : undefined
  if (entry === undefined) throw wrongPassPhrase()
  if (entry.lockMessage !== undefined) throw locked(entry.lockMessage)
  const stored = await validateStored(context, entry)
  if (context.policy.ignoreLimitedProxyFlag !== true) refuseLimited(client, stored)
  if (decision.action === 'challenge') await challengeForRenewal(context, exchange, stored)

  await stream.write(encodeResponse({ kind: 'ok', credentials: [] }))
  await delegate(context, exchange, request, {
    entry,
    stored,
    signer: credential ?? (await openStoredCredential(entry, '')),
  })
}

function refusalFor(
  decision: Extract<DelegationDecision, { action: 'refuse' }>,
  { username, credentialName }: MyProxyRequest,
): Error {
  switch (decision.because) {
    case 'not-stored':
      return noCredential(username, credentialName)
    case 'pass-phrase':
      return wrongPassPhrase()
    case 'policy':
      return notAuthorised(decision.reasons)
  }
}

/** A name without a credential costs a client the same time and tells it the same. */
async function openWithPassPhrase(
  context: ServerContext,
  { client, signal }: Exchange,
  { username, passPhrase }: MyProxyRequest,
  entry: StoredEntry | undefined,
): Promise<Credential> {
  const isWrongGuess = (error: unknown) =>
    isVoboxError(error, 'KEY_ENCRYPTED', 'MYPROXY_PASS_PHRASE_REQUIRED')
  try {
    return await context.guesses.attempt(
      { username, address: client.address },
      signal,
      async () => {
        if (entry !== undefined && isProtected(entry)) {
          return await openStoredCredential(entry, passPhrase)
        }
        await pretendToUnprotect(passPhrase, context.random)
        throw wrongPassPhrase()
      },
      isWrongGuess,
    )
  } catch (error) {
    throw isWrongGuess(error) ? wrongPassPhrase() : error
  }
}

/** What is stored is judged anew each time: its owner may have been revoked since. */
async function validateStored(context: ServerContext, entry: StoredEntry): Promise<ValidatedChain> {
  try {
    return await validateChain(context, storedChain(entry))
  } catch (error) {
    throw isVoboxError(error, 'CHAIN_EXPIRED') ? storedExpired() : error
  }
}

function refuseLimited(client: Client, stored: ValidatedChain): void {
  if (client.chain?.facts.limited === true && !stored.facts.limited) throw limitedClient()
}

async function delegate(
  context: ServerContext,
  { stream }: Exchange,
  request: MyProxyRequest,
  { entry, stored, signer }: { entry: StoredEntry; stored: ValidatedChain; signer: Credential },
): Promise<void> {
  const certificationRequest = await readCertificationRequest(stream)
  const now = context.clock.now()
  const lifetimeSeconds = grantLifetime({
    askedSeconds: request.lifetimeSeconds,
    storedSeconds: entry.data.lifetimeSeconds,
    serverSeconds: context.maxProxyLifetimeSeconds,
    chainSeconds: stored.effectiveEnd - now,
  })
  if (lifetimeSeconds < LEAST_LIFETIME_SECONDS) throw storedExpired()
  const { random } = context
  const certificates = answerDelegation({
    request: certificationRequest,
    signer,
    lifetimeSeconds,
    now,
    random,
  })
  await sendCertificateList(stream, certificates)
  await stream.write(encodeResponse({ kind: 'ok', credentials: [] }))
}
