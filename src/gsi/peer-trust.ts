/** What the chain of a peer is held to, and what it comes to. */
import type { TLSSocket } from 'node:tls'
import { isVoboxError, VoboxError } from '../errors.js'
import { withDeadline } from '../ports/deadline.js'
import { describeChain } from '../proxy/chain-facts.js'
import { type ValidatedChain, validateProxyChain } from '../proxy/validate-proxy-chain.js'
import type { Certificate } from '../x509/certificate.js'
import type { TrustAnchors } from '../x509/trust-anchors.js'
import type { GsiContext } from './context.js'
import { readPeerChain } from './peer-chain.js'

/**
 * `bootstrap` is for a host that does not know the CA of the peer yet and asks for it
 * (`get-trustroots -b`): a chain of which nothing is known here is let through; the name in it is not.
 * One that is known here is judged as always: what a CA says no to is no stranger. Whoever uses this
 * tells the person, where `trusted` is false, that nothing proves who answered.
 */
export type PeerTrust = 'anchors' | 'bootstrap'

/** The chain that the peer presented; `trusted` tells whether it was judged. */
export type PeerChain =
  | (ValidatedChain & { readonly trusted: true })
  | (Pick<ValidatedChain, 'chain' | 'facts'> & { readonly trusted: false })

/** Judges the chain of a socket, before anything else is done with it. */
export type JudgePeer = (socket: TLSSocket, label: string) => Promise<PeerChain>

/**
 * Reads what is needed to judge any peer, unless the context reads it for each by itself.
 *
 * @throws VoboxError `TRUST_ANCHORS_UNREADABLE`, also when that takes more than `answerMs`. The
 *   function it resolves to rejects with the same, and with `PEER_UNTRUSTED`, which has the reason in
 *   `data.reason` and `cause`.
 */
export async function prepareJudge(
  context: GsiContext,
  trust: PeerTrust,
  signal: AbortSignal | undefined,
): Promise<JudgePeer> {
  const early = trust === 'anchors' && context.anchorsFor === undefined
  const all = early ? await inTime(context, signal, () => context.anchors()) : undefined
  const anchorsFor = (chain: readonly Certificate[]) =>
    inTime(context, signal, () => context.anchorsFor?.(chain) ?? context.anchors())
  return async (socket, label) => {
    const chain = naming(label, () => readPeerChain(socket, context.certificates?.parse))
    try {
      const anchors = all ?? (await anchorsFor(chain))
      return naming(label, () => ({ ...validate(context, anchors, chain), trusted: true }))
    } catch (error) {
      if (trust === 'anchors' || !isOfStranger(error)) throw error
      return naming(label, () => ({ chain, facts: describeChain(chain), trusted: false }))
    }
  }
}

/** Why a chain leads nowhere on this machine. */
const NOT_KNOWN: readonly unknown[] = ['CHAIN_UNTRUSTED', 'SIGNING_POLICY_MISSING']

function isOfStranger(error: unknown): boolean {
  if (isVoboxError(error, 'TRUST_ANCHORS_UNREADABLE')) return true
  return isVoboxError(error, 'PEER_UNTRUSTED') && NOT_KNOWN.includes(error.data.reason)
}

/** Whatever is wrong with a chain makes its peer one that is not trusted. */
function naming<T>(label: string, judge: () => T): T {
  try {
    return judge()
  } catch (error) {
    throw isVoboxError(error) ? untrusted(label, error) : error
  }
}

/** A trust directory on a network file system may hang; nothing else here waits without an end. */
function inTime(
  { clock, answerMs }: GsiContext,
  signal: AbortSignal | undefined,
  read: () => Promise<TrustAnchors>,
): Promise<TrustAnchors> {
  return withDeadline(
    clock,
    answerMs,
    signal,
    () =>
      new VoboxError(
        'TRUST_ANCHORS_UNREADABLE',
        `the trust directory was not read within ${answerMs / 1000} s`,
        { data: { deadlineMs: answerMs }, hint: 'Is it on a file system that hangs?' },
      ),
    () => read(),
  )
}

function validate(
  context: GsiContext,
  anchors: TrustAnchors,
  chain: Parameters<typeof validateProxyChain>[0],
): ValidatedChain {
  const peer = validateProxyChain(chain, anchors, {
    now: context.clock.now(),
    allowLegacyProxies: context.allowLegacyProxies,
    maxDelegationDepth: context.maxDelegationDepth,
    purpose: 'server',
  })
  // It has rights of its own and none of its end-entity's, whose name is looked at (RFC 3820 §3.8.2).
  if (peer.facts.policy === 'independent') throw independent(peer)
  return peer
}

function untrusted(label: string, error: VoboxError): VoboxError {
  return new VoboxError('PEER_UNTRUSTED', `${label} is not trusted: ${error.message}`, {
    data: { ...error.data, peer: label, reason: error.code },
    hint: error.hint ?? 'Check the trust directory (X509_CERT_DIR) and its CRLs on this host',
    persistence: error.persistence,
    cause: error,
  })
}

function independent({ facts }: ValidatedChain): VoboxError {
  const subject = facts.subject.oneLine
  return new VoboxError(
    'PROXY_KIND_REFUSED',
    `${subject} is an independent proxy, which does not speak for its owner`,
    { data: { subject, policy: facts.policy } },
  )
}
