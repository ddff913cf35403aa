/**
 * From a registration, its state and its file to the facts that a decision needs. Here, and only
 * here, times that a wrong clock wrote are thrown out: everything after this may rely on them.
 */
import type { Config } from '../config/config.js'
import { asUnixSeconds, type UnixSeconds } from '../ports/clock.js'
import type { FileFacts } from '../ports/files.js'
import { type ChainFacts, describeChain } from '../proxy/chain-facts.js'
import type { Registration, RegistrationState } from '../registry/registration.js'
import type { Certificate } from '../x509/certificate.js'
import { decideRenewal, type RenewalDecision, type RenewalFacts } from './decide-renewal.js'
import { attributesEndOf } from './effective-end.js'
import { glanceAtChain } from './query/query-glance.js'

/** What of a proxy file matters for its timing; small, so that thousands can be kept in memory. */
export interface ProxyTimes {
  notBefore: UnixSeconds
  /** Effective end: earliest of the chain and its attribute certificates. */
  end: UnixSeconds
  /** End of the chain alone: until then it can authorise its renewal. */
  chainEnd: UnixSeconds
  /** Whether it carries attribute certificates. */
  hasAttributes: boolean
  /** When the first of these ends; absent: none can be read. */
  attributesEnd?: UnixSeconds
  /** When the file was written, by the disk's clock. */
  writtenAt: UnixSeconds
  /** The proxy's share of the jitter, from its fingerprint. */
  jitter: number
}

export function proxyTimes(chain: readonly Certificate[], file: FileFacts): ProxyTimes {
  return timesOf(describeChain(chain), file)
}

export function timesOf(facts: ChainFacts, file: FileFacts): ProxyTimes {
  const attributesEnd = attributesEndOf(facts)
  return {
    notBefore: facts.notBefore,
    end: asUnixSeconds(Math.min(facts.effectiveEnd, attributesEnd ?? facts.effectiveEnd)),
    chainEnd: facts.effectiveEnd,
    hasAttributes: facts.acBytes !== undefined,
    ...(attributesEnd !== undefined && { attributesEnd }),
    writtenAt: asUnixSeconds(file.modifiedMs / 1000),
    jitter: jitterOf(facts),
  }
}

/** The same from a file's bytes. @throws VoboxError as `parseCredential` and `describeChain` do. */
export function parseProxyTimes(
  bytes: Uint8Array,
  file: FileFacts,
  parse?: (der: Uint8Array) => Certificate,
): ProxyTimes {
  return proxyTimes(glanceAtChain(bytes, parse), file)
}

/** Four bytes of the leaf's fingerprint as a fraction: the same at every look, other for every proxy. */
function jitterOf({ proxies, endEntity }: ChainFacts): number {
  const leaf = proxies[0]?.certificate ?? endEntity
  const digits = leaf.fingerprintSha256.replaceAll(':', '').slice(0, 8)
  return Number.parseInt(digits, 16) / 2 ** 32
}

/** No pause is longer; a `retryAt` further away was written by a clock that ran ahead. */
const LONGEST_PAUSE_SECONDS = 3600

/** The earliest next attempt as the state has it, unless no right clock can have written it. */
export function believableRetry(
  { retryAt }: RegistrationState,
  { limits }: Config,
  now: UnixSeconds,
): UnixSeconds | undefined {
  const longest = Math.max(LONGEST_PAUSE_SECONDS, limits.minIntervalSeconds)
  return retryAt !== undefined && retryAt <= now + longest ? retryAt : undefined
}

export function renewalFacts(
  registration: Registration,
  state: RegistrationState,
  proxy: ProxyTimes,
  config: Config,
  now: UnixSeconds,
): RenewalFacts {
  const { refreshSeconds, renewBeforeSeconds, voms, passPhraseFile } = registration
  const { attemptedAt, cappedUntil } = state
  const retryAt = believableRetry(state, config, now)
  return {
    notBefore: proxy.notBefore,
    effectiveNotAfter: proxy.end,
    chainNotAfter: proxy.chainEnd,
    revivable: passPhraseFile !== undefined,
    lacksAttributes: voms.length > 0 && !proxy.hasAttributes,
    jitter: proxy.jitter,
    minIntervalSeconds: config.limits.minIntervalSeconds,
    ...(proxy.writtenAt <= now && { writtenAt: proxy.writtenAt }),
    ...(refreshSeconds !== null && { refreshSeconds }),
    ...(renewBeforeSeconds !== undefined && { renewBeforeSeconds }),
    ...(attemptedAt !== undefined && attemptedAt <= now && { attemptedAt }),
    ...(retryAt !== undefined && { retryAt }),
    ...(cappedUntil !== undefined && { cappedUntil }),
  }
}

/** {@link decideRenewal} on what a caller has at hand: for `query` and the daemon alike. */
export function decideFor(
  registration: Registration,
  state: RegistrationState,
  proxy: ProxyTimes,
  config: Config,
  now: UnixSeconds,
): RenewalDecision {
  return decideRenewal(renewalFacts(registration, state, proxy, config, now), now)
}
