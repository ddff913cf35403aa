/** Probes run side by side, each with a deadline of its own: one dead server delays nobody. */
import pLimit from 'p-limit'
import { VoboxError } from '../../errors.js'
import type { Clock } from '../../ports/clock.js'
import { withDeadline } from '../../ports/deadline.js'
import { type About, type CheckName, type Finding, failed } from './finding.js'

/** What was seen, to be judged once everything has been looked at: one look may explain another. */
export type Seen = () => readonly Finding[]

export interface Probe {
  check: CheckName
  about?: About
  /** Rejects for what it did not expect; that becomes a finding too. */
  look(signal: AbortSignal): Promise<Seen>
}

export interface ProbeRun {
  clock: Clock
  /** For each probe, in milliseconds, counted from when it begins. */
  deadlineMs: number
  /** How many look at once. */
  atOnce: number
  signal?: AbortSignal | undefined
  /** Called after each. */
  onDone?: ((done: number, all: number) => void) | undefined
}

/**
 * What all found, in the order of the probes.
 *
 * @throws `signal.reason` when aborted, and nothing else.
 */
export async function runProbes(probes: readonly Probe[], run: ProbeRun): Promise<Finding[]> {
  const limit = pLimit(run.atOnce)
  let done = 0
  const seen = await Promise.all(
    probes.map((probe) =>
      limit(async () => {
        const found = await lookOnce(probe, run)
        done += 1
        run.onDone?.(done, probes.length)
        return found
      }),
    ),
  )
  return seen.flatMap((judge) => judge())
}

async function lookOnce(
  { check, about, look }: Probe,
  { clock, deadlineMs, signal }: ProbeRun,
): Promise<Seen> {
  const late = () =>
    new VoboxError('DEADLINE_EXCEEDED', `there was no answer within ${deadlineMs / 1000} s`, {
      data: { deadlineMs },
    })
  try {
    return await withDeadline(clock, deadlineMs, signal, late, look)
  } catch (error) {
    signal?.throwIfAborted()
    return () => [failed(check, error, about)]
  }
}
