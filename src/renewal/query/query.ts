/**
 * What a person wants to know about registrations: how long each still works, when it is renewed
 * next and why then, and what went wrong. The decision is the service's own (`decide-renewal`), so
 * that what is shown here is what will be done.
 */
import pLimit from 'p-limit'
import { toVoboxError, type VoboxError } from '../../errors.js'
import type { UnixSeconds } from '../../ports/clock.js'
import type { Registration, RegistrationState } from '../../registry/registration.js'
import {
  type StoredCredentialKnowledge,
  storedCredentialOf,
  storedSecondsLeft,
} from '../../registry/stored-credential.js'
import { namingFile } from '../../repository/naming-file.js'
import type { AttributeReport } from '../../voms/attribute-report.js'
import type { RenewalContext } from '../context.js'
import type { RenewalDecision } from '../decide-renewal.js'
import { explainGrant } from '../grant.js'
import { decideFor, type ProxyTimes, timesOf } from '../proxy-facts.js'
import { type AttributeJudge, lookAtAttributes } from './look-at-attributes.js'
import { secondsLeft } from './query-blocks.js'
import { glanceAtFacts, readingOf } from './query-glance.js'

export interface QueryRow {
  registration: Registration
  state: RegistrationState
  /** Full path of the proxy file. */
  file: string
  /** How many jobs share it; absent: it is no job proxy, but a registration of the VO-Box. */
  jobs?: number | undefined
  /** The proxy in the file, or why there is none to speak of. */
  proxy: { times: ProxyTimes; secondsLeft: number } | { problem: VoboxError }
  /** What the proxy carries, judged at this moment; empty: none, or there is no proxy. */
  attributes: readonly AttributeReport[]
  /** What is known of the stored credential, and the seconds left of it. */
  stored: StoredCredentialKnowledge
  storedSecondsLeft: number | undefined
  /** Why the last renewal got less than it asked for, where it did. */
  grantNote: { message: string; hint: string } | undefined
  /** What the service does next; undefined: nothing, since the file cannot be used. */
  next: RenewalDecision | undefined
  /** When this was looked at. */
  at: UnixSeconds
}

export type QueryContext = Pick<RenewalContext, 'registry' | 'repository' | 'config' | 'clock'> & {
  judge: AttributeJudge
  /** How many jobs share a proxy; undefined for one that is no job proxy. Absent: there are none. */
  jobsOf?(fileName: string): number | undefined
}

/** Files are read side by side, this many at once. */
const READS_AT_ONCE = 32

/** Rows in the order of the registrations. Never rejects for a file that cannot be read. */
export async function queryRows(
  context: QueryContext,
  registrations: readonly Registration[],
): Promise<QueryRow[]> {
  const limit = pLimit(READS_AT_ONCE)
  const parse = readingOf(registrations.length)
  return Promise.all(registrations.map((one) => limit(() => queryRow(context, one, parse))))
}

async function queryRow(
  context: QueryContext,
  registration: Registration,
  parse: ReturnType<typeof readingOf>,
): Promise<QueryRow> {
  const { registry, repository, config, clock } = context
  const { fileName } = registration
  const state = await registry.state(fileName)
  const at = clock.now()
  const stored = storedCredentialOf(state)
  const row = {
    registration,
    state,
    file: repository.path(fileName),
    jobs: context.jobsOf?.(fileName),
    stored,
    storedSecondsLeft: storedSecondsLeft(stored, at),
    grantNote: state.shortGrant && explainGrant(state.shortGrant, registration),
    at,
  }
  try {
    const { bytes, facts } = await repository.readBytes(fileName)
    const chain = namingFile(row.file, () => glanceAtFacts(bytes, parse))
    const times = timesOf(chain, facts)
    const proxy = { times, secondsLeft: secondsLeft(times.end, at) }
    const attributes = await lookAtAttributes(chain, context.judge, at)
    const next = decideFor(registration, state, times, config, at)
    return { ...row, proxy, attributes, next }
  } catch (error) {
    return { ...row, proxy: { problem: toVoboxError(error) }, attributes: [], next: undefined }
  }
}
