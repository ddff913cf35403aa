/**
 * A channel to one server: its addresses race for TCP, TLS and the right peer (RFC 8305), each with
 * deadlines of its own. What is known of the dead (see `circuit`) shortens those, where there is
 * another server to go on to; without one, patience is all that is left.
 */
import type { Address } from '../ports/dialer.js'
import type { AttemptLog, OpenAttempt } from './attempts.js'
import type { GsiContext } from './context.js'
import { type Pace, paced } from './paced.js'
import { type Entrant, OVERTAKEN, race } from './race.js'
import { isNotReached, namingPeer } from './reach-failures.js'
import {
  type ChannelTarget,
  openSecureChannel,
  type SecureChannel,
  targetLabel,
} from './secure-channel.js'
import type { ServerAddress } from './server-address.js'

/** How long an address is alone before the next one of the same server starts beside it. */
const HEAD_START_MS = 1000

export interface Opening {
  server: ServerAddress
  addresses: readonly Address[]
  /** All of the target but the address. */
  target: Omit<ChannelTarget, 'address' | 'deadlines' | 'opening' | 'onPhase'>
  /** Whether another server can be asked instead. */
  othersFollow: boolean
  /** By the clock's `monotonicMs`: nothing begins later. */
  lastStartMs: number
}

export interface Opened {
  channel: SecureChannel
  address: Address
  attempt: OpenAttempt
}

export interface OpeningResult {
  /** Absent: no address could be used. */
  opened?: Opened
  /** Those that can still be tried: neither failed nor opened. */
  left: readonly Address[]
}

/**
 * Opens the first address that answers, and closes what else was begun.
 *
 * @throws what is no matter of the address, such as `TRUST_ANCHORS_UNREADABLE`, `KEY_TOO_WEAK`;
 *   `signal.reason`.
 */
export async function openFirst(
  context: GsiContext,
  log: AttemptLog,
  opening: Opening,
): Promise<OpeningResult> {
  const { addresses, lastStartMs, target } = opening
  const entrants = addresses.map((address) => entrantOf(context, log, opening, address))
  const { winner, failed } = await race<Opened>(entrants, {
    clock: context.clock,
    signal: target.signal,
    lastStartMs,
    isFatal: (error) => !isNotReached(error),
    discard: ({ channel, attempt, address }) => {
      channel.close()
      attempt.end('overtaken', overtaken(targetLabel({ ...target, address })))
    },
  })
  const left = addresses.filter((_, at) => at !== winner?.at && !failed.has(at))
  return winner === undefined ? { left } : { opened: winner.value, left }
}

function entrantOf(
  context: GsiContext,
  log: AttemptLog,
  { server, target, othersFollow }: Opening,
  address: Address,
): Entrant<Opened> {
  const one: ChannelTarget = { ...target, address }
  const key = targetLabel(one)
  return {
    // Nobody waits behind the dead.
    headStartMs: context.circuit?.deadAt(key) === undefined ? HEAD_START_MS : 0,
    async run(signal) {
      const attempt = log.begin(server, address)
      try {
        const channel = await paced<SecureChannel>(context, {
          key,
          othersFollow,
          headStartMs: HEAD_START_MS,
          signal,
          run: (pace, opening) => openAtPace(context, { ...one, opening }, pace, attempt),
          letGo: (opened) => opened.close(),
        })
        attempt.phase = 'exchange'
        return { channel, address, attempt }
      } catch (thrown) {
        const error = namingPeer(thrown, key)
        if (signal.reason === OVERTAKEN) attempt.end('overtaken', overtaken(key))
        else if (!signal.aborted) attempt.fail(isNotReached(error) ? 'failed' : 'refused', error)
        throw error
      }
    },
  }
}

function openAtPace(
  context: GsiContext,
  target: ChannelTarget,
  pace: Pace,
  attempt: OpenAttempt,
): Promise<SecureChannel> {
  return openSecureChannel(context, {
    ...target,
    deadlines: { connectMs: pace.deadlineMs('connect'), tlsMs: pace.deadlineMs('tls') },
    onPhase(phase) {
      pace.begin(phase)
      attempt.phase = phase
    },
  })
}

const overtaken = (label: string) => `${label}: another address of it was quicker`
