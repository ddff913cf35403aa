/**
 * Which proxy is in the file after a registration: the login proxy; a fresh one, where the login
 * proxy lacks the registered attributes; or the old one, where that is worth more.
 */
import { isVoboxError, printable, VoboxError } from '../../errors.js'
import type { UnixSeconds } from '../../ports/clock.js'
import type { FileRead } from '../../ports/files.js'
import { type Credential, parseCredential } from '../../proxy/credential.js'
import { type ValidatedChain, validateProxyChain } from '../../proxy/validate-proxy-chain.js'
import { judgeAttributes } from '../../voms/verify-attributes.js'
import type { FreshProxy } from '../dress-fresh.js'
import { effectiveEndOf } from '../effective-end.js'
import { carryRequested, requestsOf } from '../registered-attributes.js'
import { anchorsNow, attributeRulesNow } from '../trust-now.js'
import type { LoginProxy } from './register-login-proxy.js'
import type { RegisterContext, RegisterRequest, RegisterWarning } from './register-request.js'

export interface ProxyToStore {
  credential: Credential
  from: 'login-proxy' | 'renewed'
  /** Effective end. */
  end: UnixSeconds
  /** It carries what is registered. */
  asRegistered: boolean
  warnings: readonly RegisterWarning[]
}

interface Choice {
  place: { voms: readonly string[] }
  login: LoginProxy
  request: RegisterRequest
  check: { fresh?: FreshProxy }
}

/** Pure. */
export function proxyToStore({ place, login, check: { fresh } }: Choice): ProxyToStore {
  const asRegistered = carries(login, place.voms)
  if (asRegistered || fresh === undefined) {
    return {
      credential: login.credential,
      from: 'login-proxy',
      end: login.end,
      asRegistered,
      warnings: asRegistered ? [] : [attributesLater],
    }
  }
  const { credential, acceptance } = fresh
  return { credential, from: 'renewed', end: acceptance.end, asRegistered: true, warnings: [] }
}

function carries(login: LoginProxy, voms: readonly string[]): boolean {
  return voms.length === 0 || carryRequested(login.attributes, requestsOf(voms))
}

/**
 * The end of the old proxy, when it stays: it is of the same identity, valid, lives longer, and has
 * no fewer rights and attributes. One with the registered attributes also stays where it lives for
 * less, rather than be replaced by one without.
 *
 * @throws VoboxError `PROXY_LIMITED` when a limited proxy would replace a full one.
 */
export async function oldProxyWorthKeeping(
  context: RegisterContext,
  { login, request, place }: Choice,
  wanted: ProxyToStore,
  file: FileRead | undefined,
): Promise<UnixSeconds | undefined> {
  if (file === undefined) return undefined
  const old = await validated(context, file, request.signal)
  if (old === undefined) return undefined
  const isFull = ({ facts }: Pick<ValidatedChain, 'facts'>) => facts.policy === 'inherit-all'
  if (isFull(old) && !isFull(login)) throw limitedOverFull(old)
  const sameIdentity = Buffer.from(old.facts.identity.der).toString('base64') === login.identityDer
  const sameRights = isFull(old) === isFull(login) && old.facts.depth > 0
  if (!sameIdentity || !sameRights || request.force) return undefined
  const end = Math.min(old.effectiveEnd, effectiveEndOf(old.facts)) as UnixSeconds
  if (end <= context.clock.now()) return undefined
  const oldCarries = await carriesNow(context, old, place.voms, request.signal)
  if (oldCarries !== wanted.asRegistered) return oldCarries ? end : undefined
  return end > wanted.end ? end : undefined
}

async function validated(
  context: RegisterContext,
  { bytes }: FileRead,
  signal: AbortSignal | undefined,
): Promise<ValidatedChain | undefined> {
  const { clock, config } = context
  const anchors = await anchorsNow(context, signal)
  try {
    return validateProxyChain(parseCredential(bytes).chain, anchors, {
      now: clock.now(),
      allowLegacyProxies: config.trust.allowLegacyProxies,
      maxDelegationDepth: config.limits.maxDelegationDepth,
    })
  } catch (error) {
    if (isVoboxError(error)) return undefined
    throw error
  }
}

async function carriesNow(
  context: RegisterContext,
  { facts }: ValidatedChain,
  voms: readonly string[],
  signal: AbortSignal | undefined,
): Promise<boolean> {
  if (voms.length === 0) return true
  const judged = judgeAttributes(facts, await attributeRulesNow(context, signal))
  return carryRequested(judged, requestsOf(voms))
}

const attributesLater: RegisterWarning = {
  code: 'attributes-later',
  message: 'this proxy lacks the registered VOMS attributes until the service has renewed it',
  hint: 'The service does that at once; vobox-proxy renew does it now',
}

function limitedOverFull({ facts }: ValidatedChain): VoboxError {
  return new VoboxError(
    'PROXY_LIMITED',
    `a limited proxy must not replace the full one of ${printable(facts.identity.oneLine)}`,
    {
      hint: 'Register a full proxy; or unregister the full one first, if the limited one is meant',
      data: { identity: facts.identity.oneLine },
    },
  )
}
