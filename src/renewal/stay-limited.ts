/**
 * A limited proxy stays limited. A MyProxy server delegates whatever was stored, usually a full proxy;
 * who registered a limited one, a job with its sandbox, is not handed more rights by its first renewal.
 */
import type { ChainFacts } from '../proxy/chain-facts.js'
import { describeChain } from '../proxy/chain-facts.js'
import type { Credential } from '../proxy/credential.js'
import { makeProxy } from '../proxy/make-proxy.js'
import type { Acceptance } from './accept-proxy.js'
import type { RenewalContext } from './context.js'

/** The fresh proxy as it was accepted, one limited step further where the old one is limited. */
export async function stayLimited(
  { keys, clock, random, config }: RenewalContext,
  current: Pick<ChainFacts, 'limited'>,
  { credential, acceptance }: { credential: Credential; acceptance: Acceptance },
  signal: AbortSignal | undefined,
): Promise<Credential> {
  if (!current.limited || acceptance.verdict === 'capped') return credential
  if (describeChain(credential.chain).limited) return credential
  const { privateKey, chain } = await makeProxy(
    {
      signer: credential,
      lifetimeSeconds: acceptance.chainSeconds,
      keyKind: config.keys.kind,
      policy: 'limited',
    },
    { keys, clock, random, signal },
  )
  return { privateKey, chain }
}
