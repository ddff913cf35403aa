/** What a renewal is asked, what becomes of it, and what is known on the way. */
import type { VoboxError } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import type { BehindServer, Registration, RegistrationState } from '../registry/registration.js'
import type { RenewalDecision } from './decide-renewal.js'

export type ShortGrant = NonNullable<RegistrationState['shortGrant']>

export interface RenewOptions {
  /** Renew though it is not due, and accept an end that is not later. */
  force?: boolean
  /** Try though a back-off from an earlier failure has not ended: its cause may be gone. */
  evenIfBackingOff?: boolean
  signal?: AbortSignal
}

export type RenewalOutcome =
  | {
      kind: 'renewed'
      end: UnixSeconds
      server: string
      shortGrant?: ShortGrant
      /** It came from a server that is behind an earlier one. */
      behind?: BehindServer
      /** Registered attributes that it goes without. */
      missingAttributes?: readonly string[]
    }
  /** Nothing is wrong and nothing to gain: what we got ends at `end`, no later than what we have. */
  | { kind: 'capped'; end: UnixSeconds; server: string; retryAt: UnixSeconds }
  | { kind: 'not-due'; decision: RenewalDecision }
  | { kind: 'failed'; error: VoboxError; retryAt: UnixSeconds }
  /** Another process is at work on this registration. */
  | { kind: 'busy' }
  | { kind: 'not-registered' }
  /** The signal aborted; nothing was changed and nothing counted as a failure. */
  | { kind: 'cancelled' }

/** One attempt under its lease. */
export interface Attempt {
  registration: Registration
  state: RegistrationState
  options: RenewOptions
  /** Filled in as soon as it is known; what a failure needs to know about what can be lost. */
  currentEnd?: UnixSeconds
  /** When it can no longer authorise its renewal: `currentEnd` or later. */
  currentChainEnd?: UnixSeconds
  machineDn?: string
  /** So little is left that a failure is worth an alarm. */
  emergency?: boolean
}
