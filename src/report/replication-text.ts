/** What a run of `myproxy-server replicate` did, and what lags: for people, for programs, for syslog. */
import { cureOf, printable, type VoboxError } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import type { JournalLevel } from '../ports/journal.js'
import { showDuration, showInstant } from '../ports/time-text.js'
import { encodeDocument } from './query-json.js'

/** A user's credential; without a name the default one. */
export interface NamedCredential {
  username: string
  name?: string | undefined
}

export interface FailedCredential extends NamedCredential {
  error: VoboxError
}

export interface ReplicatedSecondary {
  /** `host:port`. */
  server: string
  stored: number
  destroyed: number
  /** Credentials in which it differs from the primary. */
  behind: number
  behindSince: UnixSeconds | null
  /** When it was last seen to hold everything. */
  completeAt: UnixSeconds | null
  /** Why the run ended early there. */
  failure: VoboxError | null
  notReplicated: readonly FailedCredential[]
}

export interface Replicated {
  /** The repository of the primary. */
  directory: string
  now: UnixSeconds
  /** What it holds. */
  credentials: number
  secondaries: readonly ReplicatedSecondary[]
  withheld: readonly (NamedCredential & { reason: 'locked' | 'expired' | 'guarded-by-hash' })[]
  broken: readonly FailedCredential[]
}

type WithheldReason = Replicated['withheld'][number]['reason']

const WITHHELD: Readonly<Record<WithheldReason, string>> = {
  locked: 'its administrator locked it',
  expired: 'it has expired',
  'guarded-by-hash': 'a hash guards its plain key, which cannot be handed on',
}

/** Refusals shown of one secondary; the rest is counted. */
const MOST_SHOWN = 20

/** Whether a secondary lacks something, or nobody could tell. */
export function lags({ secondaries }: Pick<Replicated, 'secondaries'>): boolean {
  return secondaries.some((secondary) => !isUpToDate(secondary))
}

const isUpToDate = ({ behind, failure }: ReplicatedSecondary) => behind === 0 && failure === null

export function showReplicated(done: Replicated): string {
  return linesOf(done)
    .map(({ text }) => `${text}\n`)
    .join('')
}

/** The same as entries of a log: what lags is a warning. */
export function entriesOfReplicated(
  done: Replicated,
): { level: JournalLevel; event: string; message: string }[] {
  return linesOf(done).map(({ level, text }) => ({
    level,
    event: level === 'info' ? 'replicated' : 'replication-lags',
    message: text.trim(),
  }))
}

interface Line {
  level: JournalLevel
  text: string
}

function linesOf(done: Replicated): Line[] {
  const lines = done.secondaries.flatMap((secondary) => linesOfSecondary(secondary, done))
  if (done.secondaries.length === 0) {
    lines.push({ level: 'warn', text: 'there is no secondary: slave_servers is not configured' })
  }
  for (const { reason, ...name } of done.withheld) {
    lines.push({ level: 'info', text: `not handed on: ${nameOf(name)}: ${WITHHELD[reason]}` })
  }
  for (const { error, ...name } of done.broken) {
    const text = `not readable here: ${nameOf(name)}: ${printable(error.message)}`
    lines.push({ level: 'warn', text })
  }
  return lines
}

function linesOfSecondary(secondary: ReplicatedSecondary, { now }: Replicated): Line[] {
  const { server, stored, destroyed, behind, failure, notReplicated } = secondary
  const did = `${stored} stored, ${destroyed} removed`
  if (isUpToDate(secondary)) {
    return [{ level: 'info', text: `${printable(server)} is up to date: ${did}` }]
  }
  const what = behind === 0 ? 'is not known to be up to date' : behindWords(secondary, now)
  const lines: Line[] = [{ level: 'warn', text: `${printable(server)} ${what}; ${did}` }]
  const more = (text: string) => lines.push({ level: 'warn', text: `  ${printable(text, 2000)}` })
  if (failure !== null) {
    more(failure.message)
    const cure = cureOf(failure)
    if (cure !== undefined) more(cure)
  }
  for (const { error, ...name } of notReplicated.slice(0, MOST_SHOWN)) {
    more(`${nameOf(name)}: ${error.message}`)
  }
  const left = notReplicated.length - MOST_SHOWN
  if (left > 0) more(`and ${left} more, as --json shows`)
  return lines
}

function behindWords(
  { behind, behindSince, completeAt }: ReplicatedSecondary,
  now: UnixSeconds,
): string {
  const count = `${behind} credential${behind === 1 ? '' : 's'}`
  const lag = behindSince === null ? '' : ` for ${showDuration(now - behindSince)}`
  const last = completeAt === null ? 'never' : showInstant(completeAt, 'minute')
  return `lags in ${count}${lag}, up to date last: ${last}`
}

const nameOf = ({ username, name }: NamedCredential) =>
  printable(name === undefined ? username : `${username} '${name}'`, 300)

export function encodeReplicated(done: Replicated): string {
  const { directory, now, credentials, secondaries, withheld, broken } = done
  return encodeDocument({
    directory,
    at: now,
    credentials,
    secondaries: secondaries.map(({ failure, notReplicated, ...secondary }) => ({
      ...secondary,
      upToDate: isUpToDate({ ...secondary, failure, notReplicated }),
      lagSeconds: secondary.behindSince === null ? 0 : Math.max(0, now - secondary.behindSince),
      failure: failure && { ...reasonOf(failure), hint: cureOf(failure) ?? null },
      notReplicated: notReplicated.map(failedFields),
    })),
    withheld: withheld.map(({ reason, ...name }) => ({ ...fieldsOf(name), reason })),
    broken: broken.map(failedFields),
  })
}

const fieldsOf = ({ username, name }: NamedCredential) => ({
  username,
  credentialName: name ?? null,
})

const reasonOf = ({ code, message }: VoboxError) => ({ code, message: printable(message) })

const failedFields = ({ error, ...name }: FailedCredential) => ({
  ...fieldsOf(name),
  ...reasonOf(error),
})
