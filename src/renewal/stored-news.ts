/**
 * What a look at a stored credential changes of what is known of it. Pure.
 *
 * Two looks there are: INFO, the server's own answer, and the chain of what it delegates. And a list of
 * servers may hold the same credential in two ages: a secondary is often behind its primary. What a
 * primary was seen to hold is what counts, for it is what its owner stored last; that a secondary
 * stands in for it with less is said, and is no reason to ask anybody for an upload.
 */
import { type ErrorCode, VoboxError } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import { showInstant } from '../ports/time-text.js'
import type {
  BehindServer,
  Registration,
  RegistrationState,
  StoredEnd,
} from '../registry/registration.js'

/** Ends that differ by less were stored in one go, in seconds. */
export const SAME_UPLOAD_SECONDS = 3600

/** Ends that differ by less are one: INFO and chain round in their own ways. */
const SAME_END_SECONDS = 120

type Servers = Pick<Registration, 'servers'>

/** One look: where what `server` holds ends. */
export type StoredSight = Required<StoredEnd>

/** Changed by a look; the rest of a state is none of its business. */
type Known = Pick<RegistrationState, 'storedEnd' | 'infoFailure' | 'behind'>

/** What is known after a look. Whatever was said of a loss before is over. */
export function knownAfter(
  registration: Servers,
  state: RegistrationState,
  sight: StoredSight,
): Known {
  const { storedEnd, infoFailure } = state
  const refused = sight.from === 'chain' && infoFailure !== undefined ? { infoFailure } : {}
  const behind = behindOf(registration, state, sight)
  if (behind !== undefined) return { ...refused, ...(storedEnd && { storedEnd }), behind }
  return { ...refused, storedEnd: confirmed(storedEnd, sight) ? storedEnd : sight }
}

/** A chain that shows what the server itself has said adds nothing, and must not hide who said it. */
function confirmed(known: StoredEnd | undefined, sight: StoredSight): known is StoredEnd {
  if (known?.from !== 'info' || sight.from === 'info' || known.server !== sight.server) return false
  return Math.abs(known.at - sight.at) <= SAME_END_SECONDS
}

function behindOf(
  registration: Servers,
  { storedEnd, renewedFrom }: RegistrationState,
  { server, at: end, learnedAt: now }: StoredSight,
): BehindServer | undefined {
  const before = storedEnd?.server ?? renewedFrom
  if (storedEnd === undefined || before === undefined || storedEnd.at <= now) return undefined
  if (rankOf(registration, server) <= rankOf(registration, before)) return undefined
  if (storedEnd.at - end <= SAME_UPLOAD_SECONDS) return undefined
  return { server, end, ahead: { server: before, end: storedEnd.at } }
}

/** Place of a server, `host:port` and what may stand behind it, in the list; 0 of one that is not there. */
function rankOf({ servers }: Servers, server: string): number {
  const [label = ''] = server.split(' ', 1)
  return Math.max(
    0,
    servers.findIndex((one) => label === one || label.startsWith(`${one}:`)),
  )
}

/** Whether an answer is of a server that is asked only because those before it cannot be reached. */
export function standsIn(registration: Servers, server: unknown): boolean {
  return typeof server === 'string' && rankOf(registration, server) > 0
}

/** What a copy that is behind makes a server say; the first server may do better any minute. */
const OF_OLD_COPY: readonly ErrorCode[] = ['MYPROXY_NO_CREDENTIAL', 'MYPROXY_CREDENTIAL_EXPIRED']

/** The same failure of a server that stands in for the first one: it will pass. */
export function ofStandIn(error: VoboxError, registration: Servers): VoboxError {
  const { code, message, hint, data, cause } = error
  if (!code.startsWith('MYPROXY_') || !standsIn(registration, data.peer)) return error
  const first = registration.servers[0]
  const passes = `It passes when ${first} answers again`
  return new VoboxError(code, `${first} cannot be reached, and ${message}`, {
    hint: OF_OLD_COPY.includes(code)
      ? `${passes}; if it lasts, ask the manager of the MyProxy servers why the copy is old`
      : hint,
    data: { ...data, standsInFor: first },
    persistence: 'transient',
    cause,
  })
}

/** That a server stands in with less, in one sentence, and what to do about it. */
export function explainBehind({ server, end, ahead }: BehindServer): {
  message: string
  hint: string
} {
  return {
    message:
      `renewed from ${server}, whose stored credential ends ${showInstant(end, 'minute')} and is ` +
      `older than that of ${ahead.server}, which ends ${showInstant(ahead.end, 'minute')}`,
    hint:
      `It passes when ${ahead.server} answers again; if it lasts, ask the manager of the MyProxy ` +
      'servers why the copy is old',
  }
}

/** Where a chain shows that it ends. */
export function sightOfChain(server: string, at: UnixSeconds, now: UnixSeconds): StoredSight {
  return { at, learnedAt: now, from: 'chain', server }
}
