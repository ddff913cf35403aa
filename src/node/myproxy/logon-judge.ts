/**
 * Whether what a MyProxy server sent may take the place of a login proxy. Pure.
 *
 * A server can send a chain of anybody's for our key. So its signatures are checked up to a CA of this
 * machine, and, where the caller said whose it should be, its identity.
 */
import { type ErrorCode, isVoboxError, printable, VoboxError } from '../../errors.js'
import type { UnixSeconds } from '../../ports/clock.js'
import { showDuration } from '../../ports/time-text.js'
import { type ChainFacts, describeChain } from '../../proxy/chain-facts.js'
import { type ProxyWarningCode, signerWarnings } from '../../proxy/judge-signer.js'
import { validateProxyChain } from '../../proxy/validate-proxy-chain.js'
import { isShortGrant } from '../../renewal/grant.js'
import type { Certificate } from '../../x509/certificate.js'
import { type Name, sameName } from '../../x509/name.js'
import type { TrustAnchors } from '../../x509/trust-anchors.js'

export interface LogonRules {
  anchors: TrustAnchors
  now: UnixSeconds
  allowLegacyProxies: boolean
  maxDelegationDepth: number
  /** Whose it must be; absent: the caller has not said. */
  identity?: Name | undefined
  /** The proxy that is renewed. */
  current?: ChainFacts | undefined
  askedSeconds: number
}

/** What works, and should be known all the same. */
export interface LogonWarning {
  code: ProxyWarningCode | 'limited-proxy' | 'short-grant' | 'stored-with-attributes'
  message: string
  hint?: string | undefined
  data?: Readonly<Record<string, unknown>> | undefined
}

export interface JudgedLogon {
  facts: ChainFacts
  /** When it stops working: the earliest end of everything up to the root. */
  end: UnixSeconds
  warnings: readonly LogonWarning[]
}

/**
 * @throws VoboxError what `validateProxyChain` says; `RENEWED_IDENTITY_DIFFERS`; `RENEWED_LIMITED` for a
 *   limited proxy in the place of a full one.
 */
export function judgeLogon(chain: readonly Certificate[], rules: LogonRules): JudgedLogon {
  const { facts, effectiveEnd: end } = validate(chain, rules)
  const { identity, current } = rules
  if (identity !== undefined && !sameName(facts.identity, identity)) {
    throw identityDiffers(identity, facts.identity)
  }
  if (current !== undefined && facts.limited && !current.limited) throw limited(facts)
  return { facts, end, warnings: warningsOf(facts, end, rules) }
}

/** Whose certificates nobody here knows: no reason to trust another CA. */
const FORGERY_CODES: readonly ErrorCode[] = ['CHAIN_UNTRUSTED', 'SIGNATURE_INVALID']

const ASK_SERVER =
  'ask the manager of the MyProxy server where it comes from; only where a CA of the grid is missing ' +
  'on this machine, update its CA certificates'

function validate(chain: readonly Certificate[], rules: LogonRules) {
  const { anchors, ...options } = rules
  try {
    return validateProxyChain(chain, anchors, options)
  } catch (error) {
    if (!isVoboxError(error)) throw error
    const { code, message, data, persistence } = error
    throw new VoboxError(code, `the proxy that the server sent is refused: ${message}`, {
      hint: FORGERY_CODES.includes(code) ? ASK_SERVER : error.hint,
      data,
      persistence,
      cause: error,
    })
  }
}

function identityDiffers(wanted: Name, sent: Name): VoboxError {
  const [expected, found] = [printable(wanted.oneLine), printable(sent.oneLine)]
  return new VoboxError(
    'RENEWED_IDENTITY_DIFFERS',
    `the credential stored under this name belongs to ${found}, not to ${expected}`,
    { data: { expected, found } },
  )
}

function limited({ identity }: ChainFacts): VoboxError {
  return new VoboxError(
    'RENEWED_LIMITED',
    `the stored credential of ${printable(identity.oneLine)} is limited, and the proxy to renew is not`,
  )
}

const STORE_ANEW = 'store it again from the user certificate'

function warningsOf(facts: ChainFacts, end: UnixSeconds, rules: LogonRules): LogonWarning[] {
  const { now, askedSeconds, maxDelegationDepth } = rules
  const grantedSeconds = end - now
  const warnings: LogonWarning[] = []
  if (askedSeconds > 0 && isShortGrant(askedSeconds, grantedSeconds)) {
    const [asked, granted] = [showDuration(askedSeconds), showDuration(grantedSeconds)]
    warnings.push({
      code: 'short-grant',
      message: `${asked} were asked for, and the proxy lasts ${granted}`,
      hint: 'no proxy outlives the stored credential, nor what it was stored for with -t',
      data: { askedSeconds, grantedSeconds },
    })
  }
  if (facts.limited) {
    warnings.push({
      code: 'limited-proxy',
      message: 'the proxy is limited, as what is stored is: it starts no jobs',
      hint: STORE_ANEW,
    })
  }
  if (facts.acBytes !== undefined) {
    warnings.push({
      code: 'stored-with-attributes',
      message: 'the credential was stored with VOMS attributes, which narrow all later ones',
      hint: `${STORE_ANEW}, without VOMS`,
    })
  }
  return [...warnings, ...ofSigner(facts, { now, depthLimit: maxDelegationDepth })]
}

/** What holds for the stored credential, which has signed the proxy. */
function ofSigner(
  facts: ChainFacts,
  options: { now: UnixSeconds; depthLimit: number },
): LogonWarning[] {
  if (facts.depth === 0) return []
  const above = facts.proxies.slice(1).map(({ certificate }) => certificate)
  const chain = [...above, facts.endEntity, ...facts.authorities]
  return signerWarnings(describeChain(chain), options)
}
