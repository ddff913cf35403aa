/**
 * Who is looked at when, and who may work at once.
 *
 * Every key waits in a heap for its time. When it comes, `look` decides (cheap, local, bounded by
 * itself) whether the key waits on or has work to do; work is queued in the lane of the server that
 * it needs. Lanes take turns, and each has a bound of its own, so that a dead server, whose lane is
 * then narrowed to one probe at a time, delays nobody but its own.
 *
 * Nothing here costs more than the logarithm of the number of keys. Time comes from the clock alone:
 * under a fake one, a run is deterministic.
 */
import { asUnixSeconds, type Clock, type UnixSeconds } from '../ports/clock.js'
import { DueHeap } from './due-heap.js'
import { Lanes } from './lanes.js'

/** What becomes of a key after it was looked at or worked on. */
export type NextStep =
  | { kind: 'wait'; until: UnixSeconds }
  | { kind: 'work'; lane: string }
  | { kind: 'forget' }

/** `reachable` tells whether the lane's server answered at all; absent: it was not asked. */
export type WorkResult = { next: NextStep; reachable?: boolean }

export interface SchedulerOptions {
  clock: Clock
  /** Work at once in all, and in one lane. */
  workers: number
  workersPerLane: number
  /** Looks at once; default 8. */
  lookers?: number
  look(key: string): Promise<NextStep>
  work(key: string, signal: AbortSignal): Promise<WorkResult>
  /** The wall clock moved by about this many seconds against the monotonic one. */
  onClockJump?(seconds: number): void
  /** `look` or `work` rejected, which neither should; the key is looked at again in a minute. */
  onFault(key: string, error: unknown): void
  /** Called whenever the loop comes round: at least once a minute. */
  onTurn?(): void
}

/** The loop never sleeps longer, so that a clock that jumped is noticed. */
const LONGEST_SLEEP_SECONDS = 60
/** A wall clock that drifts less than this within one sleep was merely adjusted. */
const JUMP_SECONDS = 5

interface Item {
  stage: 'looking' | 'queued' | 'working'
  /** Where it is queued or working; empty while it is looked at. */
  lane: string
  /** Look once more when this is over: something changed meanwhile. */
  again: boolean
  forgotten: boolean
}

export class Scheduler {
  readonly #options: SchedulerOptions
  readonly #heap = new DueHeap<string>()
  readonly #busy = new Map<string, Item>()
  readonly #lanes: Lanes
  readonly #inFlight = new Set<Promise<void>>()
  #looking = 0
  #sleep = new AbortController()
  #lastTurn: { wall: number; monotonicMs: number } | undefined

  constructor(options: SchedulerOptions) {
    this.#options = options
    this.#lanes = new Lanes(options.workers, options.workersPerLane)
  }

  /** How many keys it knows. */
  get size(): number {
    return this.#heap.size + this.#busy.size
  }

  get working(): number {
    return this.#lanes.running
  }

  /** How many keys have work to do and wait for a worker. */
  get queued(): number {
    return this.#lanes.waiting
  }

  /** When the next key is to be looked at; undefined when none waits. */
  get nextDueAt(): UnixSeconds | undefined {
    const first = this.#heap.first()
    return first && asUnixSeconds(first.dueAt)
  }

  /** Adds a key or moves its time; one that is busy is looked at again when it has finished. */
  set(key: string, dueAt: UnixSeconds = this.#options.clock.now()): void {
    const item = this.#busy.get(key)
    if (item) {
      item.again = true
      item.forgotten = false
    } else {
      this.#heap.set(key, dueAt)
      this.wake()
    }
  }

  /** Drops a key; work under way is finished, and then forgotten. */
  delete(key: string): void {
    this.#heap.delete(key)
    const item = this.#busy.get(key)
    if (item === undefined) return
    item.forgotten = true
    item.again = false
    if (item.stage !== 'queued') return
    this.#lanes.remove(item.lane, key)
    this.#busy.delete(key)
  }

  /** Looks at the clock now. */
  wake(): void {
    this.#sleep.abort()
  }

  /** Works until `signal` aborts; resolves when nothing is in flight any more. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    const onAbort = () => this.wake()
    signal.addEventListener('abort', onAbort, { once: true })
    while (!signal.aborted) {
      this.#sleep = new AbortController()
      this.#noticeJump()
      this.#lookAtDue(signal)
      this.#startWork(signal)
      this.#options.onTurn?.()
      await this.#rest()
    }
    signal.removeEventListener('abort', onAbort)
    while (this.#inFlight.size > 0) await Promise.all(this.#inFlight)
  }

  async #rest(): Promise<void> {
    const first = this.#heap.first()
    const left = (first?.dueAt ?? Number.POSITIVE_INFINITY) - this.#options.clock.now()
    // A key that is due already waits for a looker, and every looker wakes the loop when it is done.
    const restSeconds = left > 0 ? Math.min(left, LONGEST_SLEEP_SECONDS) : LONGEST_SLEEP_SECONDS
    await this.#options.clock.sleep(restSeconds * 1000, this.#sleep.signal).catch(() => undefined)
  }

  #noticeJump(): void {
    const { clock, onClockJump } = this.#options
    const wall = clock.now()
    const monotonicMs = clock.monotonicMs()
    if (this.#lastTurn) {
      const passed = (monotonicMs - this.#lastTurn.monotonicMs) / 1000
      const jump = wall - this.#lastTurn.wall - passed
      if (Math.abs(jump) > JUMP_SECONDS) onClockJump?.(Math.round(jump))
    }
    this.#lastTurn = { wall, monotonicMs }
  }

  #lookAtDue(signal: AbortSignal): void {
    const now = this.#options.clock.now()
    for (let first = this.#heap.first(); first; first = this.#heap.first()) {
      if (first.dueAt > now || this.#looking >= (this.#options.lookers ?? 8)) return
      const { key } = first
      this.#heap.delete(key)
      const item: Item = { stage: 'looking', lane: '', again: false, forgotten: false }
      this.#busy.set(key, item)
      this.#looking++
      this.#track(
        this.#guarded(key, () => this.#options.look(key)).then((next) => {
          this.#looking--
          this.#follow(key, item, next, signal)
        }),
      )
    }
  }

  #startWork(signal: AbortSignal): void {
    for (let turn = this.#lanes.take(); turn; turn = this.#lanes.take()) {
      const { key, done } = turn
      const item = this.#busy.get(key)
      if (!item) throw new TypeError('a queued key must be busy')
      item.stage = 'working'
      item.again = false
      let reachable: boolean | undefined
      const work = async () => {
        const result = await this.#options.work(key, signal)
        reachable = result.reachable
        return result.next
      }
      this.#track(
        this.#guarded(key, work).then((next) => {
          done(reachable)
          this.#follow(key, item, next, signal)
        }),
      )
    }
  }

  #follow(key: string, item: Item, next: NextStep, signal: AbortSignal): void {
    if (!item.forgotten && next.kind === 'work' && !signal.aborted) {
      item.stage = 'queued'
      item.lane = next.lane
      this.#lanes.add(next.lane, key)
    } else {
      this.#busy.delete(key)
      if (item.again) this.#heap.set(key, this.#options.clock.now())
      else if (!item.forgotten && next.kind === 'wait') this.#heap.set(key, next.until)
    }
    this.wake()
  }

  async #guarded(key: string, run: () => Promise<NextStep>): Promise<NextStep> {
    try {
      return await run()
    } catch (error) {
      this.#options.onFault(key, error)
      const until = asUnixSeconds(this.#options.clock.now() + LONGEST_SLEEP_SECONDS)
      return { kind: 'wait', until }
    }
  }

  #track(promise: Promise<void>): void {
    this.#inFlight.add(promise)
    promise.finally(() => this.#inFlight.delete(promise))
  }
}
