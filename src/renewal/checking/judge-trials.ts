/**
 * What the MyProxy servers of a registration gave when they were asked: the stored credential, whether
 * we may renew from it, and for how long. All of its servers are asked, since the second one matters on
 * the day on which the first is away. Pure.
 */
import { isVoboxError, printable, type VoboxError } from '../../errors.js'
import type { StoredCredential } from '../../myproxy/response.js'
import { type MyProxyServer, showServer } from '../../myproxy/server-list.js'
import type { UnixSeconds } from '../../ports/clock.js'
import { showDistance, showDuration } from '../../ports/time-text.js'
import type { ChainFacts } from '../../proxy/chain-facts.js'
import { servedBy, uploadCommand } from '../../registry/cure-commands.js'
import type { Registration } from '../../registry/registration.js'
import { explainGrant, limitOfGrant, sameGrant } from '../grant.js'
import type { GrantMemory } from '../grant-memory.js'
import { explainRefusal } from '../registering/check-stored-credential-refusals.js'
import { SAME_UPLOAD_SECONDS } from '../stored-news.js'
import { type About, bad, doubtful, type Finding, failed, good, skipped } from './finding.js'
import { judgeDepth } from './judge-chain.js'

export interface ServerTrial {
  server: MyProxyServer
  /** What INFO says is stored under the registered names; undefined: nothing. */
  stored?: StoredCredential | { error: VoboxError } | undefined
  /** A renewal that asked for far more than anybody has; undefined: it was not tried. */
  given?: GivenProxy | { error: VoboxError } | undefined
}

export interface GivenProxy {
  facts: ChainFacts
  /** Until the chain ends, counted from when it came. */
  seconds: number
  /** End of the chain above the leaf. */
  storedEnd: UnixSeconds
  receivedAt: UnixSeconds
}

export interface TrialRules {
  registration: Registration
  /** Identity DN of the machine proxy; absent: there is none, and nothing was tried with it. */
  machineDn?: string
  grants: GrantMemory
  maxDelegationDepth: number
  now: UnixSeconds
}

export function judgeTrials(trials: readonly ServerTrial[], rules: TrialRules): Finding[] {
  return [...trials.flatMap((trial) => judgeTrial(trial, rules)), ...judgeAlike(trials, rules)]
}

function judgeTrial(trial: ServerTrial, rules: TrialRules): Finding[] {
  const server = showServer(trial.server)
  const { identity, fileName } = rules.registration
  const about: About = { identity, fileName, server }
  const stored = judgeStored(trial, rules, about)
  // Whoever holds nothing cannot let us renew from it; the first says it all.
  if (stored.some(({ verdict }) => verdict === 'bad')) return stored
  return [...stored, ...judgeGiven(trial, rules, about)]
}

function judgeStored(trial: ServerTrial, rules: TrialRules, about: About): Finding[] {
  const { stored, given } = trial
  const { registration, now } = rules
  const upload = uploadCommand(servedBy(registration, about.server))
  if (stored !== undefined && 'error' in stored) return ofFailedInfo(stored.error, upload, about)
  const end = stored?.end ?? (given !== undefined && 'facts' in given ? given.storedEnd : undefined)
  if (end === undefined) {
    const sentence = `${about.server} holds no credential of this registration`
    return [bad('stored-credential', sentence, `Its owner stores one: ${upload}`, about)]
  }
  const when = showDistance(end, now)
  const ending = { ...about, end }
  const again = `Its owner stores a new one: ${upload}`
  if (end <= now) {
    const sentence = `the credential that is stored on ${about.server} expired ${when}`
    return [bad('stored-credential', sentence, again, ending)]
  }
  const sentence = `the credential that is stored on ${about.server} ends ${when}`
  if (end - now < registration.myproxySafeSeconds) {
    return [doubtful('stored-credential', sentence, again, ending)]
  }
  return [good('stored-credential', sentence, ending)]
}

/** A server that cannot be reached has a finding of its own. */
function ofFailedInfo(error: VoboxError, upload: string, about: About): Finding[] {
  if (isVoboxError(error, 'ALL_SERVERS_FAILED')) {
    return [skipped('stored-credential', `${about.server} could not be asked`, about)]
  }
  const finding = failed('stored-credential', error, about)
  if (!isVoboxError(error, 'MYPROXY_NO_CREDENTIAL')) return [finding]
  const sentence = `${about.server} holds no credential of this registration`
  return [{ ...finding, sentence, cure: `Its owner stores one: ${upload}` }]
}

function judgeGiven({ given, stored }: ServerTrial, rules: TrialRules, about: About): Finding[] {
  if (given === undefined) {
    return [skipped('renewer', 'no renewal was tried without a machine proxy', about)]
  }
  if ('error' in given) {
    if (isVoboxError(given.error, 'ALL_SERVERS_FAILED')) {
      return [skipped('renewer', `${about.server} could not be asked`, about)]
    }
    const facts = {
      registration: servedBy(rules.registration, about.server),
      ...(rules.machineDn !== undefined && { machineDn: rules.machineDn }),
      stored: stored !== undefined && 'end' in stored ? stored : {},
    }
    return [failed('renewer', explainRefusal(given.error, facts), about)]
  }
  const { facts } = given
  const more = rules.registration.voms.length > 0 ? 1 : 0
  return [
    good('renewer', `${about.server} lets this machine renew it${way(rules)}`, about),
    judgeLifetime(given, rules, about),
    ...judgeDepth(facts, more, rules.maxDelegationDepth, about),
    ...judgeCarried(facts, rules, about),
  ]
}

const way = ({ registration }: TrialRules) =>
  registration.passPhraseFile === undefined ? '' : ' by pass phrase'

/** Asking for far more than anybody has shows the most that is to be had: the `-t` of the upload. */
function judgeLifetime(given: GivenProxy, rules: TrialRules, about: About): Finding {
  const { registration, grants, now } = rules
  const { lifetimeSeconds: askedSeconds, fileName } = registration
  const server = about.server ?? ''
  const grantedSeconds = Math.min(askedSeconds, given.seconds)
  const limit = limitOfGrant({
    askedSeconds,
    grantedSeconds,
    probedSeconds: given.seconds,
    storedLeftSeconds: given.storedEnd - now,
    longestFromServerSeconds: grants.longestSeconds(server) ?? 0,
    othersWithSame: grants.othersWithSame(server, fileName, given.seconds),
  })
  const most = showDuration(given.seconds)
  if (limit === undefined) {
    const asked = showDuration(askedSeconds)
    return good(
      'lifetime',
      `${server} gives proxies of up to ${most}, where ${asked} are asked for`,
      about,
    )
  }
  const { message, hint } = explainGrant(
    { askedSeconds, grantedSeconds, limit },
    servedBy(registration, server),
  )
  return doubtful('lifetime', message, hint, about)
}

/** A credential that was uploaded with VOMS attributes keeps them while they expire. */
function judgeCarried(
  { acBytes }: ChainFacts,
  { registration }: TrialRules,
  about: About,
): Finding[] {
  if (acBytes === undefined) return []
  const sentence = `the credential that is stored on ${about.server} carries VOMS attributes of its own, which narrow those that are asked for`
  const upload = uploadCommand(servedBy(registration, about.server))
  const cure = `Its owner stores it again without VOMS attributes, from the user certificate: ${upload}`
  return [
    { ...bad('stored-credential', sentence, cure, about), code: 'CREDENTIAL_CARRIES_ATTRIBUTES' },
  ]
}

/** Whether it does not matter which of the servers answers. */
function judgeAlike(trials: readonly ServerTrial[], { registration, now }: TrialRules): Finding[] {
  const { identity, fileName } = registration
  const about = { identity, fileName }
  const answering = trials.filter(({ stored }) => stored !== undefined && 'end' in stored)
  if (answering.length < 2) return []
  const differences = [
    differenceIn(
      answering,
      storedEndOf,
      (a, b) => Math.abs(a - b) <= SAME_UPLOAD_SECONDS,
      (end) => `a credential that ends ${showDistance(end, now)}`,
    ),
    differenceIn(
      answering,
      secondsOf,
      sameGrant,
      (seconds) => `proxies of up to ${showDuration(seconds)}`,
    ),
    differenceIn(
      answering,
      renewerOf,
      (a, b) => a === b,
      (renewer) => (renewer === '' ? 'no renewer named' : `the renewer ${printable(renewer)}`),
    ),
  ].flatMap((difference) => difference ?? [])
  if (differences.length === 0) {
    return [good('alike', `its ${answering.length} MyProxy servers are alike`, about)]
  }
  const cure = 'Its owner stores the credential anew on each of them, with the same options'
  return differences.map((sentence) => doubtful('alike', sentence, cure, about))
}

const storedEndOf = ({ stored }: ServerTrial) =>
  stored !== undefined && 'end' in stored ? stored.end : undefined
const secondsOf = ({ given }: ServerTrial) =>
  given !== undefined && 'facts' in given ? given.seconds : undefined
const renewerOf = ({ stored }: ServerTrial) =>
  stored !== undefined && 'end' in stored ? (stored.renewer ?? '') : undefined

/** What the first server has and another has otherwise, as a sentence. */
function differenceIn<T>(
  trials: readonly ServerTrial[],
  read: (trial: ServerTrial) => T | undefined,
  same: (one: T, other: T) => boolean,
  show: (value: T) => string,
): string | undefined {
  const known = trials.flatMap((trial) => {
    const value = read(trial)
    return value === undefined ? [] : [{ server: showServer(trial.server), value }]
  })
  const [first, ...others] = known
  const other = others.find(({ value }) => first !== undefined && !same(first.value, value))
  if (first === undefined || other === undefined) return undefined
  return `${first.server} has ${show(first.value)}, and ${other.server} has ${show(other.value)}`
}
