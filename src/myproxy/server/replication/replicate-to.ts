/**
 * One run for one secondary: what differs is sent, and what was sent is noted.
 *
 * Before anything leaves, everything that will is noted as in doubt, on disk: a run that is killed
 * halfway leaves no credential on the secondary that nobody knows of, which could then outlive its
 * removal from the primary. What was in doubt is sent again; to store twice does no harm.
 */
import { type ErrorCode, toVoboxError, type VoboxError } from '../../../errors.js'
import type { Clock, UnixSeconds } from '../../../ports/clock.js'
import { showServer } from '../../server-list.js'
import { decideReplication, type Replica, type ReplicationStep } from './decide-replication.js'
import type { ReplicaState } from './replica-state.js'
import type { ReplicaStates } from './replica-states.js'
import { keyOf, presentOf, type ReplicaName } from './replicated.js'
import type { Secondary } from './secondary.js'
import type { ReplicationSource, Snapshot } from './snapshot.js'

export interface ReplicationDeps {
  source: ReplicationSource
  states: Pick<ReplicaStates, 'read' | 'write'>
  clock: Clock
  /** Ends the run; what is done stays noted. */
  signal: AbortSignal
  /** Conversations with one secondary at a time; default 4. */
  concurrency?: number | undefined
  /** Everything that was ever given is in doubt, as where a secondary lost its disk; default false. */
  resend?: boolean | undefined
  /** Told of each step that was done. */
  onStep?: ((server: string, name: ReplicaName, step: ReplicationStep) => void) | undefined
}

/** A credential that the secondary did not take, or did not let go. */
export interface NotReplicated extends ReplicaName {
  error: VoboxError
}

export interface SecondaryReport {
  /** `host:port`. */
  server: string
  stored: number
  destroyed: number
  /** Credentials in which it still differs from the primary. */
  behind: number
  /** Since when the oldest of those; null: it does not lag. */
  behindSince: UnixSeconds | null
  /** When it was last seen to hold everything; null: never. */
  completeAt: UnixSeconds | null
  /** Why it was left before all was tried; null: it was not. */
  failure: VoboxError | null
  notReplicated: readonly NotReplicated[]
}

const CONCURRENCY = 4

/** What went without an answer this often ends the run for that secondary. */
const MOST_DOUBTS = 3

/** Failures that say nothing about other credentials; after any other the secondary is left alone. */
const OF_ONE_CREDENTIAL: readonly ErrorCode[] = [
  'OUTCOME_UNKNOWN',
  'MYPROXY_NOT_OWNER',
  'MYPROXY_CREDENTIAL_UNUSABLE',
  'MYPROXY_CREDENTIAL_LOCKED',
  'MYPROXY_LIFETIME_REFUSED',
  'MYPROXY_VALUE_INVALID',
  'MYPROXY_REFUSED',
  'MYPROXY_STORE_MALFORMED',
  'MESSAGE_TOO_LARGE',
  'ASN1_MALFORMED',
  'PEM_MALFORMED',
  'CERTIFICATE_MALFORMED',
  'KEY_MALFORMED',
  'CHAIN_BROKEN',
  'PROXY_KEY_MISMATCH',
  'FILE_UNSAFE',
  'FILE_TOO_LARGE',
  'FILE_UNREADABLE',
]

/** Never rejects: a secondary that fails must not hold up another. */
export async function replicateTo(
  secondary: Secondary,
  snapshot: Snapshot,
  deps: ReplicationDeps,
): Promise<SecondaryReport> {
  const run = new SecondaryRun(secondary, deps)
  try {
    await run.run(snapshot)
  } catch (error) {
    run.fail(error)
  }
  return run.report()
}

class SecondaryRun {
  readonly #secondary: Secondary
  readonly #deps: ReplicationDeps
  #state: ReplicaState = { replicas: new Map() }
  /** As it was before this run, of what is to be done; undefined: there was nothing. */
  readonly #due = new Map<string, { name: ReplicaName; before: Replica | undefined }>()
  readonly #notReplicated: NotReplicated[] = []
  #stored = 0
  #destroyed = 0
  #doubts = 0
  #failure: VoboxError | undefined

  constructor(secondary: Secondary, deps: ReplicationDeps) {
    this.#secondary = secondary
    this.#deps = deps
  }

  async run(snapshot: Snapshot): Promise<void> {
    const { states, concurrency = CONCURRENCY } = this.#deps
    const { server } = this.#secondary
    this.#state = await states.read(server)
    this.#plan(snapshot)
    if (this.#due.size > 0) {
      await states.write(server, this.#state)
      const waiting = this.#due.values()
      const worker = async () => {
        for (const { name, before } of waiting) {
          if (this.#isOver()) return
          await this.#replicate(name, before)
        }
      }
      // One iterator for all of them: each takes what the others have left.
      await Promise.all(Array.from({ length: concurrency }, worker))
      this.#takeBack()
    }
    if (this.#behind().length === 0) this.#state.completeAt = this.#deps.clock.now()
    await states.write(server, this.#state)
  }

  fail(error: unknown): void {
    this.#failure ??= toVoboxError(error)
  }

  report(): SecondaryReport {
    const behind = this.#behind()
    const since = behind.map(({ behindSince }) => behindSince ?? this.#deps.clock.now())
    return {
      server: showServer(this.#secondary.server),
      stored: this.#stored,
      destroyed: this.#destroyed,
      behind: behind.length,
      behindSince: since.reduce<UnixSeconds | null>(
        (oldest, at) => (oldest === null || at < oldest ? at : oldest),
        null,
      ),
      completeAt: this.#state.completeAt ?? null,
      failure: this.#failure ?? null,
      notReplicated: this.#notReplicated,
    }
  }

  /** Notes what is to be done, in doubt already. */
  #plan({ present, broken }: Snapshot): void {
    const now = this.#deps.clock.now()
    const { replicas } = this.#state
    const unread = new Set(broken.map(keyOf))
    for (const key of new Set([...present.keys(), ...replicas.keys()])) {
      const before = this.#beforeOf(replicas.get(key))
      const there = present.get(key)
      const name = there ?? before
      if (name === undefined) continue
      const step = unread.has(key) ? undefined : decideReplication(there, before)
      if (step?.action === 'keep') {
        this.#settle(name, before)
        continue
      }
      this.#due.set(key, { name, before })
      replicas.set(key, {
        ...nameOf(name),
        ...(before?.given !== undefined && { given: before.given }),
        // Whatever the step: what is gone now may be there again when its turn comes.
        inDoubt: true,
        behindSince: before?.behindSince ?? now,
      })
    }
  }

  #beforeOf(replica: Replica | undefined): Replica | undefined {
    if (this.#deps.resend !== true || replica?.given === undefined) return replica
    return { ...replica, inDoubt: true }
  }

  /** Looks again, decides again, and does it. */
  async #replicate(name: ReplicaName, before: Replica | undefined): Promise<void> {
    const { source, clock, signal, onStep } = this.#deps
    const key = keyOf(name)
    try {
      const entry = await source.find(name.username, name.name)
      const present = entry && presentOf(entry, clock.now())
      const step = decideReplication(present, before)
      if (step.action === 'store' && entry !== undefined && present !== undefined) {
        await this.#secondary.store(entry, signal)
        this.#stored += 1
        this.#settle(name, { ...nameOf(name), given: present.fingerprint })
      } else if (step.action === 'destroy') {
        await this.#secondary.destroy(name, signal)
        this.#destroyed += 1
        this.#settle(name, undefined)
      } else {
        this.#settle(name, before)
      }
      this.#due.delete(key)
      if (step.action !== 'keep') onStep?.(showServer(this.#secondary.server), name, step)
    } catch (thrown) {
      this.#refused(name, toVoboxError(thrown))
    }
  }

  #refused(name: ReplicaName, error: VoboxError): void {
    const key = keyOf(name)
    if (error.code === 'OUTCOME_UNKNOWN') {
      this.#doubts += 1
      // The mark stays.
      this.#due.delete(key)
    }
    const before = this.#due.get(key)?.before
    // What lies there is somebody else's, and nothing was ever seen to be ours.
    if (error.code === 'MYPROXY_NOT_OWNER' && before?.given === undefined) {
      this.#due.set(key, { name, before: undefined })
    }
    if (OF_ONE_CREDENTIAL.includes(error.code)) this.#notReplicated.push({ ...nameOf(name), error })
    const isOver = !OF_ONE_CREDENTIAL.includes(error.code) || this.#doubts >= MOST_DOUBTS
    if (isOver) this.fail(error)
  }

  /** No step that was refused, or never begun, has changed anything. */
  #takeBack(): void {
    const { replicas } = this.#state
    for (const [key, { before }] of this.#due) {
      const { inDoubt: _mark, ...marked } = replicas.get(key) as Replica
      replicas.set(key, before?.inDoubt === true ? { ...marked, inDoubt: true } : marked)
    }
  }

  /** Notes that nothing is to be done for one, which is forgotten where nothing lies there. */
  #settle(name: ReplicaName, replica: Replica | undefined): void {
    const { replicas } = this.#state
    if (replica?.given === undefined) {
      replicas.delete(keyOf(name))
      return
    }
    replicas.set(keyOf(name), { ...nameOf(name), given: replica.given })
  }

  #behind(): Replica[] {
    return [...this.#state.replicas.values()].filter(({ behindSince }) => behindSince !== undefined)
  }

  #isOver(): boolean {
    if (this.#deps.signal.aborted) this.fail(this.#deps.signal.reason)
    return this.#failure !== undefined
  }
}

const nameOf = ({ username, name }: ReplicaName): ReplicaName => ({
  username,
  ...(name !== undefined && { name }),
})
