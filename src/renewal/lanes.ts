/**
 * Queues that take turns: one a server, each with a bound of its own below the bound of all.
 *
 * A lane whose server did not answer is narrowed to one at a time until it answers again, so that
 * several dead servers cannot hold all workers between them.
 */

interface Lane {
  readonly name: string
  /** First in, first out; a set, so that one in the middle can be taken out cheaply. */
  readonly queue: Set<string>
  running: number
  reachable: boolean
}

/** A key whose turn it is. `done` is called once, with whether the lane's server answered. */
export interface Turn {
  key: string
  done(reachable?: boolean): void
}

export class Lanes {
  readonly #lanes = new Map<string, Lane>()
  /** Lanes that have somebody waiting and room for one more, in the order of their turns. */
  readonly #ready = new Set<Lane>()
  #running = 0
  #waiting = 0

  constructor(
    readonly workers: number,
    readonly workersPerLane: number,
  ) {
    if (workers < 1 || workersPerLane < 1) throw new TypeError('a lane needs room for one at least')
  }

  /** How many turns have been taken and are not done. */
  get running(): number {
    return this.#running
  }

  /** How many wait for their turn. */
  get waiting(): number {
    return this.#waiting
  }

  add(name: string, key: string): void {
    let lane = this.#lanes.get(name)
    if (!lane) {
      lane = { name, queue: new Set(), running: 0, reachable: true }
      this.#lanes.set(name, lane)
    }
    if (!lane.queue.has(key)) this.#waiting++
    lane.queue.add(key)
    this.#settle(lane)
  }

  remove(name: string, key: string): void {
    const lane = this.#lanes.get(name)
    if (!lane) return
    if (lane.queue.delete(key)) this.#waiting--
    this.#settle(lane)
  }

  /** The next key that may be worked on, or undefined while nobody waits or nothing is free. */
  take(): Turn | undefined {
    if (this.#running >= this.workers) return undefined
    const [lane] = this.#ready
    const [key] = lane?.queue ?? []
    if (lane === undefined || key === undefined) return undefined
    lane.queue.delete(key)
    this.#waiting--
    lane.running++
    this.#running++
    this.#ready.delete(lane)
    this.#settle(lane)
    return { key, done: (reachable) => this.#done(lane, reachable) }
  }

  #done(lane: Lane, reachable: boolean | undefined): void {
    lane.running--
    this.#running--
    if (reachable !== undefined) lane.reachable = reachable
    this.#settle(lane)
  }

  /** Puts a lane at the end of the turns, or takes it out, as its state demands. */
  #settle(lane: Lane): void {
    const room = lane.reachable ? this.workersPerLane : 1
    if (lane.queue.size > 0 && lane.running < room) this.#ready.add(lane)
    else this.#ready.delete(lane)
    // A reachable lane that nobody uses is forgotten; what is known of a dead one is kept.
    if (lane.queue.size === 0 && lane.running === 0 && lane.reachable) this.#lanes.delete(lane.name)
  }
}
