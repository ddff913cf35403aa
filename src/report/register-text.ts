/** What `register` and `unregister` did, for people and as JSON. */
import { printable } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import { showDistance, showDuration, showInstant } from '../ports/time-text.js'
import type {
  RegisterResult,
  StoredCredentialCheck,
  UnregisterResult,
} from '../renewal/registering/register-request.js'
import { encodeDocument } from './query-json.js'

const OUTCOMES: Record<RegisterResult['outcome'], string> = {
  registered: 'registered',
  updated: 'updated the registration of',
  replaced: 'took over the registration for',
}

/** Callers look for the word "successfully" in the first line. */
export function showRegistered(result: RegisterResult, now: UnixSeconds): string {
  const { registration, file, proxyEnd, stored } = result
  const { identity, lifetimeSeconds, refreshSeconds, email, servers, voms, passPhraseFile } =
    registration
  const rhythm =
    refreshSeconds === null ? 'when two thirds are over' : `every ${showDuration(refreshSeconds)}`
  const lines = [
    `successfully ${OUTCOMES[result.outcome]} ${printable(identity)}`,
    `  proxy    ${file}, ends ${momentOf(proxyEnd, now)}`,
    `  renewal  ${rhythm} for ${showDuration(lifetimeSeconds)} from ${servers.map((s) => printable(s)).join(', ')}`,
    ...(passPhraseFile === undefined
      ? []
      : [`  by       the pass phrase in ${printable(passPhraseFile)}`]),
    `  voms     ${voms.map((one) => printable(one)).join(', ') || 'none: a plain proxy'}`,
    ...(stored === undefined
      ? []
      : [`  stored   on ${stored.server}, ends ${momentOf(stored.end, now)}${seenIn(stored)}`]),
    `  mail     ${email === null ? 'none: --email gives an address' : printable(email)}`,
  ]
  return `${lines.join('\n')}\n`
}

export function showUnregistered({ registration, file, fileRemoved }: UnregisterResult): string {
  const removed = fileRemoved ? `removed ${file}` : `there was no ${file}`
  const { identity, passPhraseFile } = registration
  const left =
    passPhraseFile === undefined
      ? ''
      : `  left     ${printable(passPhraseFile)}: remove it if nothing else needs the pass phrase\n`
  return `successfully unregistered ${printable(identity)}\n  proxy    ${removed}\n${left}`
}

/** Something that worked and that the person should know all the same. */
export interface Warning {
  message: string
  hint?: string | undefined
}

/** A warning for stderr, its cure below it. */
export function showWarning(program: string, { message, hint }: Warning): string {
  const cure = hint === undefined ? '' : `  ${printable(hint)}\n`
  return `${program}: warning: ${printable(message)}\n${cure}`
}

export function encodeRegistered(vo: string, result: RegisterResult): string {
  const { identityDer: _bytes, ...registration } = result.registration
  const { outcome, file, proxy, proxyEnd, stored = null, warnings } = result
  return encodeDocument({ vo, outcome, registration, file, proxy, proxyEnd, stored, warnings })
}

export function encodeUnregistered(vo: string, result: readonly UnregisterResult[]): string {
  const unregistered = result.map(({ registration, file, fileRemoved }) => ({
    identity: registration.identity,
    fileName: registration.fileName,
    file,
    fileRemoved,
    passPhraseFile: registration.passPhraseFile ?? null,
  }))
  return encodeDocument({ vo, unregistered })
}

const seenIn = ({ from }: StoredCredentialCheck) =>
  from === 'info' ? '' : ', as the trial renewal shows: the server does not answer INFO'

function momentOf(at: UnixSeconds, now: UnixSeconds): string {
  return `${showInstant(at)} (${showDistance(at, now)})`
}
