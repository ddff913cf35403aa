/**
 * What is remembered and told about an attempt: the registration's state, `events.log`, the journal.
 *
 * A state that cannot be written is said and survived. The outcome carries what the caller must
 * respect all the same, so that a full disk does not turn into a storm of attempts.
 */
import { cureOf, type ErrorCode, printable, toVoboxError, type VoboxError } from '../errors.js'
import { asUnixSeconds } from '../ports/clock.js'
import type {
  BehindServer,
  GrantLimit,
  Registration,
  RegistrationState,
} from '../registry/registration.js'
import type { Acceptance } from './accept-proxy.js'
import { backOffSeconds, cappedPauseSeconds } from './back-off.js'
import type { RenewalContext } from './context.js'
import { type FreshProxy, isOfAttributes } from './dress-fresh.js'
import { instant } from './events.js'
import { explainGrant } from './grant.js'
import type { Attempt, RenewalOutcome, ShortGrant } from './outcome.js'
import { explainBehind, knownAfter, sightOfChain } from './stored-news.js'

/**
 * What a person must mend, but on this machine, where nobody tells us: files that are read again when
 * they change are worth a try after minutes.
 */
const MENDED_HERE: readonly ErrorCode[] = [
  'VOMS_TRUST_MISSING',
  'VOMS_VO_UNKNOWN',
  'VOMS_AC_UNTRUSTED',
  'CHAIN_UNTRUSTED',
  'SIGNING_POLICY_MISSING',
  'PASS_PHRASE_FILE_UNUSABLE',
]

/** A command with a DN in it stays whole, in characters. */
const LONGEST_HINT = 8000

export async function noteRenewed(
  context: RenewalContext,
  { registration, state }: Attempt,
  { acceptance: { end, grantedSeconds, storedEnd }, missing }: FreshProxy,
  server: string,
  limit: GrantLimit | undefined,
): Promise<RenewalOutcome> {
  const { clock, events, journal } = context
  const { fileName, identity, lifetimeSeconds } = registration
  const now = clock.now()
  const known = knownAfter(registration, state, sightOfChain(server, storedEnd, now))
  const { behind } = known
  const cause = behind && limit === 'stored-credential-ends' ? 'secondary-behind' : limit
  const shortGrant: ShortGrant | undefined = cause && {
    askedSeconds: lifetimeSeconds,
    grantedSeconds,
    limit: cause,
  }
  await writeState(context, fileName, {
    failures: 0,
    attemptedAt: now,
    renewedAt: now,
    renewedFrom: server,
    ...known,
    ...(shortGrant && { shortGrant }),
    ...(missing.length > 0 && { missingAttributes: missing }),
  })
  const fields = { dn: identity, file: fileName, server }
  await events.write('renewed', {
    ...fields,
    end: instant(end),
    ...(shortGrant && { asked: lifetimeSeconds, granted: grantedSeconds, limit: cause }),
    ...(behind && { behind: behind.ahead.server, stored: instant(behind.end) }),
    ...(missing.length > 0 && { without: missing.join(',') }),
  })
  journal.write('info', 'renewed', `renewed the proxy of ${identity}`, { ...fields, end })
  context.onRenewed?.({ fileName, identity, end })
  if (shortGrant && state.shortGrant?.limit !== cause) {
    const { message, hint } = explainGrant(shortGrant, registration)
    journal.write('warn', 'short-grant', `${identity}: ${message}`, { ...fields, hint })
    await events.write('warning', { dn: identity, file: fileName, reason: message, cure: hint })
  }
  await sayBehind(context, registration, behind, state.behind)
  await sayMissing(context, registration, missing, state.missingAttributes ?? [])
  return {
    kind: 'renewed',
    end,
    server,
    ...(shortGrant && { shortGrant }),
    ...(behind && { behind }),
    ...(missing.length > 0 && { missingAttributes: missing }),
  }
}

/** Once, when it begins or another server is concerned. */
async function sayBehind(
  { events, journal }: RenewalContext,
  { fileName: file, identity: dn }: Registration,
  behind: BehindServer | undefined,
  before: BehindServer | undefined,
): Promise<void> {
  if (behind === undefined || behind.server === before?.server) return
  const { message: reason, hint: cure } = explainBehind(behind)
  journal.write('warn', 'secondary-behind', `${dn}: ${reason}`, { dn, file, hint: cure })
  await events.write('warning', { dn, file, reason, cure })
}

/** Once, when it begins or changes: it may last for months. */
async function sayMissing(
  { events, journal }: RenewalContext,
  { fileName: file, identity: dn }: Registration,
  missing: readonly string[],
  before: readonly string[],
): Promise<void> {
  if (missing.length === 0 || missing.join() === before.join()) return
  const reason = `renewed without ${missing.join(', ')}, which VOMS does not grant`
  const cure = 'Ask the manager of the VO for it, or register with what is granted'
  journal.write('warn', 'attributes-partial', `${dn}: ${reason}`, { dn, file, hint: cure })
  await events.write('warning', { dn, file, reason, cure })
}

export async function noteCapped(
  context: RenewalContext,
  { registration, state, currentEnd }: Attempt,
  { end, storedEnd }: Acceptance,
  server: string,
): Promise<RenewalOutcome> {
  const { clock, config, events, journal } = context
  const { fileName, identity } = registration
  const now = clock.now()
  const cappedUntil = currentEnd ?? end
  const { minIntervalSeconds } = config.limits
  const pause = cappedPauseSeconds({ remainingSeconds: cappedUntil - now, minIntervalSeconds })
  const retryAt = asUnixSeconds(now + pause)
  const { lastFailure: _healed, storedGoneAt: _back, behind: before, ...kept } = state
  const known = knownAfter(registration, state, sightOfChain(server, storedEnd, now))
  await writeState(context, fileName, {
    ...kept,
    ...known,
    failures: 0,
    attemptedAt: now,
    retryAt,
    cappedUntil,
  })
  const fields = { dn: identity, file: fileName, server }
  // It is a state that may last for days: told when it begins, not at every try.
  const news = state.cappedUntil !== cappedUntil
  if (news)
    await events.write('capped', { ...fields, end: instant(cappedUntil), offered: instant(end) })
  journal.write(
    news ? 'info' : 'debug',
    'capped',
    `a renewal would not have made the proxy of ${identity} live longer`,
    { ...fields, end },
  )
  await sayBehind(context, registration, known.behind, before)
  return { kind: 'capped', end, server, retryAt }
}

export async function noteFailure(
  context: RenewalContext,
  { registration, state, currentEnd, currentChainEnd, emergency }: Attempt,
  error: VoboxError,
): Promise<RenewalOutcome> {
  const { clock, config, random, events, journal } = context
  const { fileName, identity } = registration
  const { code, message, persistence } = error
  const hint = cureOf(error)
  const stage = isOfAttributes(error) ? 'attributes' : undefined
  const now = clock.now()
  const failures = state.failures + 1
  const losing = [currentEnd, currentChainEnd].find((end) => end !== undefined && end > now)
  const pause = backOffSeconds({
    failures,
    persistence: MENDED_HERE.includes(code) ? 'transient' : persistence,
    minIntervalSeconds: config.limits.minIntervalSeconds,
    fraction: random.fraction(),
    // What has ended cannot be lost any more: there is no hurry.
    ...(losing !== undefined && { remainingSeconds: losing - now }),
  })
  const retryAt = asUnixSeconds(now + pause)
  await writeState(context, fileName, {
    ...state,
    attemptedAt: now,
    failures,
    retryAt,
    // A server chooses the names in these; the file is read up to a size only.
    lastFailure: {
      at: now,
      code,
      message: printable(message),
      persistence,
      ...(hint !== undefined && { hint: hint.slice(0, LONGEST_HINT) }),
      ...(stage && { stage }),
    },
  })
  const fields = { dn: identity, file: fileName, code, stage, persistence, failures }
  const expired = code === 'PROXY_EXPIRED'
  await events.write(expired ? 'expired' : 'renewal-failed', {
    ...fields,
    retry: expired ? undefined : instant(retryAt),
    reason: message,
    cure: hint,
  })
  const level = persistence === 'permanent' || emergency ? 'error' : 'warn'
  journal.write(level, 'renewal-failed', `${identity}: ${message}`, { ...fields, hint })
  return { kind: 'failed', error, retryAt }
}

async function writeState(
  { registry, journal }: RenewalContext,
  fileName: string,
  state: RegistrationState,
): Promise<void> {
  try {
    await registry.writeState(fileName, state)
  } catch (error) {
    const { code, message } = toVoboxError(error)
    journal.write('error', 'state-unwritable', `the state of a registration is lost: ${message}`, {
      file: fileName,
      code,
    })
  }
}
