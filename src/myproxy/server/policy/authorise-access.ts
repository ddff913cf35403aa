/**
 * Whether a client is given what is stored, and by which of its user's credentials: the decision of
 * the policy, then whatever the client must show for it.
 */
import { isVoboxError } from '../../../errors.js'
import { describeChain } from '../../../proxy/chain-facts.js'
import type { Credential } from '../../../proxy/credential.js'
import type { ValidatedChain } from '../../../proxy/validate-proxy-chain.js'
import { type Name, sameName } from '../../../x509/name.js'
import type { MyProxyRequest } from '../../request.js'
import { challengeForRenewal } from '../exchanges/challenge.js'
import {
  type DelegationDecision,
  decideDelegation,
  type Wanted,
} from '../exchanges/decide-delegation.js'
import { locked, noCredential, notAuthorised, storedExpired, wrongPassPhrase } from '../refusals.js'
import { type Exchange, type ServerContext, validateChain } from '../server-context.js'
import type { PlacedEntry, StoredEntry } from '../store/credential-repository.js'
import { pretendToUnprotect } from '../store/key-protection.js'
import { noteBroken } from '../store/note-broken.js'
import {
  isProtected,
  openStoredCredential,
  storedChain,
  workToGuess,
} from '../store/stored-credential.js'

/** What a client is admitted to. */
export interface Admitted {
  entry: PlacedEntry
  stored: ValidatedChain
  /** Opened, with the pass phrase where it has one. */
  signer: Credential
  /** Whoever was admitted showed a limited proxy: what is given must be limited too. */
  limited: boolean
}

/**
 * Most credentials of one user that a pass phrase is tried on, as each costs time on purpose: a guess
 * must not become a hundred.
 */
const MAX_TRIED = 8

/** What opened the way, in the words of the log. */
const REASONS = {
  'check-pass-phrase': 'pass-phrase',
  challenge: 'challenge',
  trust: 'certificate',
} as const

type Refused = Extract<DelegationDecision, { action: 'refuse' }>

interface Judged {
  entry: PlacedEntry
  decision: DelegationDecision
}

/**
 * The credentials that a GET may be about: the one it names, or the default one.
 *
 * With `check_multiple_credentials` all of the user, where none is named and there is a default one:
 * without that the C server stops before it looks further, and a site's certificate authority
 * relies on the same.
 */
export async function candidatesFor(
  { policy, repository }: ServerContext,
  { username, credentialName }: MyProxyRequest,
): Promise<readonly PlacedEntry[]> {
  const entry = await repository.find(username, credentialName)
  if (entry === undefined) return []
  const checkOthers = policy.checkMultipleCredentials === true && credentialName === undefined
  if (!checkOthers) return [entry]
  const others = (await repository.list(username)).filter(({ data }) => data.name !== undefined)
  return [entry, ...others]
}

/**
 * Admits a client to the first of the candidates that it may have.
 *
 * @param candidates none where nothing is stored; a damaged one is as if it were not.
 * @throws a refusal: of the first candidate, where all refuse.
 */
export async function authoriseAccess(
  context: ServerContext,
  exchange: Exchange,
  request: MyProxyRequest,
  candidates: readonly PlacedEntry[],
): Promise<Admitted> {
  const asker = { dn: exchange.client.forms, hasPassPhrase: request.passPhrase !== '' }
  const judge = (wanted?: Wanted) => decideDelegation(context.policy, asker, wanted)
  const judged = candidates.flatMap((entry): Judged[] => {
    const wanted = wantedIn(context, entry)
    return wanted === undefined ? [] : [{ entry, decision: judge(wanted) }]
  })
  const open = judged.filter(({ decision }) => decision.action !== 'refuse')
  const [first] = open
  const decision = first?.decision ?? judged[0]?.decision ?? judge()
  if (decision.action === 'refuse') {
    if (decision.really !== undefined) exchange.audit.hides(decision.really)
    // Nothing is opened; what it costs, and what it tells, is the same as for a wrong guess.
    if (decision.because === 'wrong-pass-phrase') {
      await openWithPassPhrase(context, exchange, request, [])
    }
    throw refusalFor(decision, request)
  }
  exchange.audit.note({ reason: REASONS[decision.action] })
  if (decision.action === 'check-pass-phrase') {
    const entries = open.map(({ entry }) => entry)
    const { entry, signer } = await openWithPassPhrase(context, exchange, request, entries)
    const stored = await validateUsable(context, entry)
    return { entry, stored, signer, limited: isLimited(context, exchange.client.chain) }
  }
  if (first === undefined) throw wrongPassPhrase()
  return admitByCertificate(context, exchange, first)
}

/** Undefined for a damaged one, which must not be in the way of its user's others. */
function wantedIn(
  { certificates, journal }: ServerContext,
  entry: PlacedEntry,
): Wanted | undefined {
  try {
    const { identity } = describeChain(storedChain(entry, certificates.parse))
    return { ...entry.data, identity: identity.oneLine, isProtected: isProtected(entry) }
  } catch (error) {
    noteBroken(journal, entry, error)
    return undefined
  }
}

async function admitByCertificate(
  context: ServerContext,
  exchange: Exchange,
  { entry, decision }: Judged,
): Promise<Admitted> {
  const stored = await validateUsable(context, entry)
  const isOwner = (identity: Name) => sameName(identity, stored.facts.identity)
  const authorising =
    decision.action === 'challenge'
      ? await challengeForRenewal(context, exchange, isOwner)
      : undefined
  return {
    entry,
    stored,
    signer: await openStoredCredential(entry, '', { parse: context.certificates.parse }),
    limited: isLimited(context, exchange.client.chain) || isLimited(context, authorising),
  }
}

/** `myproxy-server.config(5)`, `ignore_globus_limited_proxy_flag`. */
function isLimited({ policy }: ServerContext, chain: ValidatedChain | undefined): boolean {
  return policy.ignoreLimitedProxyFlag !== true && chain?.facts.limited === true
}

/** What is stored is judged anew each time: its owner may have been revoked since. */
async function validateUsable(context: ServerContext, entry: StoredEntry): Promise<ValidatedChain> {
  if (entry.lockMessage !== undefined) throw locked(entry.lockMessage)
  try {
    return await validateChain(context, storedChain(entry, context.certificates.parse))
  } catch (error) {
    throw isVoboxError(error, 'CHAIN_EXPIRED') ? storedExpired() : error
  }
}

function refusalFor(decision: Refused, { username, credentialName }: MyProxyRequest): Error {
  switch (decision.because) {
    case 'not-stored':
      return noCredential(username, credentialName)
    case 'pass-phrase':
    case 'wrong-pass-phrase':
      return wrongPassPhrase()
    case 'policy':
      return notAuthorised(decision.reasons)
  }
}

interface Opened {
  entry: PlacedEntry
  signer: Credential
}

/** A name without a credential costs a client the same time and tells it the same. */
async function openWithPassPhrase(
  context: ServerContext,
  { client, signal }: Exchange,
  { username, passPhrase }: MyProxyRequest,
  entries: readonly PlacedEntry[],
): Promise<Opened> {
  try {
    return await context.guesses.attempt(
      { username, address: client.address },
      signal,
      async () => {
        const guarded = entries.filter(isProtected).slice(0, MAX_TRIED)
        for (const entry of guarded) {
          const signer = await tryToOpen(context, entry, passPhrase, signal)
          if (signer !== undefined) return { entry, signer }
        }
        const spent = guarded.reduce((work, entry) => work + workToGuess(entry), 0)
        await pretendToUnprotect(passPhrase, context, { spent, signal })
        throw wrongPassPhrase()
      },
      isWrongGuess,
    )
  } catch (error) {
    throw isWrongGuess(error) ? wrongPassPhrase() : error
  }
}

/** Undefined also for one that no pass phrase opens here, as damaged or in a form of its own. */
async function tryToOpen(
  { journal }: ServerContext,
  entry: PlacedEntry,
  passPhrase: string,
  signal: AbortSignal,
): Promise<Credential | undefined> {
  try {
    return await openStoredCredential(entry, passPhrase, { signal })
  } catch (error) {
    signal.throwIfAborted()
    if (!isWrongGuess(error)) noteBroken(journal, entry, error)
    return undefined
  }
}

function isWrongGuess(error: unknown): boolean {
  return isVoboxError(error, 'KEY_ENCRYPTED', 'MYPROXY_PASS_PHRASE_REQUIRED')
}
