/** Renewing on request: what is due now, or whatever is asked for, with a word after each. */
import pLimit, { type LimitFunction } from 'p-limit'
import { toVoboxError } from '../errors.js'
import type { Registration } from '../registry/registration.js'
import type { RenewalContext } from './context.js'
import { laneOf } from './lane-of.js'
import type { RenewalOutcome } from './outcome.js'
import { renewOne } from './renew-one.js'

export interface RenewNowOptions {
  /** Renew though it is not due, and accept an end that is not later. */
  force: boolean
  signal?: AbortSignal
  /** Called as soon as each is done. */
  onDone?: (done: RenewedNow) => void
}

export interface RenewedNow {
  registration: Registration
  outcome: RenewalOutcome
}

/**
 * Renews registrations side by side, within the bounds that the service keeps too. A person who asks
 * does so because a cause may be gone: no pause after a failure is waited out.
 *
 * @returns outcomes in the order of the registrations. Never rejects for a failed renewal.
 */
export async function renewNow(
  context: RenewalContext,
  registrations: readonly Registration[],
  options: RenewNowOptions,
): Promise<RenewedNow[]> {
  const { workers, workersPerServer } = context.config.renewal
  const overall = pLimit(workers)
  const perServer = new Map<string, LimitFunction>()
  const limitOf = (registration: Registration) => {
    const lane = laneOf(context, registration)
    const limit = perServer.get(lane) ?? pLimit(workersPerServer)
    perServer.set(lane, limit)
    return limit
  }
  return Promise.all(
    registrations.map((registration) =>
      limitOf(registration)(() =>
        overall(async () => {
          const done = { registration, outcome: await renew(context, registration, options) }
          options.onDone?.(done)
          return done
        }),
      ),
    ),
  )
}

async function renew(
  context: RenewalContext,
  { fileName }: Registration,
  { force, signal }: RenewNowOptions,
): Promise<RenewalOutcome> {
  const renewal = { force, evenIfBackingOff: true, ...(signal && { signal }) }
  try {
    return await renewOne(context, fileName, renewal)
  } catch (error) {
    const retryAt = context.clock.now()
    return { kind: 'failed', error: toVoboxError(error), retryAt }
  }
}
