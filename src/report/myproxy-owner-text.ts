/** What `myproxy destroy` and `myproxy change-pass-phrase` did. The first line is as the C tools say it. */
import { printable } from '../errors.js'
import type { StoredCredential } from '../myproxy/response.js'
import type { UnixSeconds } from '../ports/clock.js'
import { showDistance, showInstant } from '../ports/time-text.js'
import { showAccess } from './myproxy-access-words.js'
import { storedFields } from './myproxy-info-text.js'
import { encodeDocument } from './query-json.js'

/** Which credential was meant, and on which server it is. */
export interface StoredPlace {
  /** `host:port`. */
  server: string
  username: string
  /** Null: the default credential. */
  credentialName: string | null
}

export interface Destroyed extends StoredPlace {
  /** As it was; null where the server did not show it. */
  gone: StoredCredential | null
  /** What this owner still has under the same name; null: not known. */
  remaining: readonly StoredCredential[] | null
  now: UnixSeconds
}

/** @param terse the line of `myproxy-destroy` alone. */
export function showDestroyed(destroyed: Destroyed, terse = false): string {
  const { username, credentialName, server, gone, remaining, now } = destroyed
  const what =
    credentialName === null
      ? 'Default MyProxy credential'
      : `MyProxy credential '${printable(credentialName)}'`
  const said = `${what} for user ${printable(username)} was successfully removed.`
  if (terse) return `${said}\n`
  const was = gone === null ? 'not known' : `${endOf(gone, now)}; ${showAccess(gone)}`
  const lines = [`  server   ${printable(server)}`, `  was      ${was}`]
  return [said, ...lines, `  remains  ${remainsOf(remaining, now)}`, ''].join('\n')
}

function remainsOf(remaining: Destroyed['remaining'], now: UnixSeconds): string {
  if (remaining === null) return 'not known'
  if (remaining.length === 0) return 'nothing under this name'
  return remaining.map((one) => `${nameOf(one)} (${endOf(one, now)})`).join(', ')
}

const nameOf = ({ name }: StoredCredential): string =>
  name === undefined ? 'the default credential' : `'${printable(name)}'`

function endOf({ end }: StoredCredential, now: UnixSeconds): string {
  return `${end > now ? 'ends' : 'ended'} ${showInstant(end, 'minute')} (${showDistance(end, now)})`
}

export function encodeDestroyed({ now, gone, remaining, ...place }: Destroyed): string {
  return encodeDocument({
    ...place,
    gone: gone && storedFields(gone, now),
    remaining: remaining?.map((one) => storedFields(one, now)) ?? null,
  })
}

/** @param terse the line of `myproxy-change-pass-phrase` alone. */
export function showPassPhraseChanged(place: StoredPlace, terse = false): string {
  const said = 'Pass phrase changed.\n'
  if (terse) return said
  const { username, credentialName, server } = place
  const which = credentialName === null ? 'the default credential' : `'${credentialName}'`
  return `${said}  of       ${printable(`${which} of ${username} on ${server}`)}\n`
}

export function encodePassPhraseChanged(place: StoredPlace): string {
  return encodeDocument({ ...place, changed: true })
}
