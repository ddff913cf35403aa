/**
 * Replication as the C `myproxy-replicate` does it from cron: the primary hands what it stores, and
 * what was removed, to each of its `slave_servers`, as their only depositor. Secondaries then serve
 * what needs no owner (renewal, retrieval) while the primary is down.
 *
 * Unlike there, each secondary has a state of its own and they are served side by side; what is sent
 * is decided by fingerprints, so that no change falls between two runs; and what lags is said.
 */
import type { ReplicaStates } from './replica-states.js'
import { type ReplicationDeps, replicateTo, type SecondaryReport } from './replicate-to.js'
import type { ReplicaName, WithheldReason } from './replicated.js'
import type { Secondary } from './secondary.js'
import { type Broken, takeSnapshot } from './snapshot.js'

export interface Withheld extends ReplicaName {
  reason: WithheldReason
}

export interface ReplicationReport {
  /** In the order of the configuration. */
  secondaries: readonly SecondaryReport[]
  /** What the primary has. */
  credentials: number
  /** What it does not hand on. */
  withheld: readonly Withheld[]
  /** What it has and cannot read; what was handed on before stays where it is. */
  broken: readonly Broken[]
}

export interface ReplicateDeps extends Omit<ReplicationDeps, 'states'> {
  states: ReplicaStates
}

/**
 * One run. A secondary that fails is in the report; the others are not held up.
 *
 * @throws `LOCK_TIMEOUT` when another run is under way; what reading the repository throws.
 */
export async function replicate(
  secondaries: readonly Secondary[],
  deps: ReplicateDeps,
): Promise<ReplicationReport> {
  const lock = await deps.states.lock()
  try {
    const snapshot = await takeSnapshot(deps.source, deps.clock.now())
    const reports = await Promise.all(
      secondaries.map((secondary) => replicateTo(secondary, snapshot, deps)),
    )
    return {
      secondaries: reports,
      credentials: snapshot.present.size + snapshot.broken.length,
      withheld: [...snapshot.present.values()].flatMap(({ username, name, withheld }) =>
        withheld === undefined ? [] : [{ username, name, reason: withheld }],
      ),
      broken: snapshot.broken,
    }
  } finally {
    await lock.release()
  }
}
