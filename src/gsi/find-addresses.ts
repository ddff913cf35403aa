/** The addresses of a server, with an end to the wait for them. */
import { VoboxError } from '../errors.js'
import { withDeadline } from '../ports/deadline.js'
import type { Address } from '../ports/dialer.js'
import type { GsiContext } from './context.js'
import { paced } from './paced.js'

/** Most addresses tried of one name: whoever has more made a mistake, or wants us held up. */
export const MAX_ADDRESSES = 16

/**
 * All addresses of `host`, in the resolver's order, within the context's `connectMs`.
 *
 * @param othersFollow whether another server can be asked instead, which shortens the wait for a name
 *   service that is known not to answer; default false.
 * @throws VoboxError `NAME_NOT_RESOLVED`, `DEADLINE_EXCEEDED`.
 */
export function findAddresses(
  context: GsiContext,
  host: string,
  signal: AbortSignal | undefined,
  othersFollow = false,
): Promise<readonly Address[]> {
  return paced<readonly Address[]>(context, {
    key: `the name service for ${host}`,
    othersFollow,
    signal,
    run(pace, signal) {
      pace.begin('name')
      const ms = pace.deadlineMs('name')
      const { clock, dialer } = context
      return withDeadline(
        clock,
        ms,
        signal,
        () => tooSlow(host, ms),
        (inner) => dialer.resolve(host, inner),
      )
    },
    letGo: () => undefined,
  })
}

function tooSlow(host: string, deadlineMs: number): VoboxError {
  return new VoboxError(
    'DEADLINE_EXCEEDED',
    `no address of ${host} within ${deadlineMs / 1000} s`,
    {
      data: { host, deadlineMs },
      hint: 'Check this host’s name service',
    },
  )
}
