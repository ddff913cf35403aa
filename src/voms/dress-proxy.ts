/**
 * Dressing a plain proxy with VOMS attributes: they are asked for with it, and go into one more
 * RFC 3820 proxy below it, whose key never leaves this process.
 *
 * What comes back is *not verified*: the caller accepts it like any proxy before it replaces one.
 */
import { createPublicKey } from 'node:crypto'
import type { UnixSeconds } from '../ports/clock.js'
import { describeChain } from '../proxy/chain-facts.js'
import type { Credential } from '../proxy/credential.js'
import { type IssuedPolicy, issueProxy } from '../proxy/issue-proxy.js'
import {
  type ExtensionCall,
  type RequestedExtension,
  requestExtension,
} from './request-extension.js'
import type { VomsContext } from './voms-context.js'

export type { DressWarning } from './request-extension.js'
export type { VomsContext } from './voms-context.js'

export interface DressCall extends ExtensionCall {
  /** End of the new proxy; default, and at most, that of the credential. */
  notAfter?: UnixSeconds | undefined
  /** Default `inherit-all`; `limited` whatever is asked below a limited credential. */
  policy?: IssuedPolicy | undefined
}

export interface DressedProxy extends Omit<RequestedExtension, 'extension'> {
  /** One proxy more than the plain credential, with a fresh key and the attributes. */
  credential: Credential
}

/**
 * Asks for the attributes and signs a proxy that carries them. A key is taken only once they are
 * there.
 *
 * @throws VoboxError what {@link requestExtension} and {@link issueProxy} throw.
 */
export async function dressProxy(context: VomsContext, call: DressCall): Promise<DressedProxy> {
  const { extension, ...requested } = await requestExtension(context, call)
  const { keys, keyKind, clock, random } = context
  const privateKey = await keys.generate(keyKind, call.signal)
  const { effectiveEnd } = describeChain(call.credential.chain)
  const leaf = issueProxy({
    signer: call.credential,
    publicKey: createPublicKey(privateKey),
    notAfter: call.notAfter ?? effectiveEnd,
    now: clock.now(),
    random,
    policy: call.policy,
    extensions: [extension],
  })
  return { credential: { privateKey, chain: [leaf, ...call.credential.chain] }, ...requested }
}
