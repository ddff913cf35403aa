/**
 * Why a renewal granted less than it asked for. This mistake has bitten every site: a credential that
 * was uploaded without `-t 48` yields twelve hours, and nobody reports an error.
 *
 * The MyProxy protocol does not say. A server grants the least of what is asked, of what was stored
 * with `-t`, of its own cap and of what is left of the stored credential. The last can be seen in the
 * chain; the first is ruled out by asking for far more and getting the same. Between `-t` and the cap
 * only comparison decides: a server that has given more to anybody has no lower cap. Pure.
 */

import { uploadCommand } from '../registry/cure-commands.js'
import { isJobFile } from '../registry/job-file-name.js'
import type { GrantLimit, Registration } from '../registry/registration.js'

/** Differences up to this much are rounding and time in flight, in seconds. */
const TOLERANCE_SECONDS = 120

/** What every client stores that is given no `-t`. */
const DEFAULT_STORED_SECONDS = 12 * 3600

export interface GrantFacts {
  askedSeconds: number
  grantedSeconds: number
  /** What is left of the stored credential: the chain above the leaf. */
  storedLeftSeconds: number
  /** What was granted when far more was asked for; absent: not probed, or the probe failed. */
  probedSeconds?: number
  /** The longest lifetime that this server is known to have granted to anybody. */
  longestFromServerSeconds?: number
  /** Others, with other owners, to whom this server grants the same, and nobody more. */
  othersWithSame?: number
}

/** Whether so much less was granted that it must be said. */
export function isShortGrant(askedSeconds: number, grantedSeconds: number): boolean {
  // A lifetime of seconds, as tests have it, must not vanish in the tolerance.
  return grantedSeconds < askedSeconds - Math.min(TOLERANCE_SECONDS, askedSeconds / 20)
}

/** Undefined when nothing is short. */
export function limitOfGrant(facts: GrantFacts): GrantLimit | undefined {
  const { askedSeconds, grantedSeconds, probedSeconds } = facts
  if (!isShortGrant(askedSeconds, grantedSeconds)) return undefined
  if (sameGrant(facts.storedLeftSeconds, grantedSeconds)) return 'stored-credential-ends'
  const longest = facts.longestFromServerSeconds ?? 0
  if (longest > grantedSeconds && !sameGrant(longest, grantedSeconds)) return 'stored-lifetime'
  if (probedSeconds !== undefined && !sameGrant(probedSeconds, grantedSeconds)) return 'unknown'
  if (sameGrant(grantedSeconds, DEFAULT_STORED_SECONDS)) return 'stored-lifetime'
  if (probedSeconds === undefined) return 'unknown'
  return (facts.othersWithSame ?? 0) > 0 ? 'server-cap' : 'stored-lifetime'
}

export function sameGrant(one: number, other: number): boolean {
  return Math.abs(one - other) <= Math.min(TOLERANCE_SECONDS, other / 20)
}

/** What a short grant means, in one sentence, and what to do about it. */
export function explainGrant(
  grant: { askedSeconds: number; grantedSeconds: number; limit: GrantLimit },
  registration: Registration,
): { message: string; hint: string } {
  const asked = showHours(grant.askedSeconds)
  const granted = showHours(grant.grantedSeconds)
  const upload = uploadCommand(registration)
  const less = isJobFile(registration.fileName)
    ? 'set jobs.lifetime_seconds lower'
    : 'register with a lower -t'
  switch (grant.limit) {
    case 'stored-lifetime':
      return {
        message: `asked for ${asked} and got ${granted}, because the credential was stored with a shorter -t`,
        hint: `Its owner stores it again: ${upload}`,
      }
    case 'stored-credential-ends':
      return {
        message: `asked for ${asked} and got ${granted}, because the stored credential itself ends then`,
        hint: `Its owner stores a new one: ${upload}`,
      }
    case 'secondary-behind':
      return {
        message: `asked for ${asked} and got ${granted}, because the server that stands in for ${registration.servers[0]} holds an older credential, which ends then`,
        hint: 'It passes when that one answers again; if it lasts, ask the manager of the MyProxy servers why the copy is old',
      }
    case 'server-cap':
      return {
        message: `asked for ${asked} and got ${granted}, which is all that the MyProxy server gives to anybody`,
        hint: `Ask the manager of the MyProxy server for a higher max_proxy_lifetime, or ${less}`,
      }
    case 'attributes':
      return {
        message: `asked for ${asked} and got ${granted}, because VOMS gives its attributes for no longer`,
        hint: `Ask the manager of the VOMS server for a longer lifetime of attributes, or ${less}`,
      }
    case 'unknown':
      return {
        message: `asked for ${asked} and got ${granted}, and the MyProxy server did not say why`,
        hint: `If it lasts, its owner stores the credential again: ${upload}`,
      }
  }
}

/** `48 h`, `11.5 h`, below an hour `30 min`, below a minute `45 s`. */
function showHours(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`
  return `${Math.round(seconds / 360) / 10} h`
}
