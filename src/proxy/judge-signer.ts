/** Whether somebody's credential can make a login proxy now, and what they should know of it. Pure. */
import { printable, VoboxError } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import { showDistance, showDuration, showInstant } from '../ports/time-text.js'
import { allowsPurpose } from '../x509/purposes.js'
import type { ChainFacts } from './chain-facts.js'
import { chainWeaknesses } from './weaknesses.js'

/** What a program can tell warnings about a new proxy by; those of its attributes included. */
export type ProxyWarningCode =
  | 'certificate-ends-soon'
  | 'not-for-clients'
  | 'delegation-deep'
  | 'weak-certificate'
  | 'proxy-shortened'
  | 'voms-server-failed'
  | 'server-says'
  | 'shorter-than-asked'
  | 'carries-attributes'
  | 'not-granted'
  | 'not-verified'

/** What works, and should be known all the same. */
export interface ProxyWarning {
  code: ProxyWarningCode
  message: string
  hint?: string | undefined
  data?: Readonly<Record<string, unknown>> | undefined
}

/** CAs take days to issue a certificate: this is early enough. */
const ENDS_SOON_SECONDS = 14 * 86_400

/** Beyond half of what others accept, every further delegation is one too many soon. */
const DEEP_RATIO = 1 / 2

const NEW_CERTIFICATE = 'ask your CA for a new certificate'

/**
 * Refuses a certificate whose time is over or has not come, and a proxy that has expired.
 *
 * @throws VoboxError `CHAIN_EXPIRED`, `CHAIN_NOT_YET_VALID`, `PROXY_EXPIRED`.
 */
export function checkSignerTime(facts: ChainFacts, now: UnixSeconds): void {
  const { endEntity, effectiveEnd, identity, depth } = facts
  const dn = printable(identity.oneLine)
  if (endEntity.notAfter <= now) {
    const when = showInstant(endEntity.notAfter, 'minute')
    throw new VoboxError('CHAIN_EXPIRED', `the certificate ${dn} expired on ${when}`, {
      hint: `${NEW_CERTIFICATE}: no proxy can outlive it`,
      data: { subject: identity.oneLine, notAfter: endEntity.notAfter },
    })
  }
  if (endEntity.notBefore > now) {
    const when = showInstant(endEntity.notBefore)
    throw new VoboxError(
      'CHAIN_NOT_YET_VALID',
      `the certificate ${dn} is not valid before ${when}`,
      {
        hint: 'wait until then, or see whether the clock of this machine is right',
        data: { subject: identity.oneLine, notBefore: endEntity.notBefore },
      },
    )
  }
  if (effectiveEnd > now) return
  const data = { subject: facts.subject.oneLine, notAfter: effectiveEnd }
  if (depth > 0) {
    throw new VoboxError('PROXY_EXPIRED', `the proxy of ${dn} has expired`, {
      hint: 'make one from the certificate, without --noregen',
      data,
    })
  }
  throw new VoboxError('CHAIN_EXPIRED', `a CA above the certificate ${dn} has expired`, {
    hint: NEW_CERTIFICATE,
    data,
  })
}

/** @param depthLimit the deepest delegation that is accepted. */
export function signerWarnings(
  facts: ChainFacts,
  { now, depthLimit }: { now: UnixSeconds; depthLimit: number },
): ProxyWarning[] {
  const { endEntity, authorities, proxies, depth } = facts
  const warnings: ProxyWarning[] = []
  if (endEntity.notAfter - now < ENDS_SOON_SECONDS) {
    warnings.push({
      code: 'certificate-ends-soon',
      message: `your certificate ends on ${showInstant(endEntity.notAfter, 'minute')}, ${showDistance(endEntity.notAfter, now)}`,
      hint: `${NEW_CERTIFICATE} now`,
      data: { notAfter: endEntity.notAfter, secondsLeft: endEntity.notAfter - now },
    })
  }
  if (!allowsPurpose(endEntity, 'client')) {
    warnings.push({
      code: 'not-for-clients',
      message: 'your certificate is not for TLS clients, so that servers will refuse its proxies',
      hint: 'ask your CA for one whose extended key usage has clientAuth',
    })
  }
  if (depth + 1 > depthLimit * DEEP_RATIO) {
    warnings.push({
      code: 'delegation-deep',
      message: `the new proxy is delegated ${depth + 1} times; ${depthLimit} is the most`,
      hint: 'make one from the certificate: long chains overflow the buffers of others',
      data: { depth: depth + 1, limit: depthLimit },
    })
  }
  const chain = [...proxies.map(({ certificate }) => certificate), endEntity, ...authorities]
  for (const { kind, message } of chainWeaknesses(chain)) {
    warnings.push({ code: 'weak-certificate', message: printable(message), data: { kind } })
  }
  return warnings
}

/** A proxy that ends before what was asked for, because what signs it does. */
export function shortenedWarning(
  facts: ChainFacts,
  { end, shortenedBySeconds }: { end: UnixSeconds; shortenedBySeconds: number },
): ProxyWarning | undefined {
  if (shortenedBySeconds <= 0) return undefined
  const what = facts.depth > 0 ? 'the proxy that signs it' : 'your certificate'
  return {
    code: 'proxy-shortened',
    message: `the proxy ends ${showDuration(shortenedBySeconds)} earlier than asked for, with ${what}`,
    data: { end, shortenedBySeconds },
  }
}
