/** What the chain of a peer is held to, and what it comes to. */
import type { TLSSocket } from 'node:tls'
import { isVoboxError, VoboxError } from '../errors.js'
import { withDeadline } from '../ports/deadline.js'
import { describeChain } from '../proxy/chain-facts.js'
import { type ValidatedChain, validateProxyChain } from '../proxy/validate-proxy-chain.js'
import type { TrustAnchors } from '../x509/trust-anchors.js'
import type { GsiContext } from './context.js'
import { readPeerChain } from './peer-chain.js'

/**
 * `bootstrap` is for a host that has no trust anchors yet and asks for them (`get-trustroots -b`):
 * the chain is not judged at all; the name in it still is. Whoever uses it tells the person that
 * nothing proves who answered.
 */
export type PeerTrust = 'anchors' | 'bootstrap'

/** The chain that the peer presented; `trusted` tells whether it was judged. */
export type PeerChain =
  | (ValidatedChain & { readonly trusted: true })
  | (Pick<ValidatedChain, 'chain' | 'facts'> & { readonly trusted: false })

/** Judges the chain of a socket, whose anchors were read before it was opened. */
export type JudgePeer = (socket: TLSSocket, label: string) => PeerChain

/**
 * Reads what is needed to judge a peer.
 *
 * @throws VoboxError `TRUST_ANCHORS_UNREADABLE`, also when that takes more than `answerMs`. The
 *   function it resolves to throws `PEER_UNTRUSTED`, with the reason in `data.reason` and `cause`.
 */
export async function prepareJudge(
  context: GsiContext,
  trust: PeerTrust,
  signal: AbortSignal | undefined,
): Promise<JudgePeer> {
  const anchors = trust === 'bootstrap' ? undefined : await readAnchors(context, signal)
  return (socket, label) => {
    try {
      const chain = readPeerChain(socket)
      if (anchors === undefined) return { chain, facts: describeChain(chain), trusted: false }
      return { ...validate(context, anchors, chain), trusted: true }
    } catch (error) {
      throw isVoboxError(error) ? untrusted(label, error) : error
    }
  }
}

/** A trust directory on a network file system may hang; nothing else here waits without an end. */
function readAnchors(
  { clock, answerMs, anchors }: GsiContext,
  signal: AbortSignal | undefined,
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
    () => anchors(),
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
