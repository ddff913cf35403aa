/**
 * `myproxy info`: what is stored under a name.
 *
 * The text has the lines of `myproxy-info`, each at its place: scripts cut them at their colons. What
 * we say beyond them comes last in the block of a credential.
 */
import { printable } from '../errors.js'
import type { StoredCredential } from '../myproxy/response.js'
import type { UnixSeconds } from '../ports/clock.js'
import { showDistance, showDuration, showInstant } from '../ports/time-text.js'
import { accessOf, showAccess } from './myproxy-access-words.js'
import { encodeDocument } from './query-json.js'
import { showTable } from './table.js'

export interface MyProxyInfo {
  /** `host:port`. */
  server: string
  username: string
  credentials: readonly StoredCredential[]
  /** When the server was asked. */
  now: UnixSeconds
}

/** @param terse the lines of `myproxy-info` alone. */
export function showMyProxyInfo(
  { username, credentials, now }: MyProxyInfo,
  terse = false,
): string {
  const blocks = credentials.flatMap((credential) => [
    ...classicLines(credential, now),
    ...(terse ? [] : furtherLines(credential, now)),
  ])
  return [`username: ${printable(username)}`, ...blocks, ''].join('\n')
}

type Line = readonly [label: string, value: string | undefined]

/** As `myproxy-info` of MyProxy 6.2 prints them. */
function classicLines(credential: StoredCredential, now: UnixSeconds): string[] {
  const lines: Line[] = [
    ['name', credential.name],
    ['description', credential.description],
    ['retrieval policy', credential.retriever],
    ['renewal policy', credential.renewer],
    ['key retrieval policy', credential.keyRetriever],
    ['trusted retrieval policy', credential.trustedRetriever],
    ['locked', credential.lockMessage],
    ['timeleft', timeLeft(credential.end - now)],
  ]
  return [`owner: ${printable(credential.owner)}`, ...indented(lines)]
}

function furtherLines(credential: StoredCredential, now: UnixSeconds): string[] {
  const { end } = credential
  return indented([
    ['ends', `${showInstant(end)} (${showDistance(end, now)})`],
    ['access', showAccess(credential)],
  ])
}

function indented(lines: readonly Line[]): string[] {
  return lines.flatMap(([label, value]) =>
    value === undefined || value === '' ? [] : [`  ${label}: ${printable(value)}`],
  )
}

const DAY_SECONDS = 86_400

/** `167:59:57  (7.0 days)`; the days only above one. */
function timeLeft(seconds: number): string {
  const left = Math.max(0, seconds)
  const two = (value: number) => String(Math.floor(value)).padStart(2, '0')
  const clock = `${Math.floor(left / 3600)}:${two((left % 3600) / 60)}:${two(left % 60)}`
  return left > DAY_SECONDS ? `${clock}  (${(left / DAY_SECONDS).toFixed(1)} days)` : clock
}

const HEADING = ['NAME', 'LEFT', 'ENDS', 'DESCRIPTION', 'ACCESS']

/** What a person looks for first comes first; trouble stands below its row. */
export function showMyProxyTable({ credentials, now }: MyProxyInfo): string {
  const rows = credentials.map(({ end, name, description, ...policies }) => [
    name === undefined ? '(default)' : printable(name),
    end > now ? showDuration(end - now) : 'expired',
    showInstant(end, 'minute'),
    printable(description ?? ''),
    showAccess(policies),
  ])
  const [heading = '', ...lines] = showTable(HEADING, rows).trimEnd().split('\n')
  const body = credentials.flatMap(({ lockMessage }, index) => [
    lines[index] ?? '',
    ...(lockMessage === undefined ? [] : [`  ! locked: ${printable(lockMessage)}`]),
  ])
  return [heading, ...body, ''].join('\n')
}

export function encodeMyProxyInfo({ server, username, credentials, now }: MyProxyInfo): string {
  return encodeDocument({
    server,
    username,
    credentials: credentials.map((credential) => storedFields(credential, now)),
  })
}

/** A stored credential in JSON. */
export function storedFields(credential: StoredCredential, now: UnixSeconds) {
  const { name = null, owner, start, end, description = null, lockMessage = null } = credential
  return {
    name,
    owner,
    start,
    end,
    secondsLeft: Math.max(0, end - now),
    description,
    lockMessage,
    access: accessOf(credential),
  }
}
