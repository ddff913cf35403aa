/**
 * The machine proxy: what the VO box authenticates with at MyProxy servers, made from the host
 * certificate so that the host key itself stays with root.
 *
 * Path length 0: whoever steals it cannot delegate it further. It inherits the host's rights, which
 * is what `authorized_renewers` on the server names.
 */
import { VoboxError } from '../errors.js'
import type { Clock, UnixSeconds } from '../ports/clock.js'
import type { KeyGenerator, KeyKind } from '../ports/key-generator.js'
import type { Random } from '../ports/random.js'
import type { Certificate } from '../x509/certificate.js'
import { allowsPurpose, PURPOSE_OID } from '../x509/purposes.js'
import { describeChain } from './chain-facts.js'
import type { Credential } from './credential.js'
import { type MadeProxy, makeProxy } from './make-proxy.js'

export interface MachineProxyRequest {
  /** Host certificate (with its intermediate CAs) and key. */
  hostCredential: Credential
  /** Lifetime from now; default 24. */
  hours?: number
  /** Kind of the proxy's key; default `rsa2048`. */
  keyKind?: KeyKind
  keys: KeyGenerator
  clock: Clock
  random: Random
  signal?: AbortSignal
}

/** The cron entry renews every six hours, so a day survives three runs that failed. */
const DEFAULT_HOURS = 24

/**
 * Makes a machine proxy that lives for `hours`, or as long as the host certificate.
 *
 * @throws VoboxError `CHAIN_EXPIRED` or `CHAIN_NOT_YET_VALID` (the host certificate),
 *   `KEY_USAGE_FORBIDS` (it is for servers only), `NOT_PERMITTED` (it is a proxy itself), and what
 *   {@link issueProxy} throws. Rejects with `signal.reason` when aborted.
 */
export async function makeMachineProxy(request: MachineProxyRequest): Promise<MadeProxy> {
  const { hostCredential, hours = DEFAULT_HOURS, keyKind, keys, clock, random, signal } = request
  if (!(hours > 0)) throw new TypeError('a machine proxy lives for more than 0 hours')
  const facts = describeChain(hostCredential.chain)
  checkHostCertificate(facts.endEntity, facts.depth, facts.effectiveEnd, clock.now())

  return makeProxy(
    { signer: hostCredential, lifetimeSeconds: hours * 3600, keyKind, pathLength: 0 },
    { keys, clock, random, signal },
  )
}

/**
 * Whether machine proxies can be made from it at `now`.
 *
 * @throws VoboxError `NOT_PERMITTED`, `CHAIN_EXPIRED`, `KEY_USAGE_FORBIDS`, `CHAIN_NOT_YET_VALID`.
 */
export function checkHostCertificate(
  host: Certificate,
  depth: number,
  effectiveEnd: UnixSeconds,
  now: UnixSeconds,
): void {
  const subject = host.subject.oneLine
  if (depth > 0) {
    throw new VoboxError('NOT_PERMITTED', `the host credential of ${subject} is itself a proxy`, {
      hint: 'use the host certificate and its key, not a proxy made from them',
      data: { subject, depth },
    })
  }
  if (effectiveEnd <= now) {
    const what = host.notAfter <= now ? 'the host certificate' : 'the CA above the host certificate'
    throw new VoboxError('CHAIN_EXPIRED', `${what} ${subject} has expired`, {
      hint: 'ask the site manager for a new host certificate',
      data: { subject, notAfter: effectiveEnd },
    })
  }
  if (!allowsPurpose(host, 'client')) {
    throw new VoboxError(
      'KEY_USAGE_FORBIDS',
      `the host certificate ${subject} is for servers only: its extended key usage has no clientAuth`,
      {
        hint: 'ask the CA for a host certificate that allows TLS client authentication',
        data: { subject, extendedKeyUsage: host.extendedKeyUsage, missing: PURPOSE_OID.client },
      },
    )
  }
}
