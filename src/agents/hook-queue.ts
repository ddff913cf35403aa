/**
 * What waits for a hook: one run at a time, in the order in which things happened.
 *
 * Later news about the same thing takes the place of what still waits about it, so that a hook that
 * is slow sees how things are, and not all that they went through. The queue is bounded.
 */
export interface HookQueueOptions<Job> {
  /** Most that may wait. */
  limit: number
  /** Never rejects. */
  run(job: Job): Promise<void>
  /** The queue is full and `job` will not be run. */
  onDropped(job: Job): void
}

export class HookQueue<Job extends { readonly about: string }> {
  readonly #options: HookQueueOptions<Job>
  readonly #waiting = new Map<string, Job>()
  #working: Promise<void> | undefined
  #closed = false

  constructor(options: HookQueueOptions<Job>) {
    this.#options = options
  }

  get waiting(): number {
    return this.#waiting.size
  }

  /** Returns at once, whatever happens to `job`. */
  add(job: Job): void {
    if (this.#closed) return
    const { limit, onDropped } = this.#options
    if (this.#waiting.size >= limit && !this.#waiting.has(job.about)) {
      onDropped(job)
      return
    }
    this.#waiting.set(job.about, job)
    this.#working ??= this.#workOff()
  }

  /** When nothing waits and nothing runs. */
  async settled(): Promise<void> {
    await this.#working
  }

  /** Forgets what waits and takes nothing more; what runs goes on. @returns how much waited. */
  close(): number {
    this.#closed = true
    const { size } = this.#waiting
    this.#waiting.clear()
    return size
  }

  async #workOff(): Promise<void> {
    // Whoever adds is never in the middle of a run.
    await Promise.resolve()
    for (;;) {
      const [next] = this.#waiting
      if (next === undefined) break
      this.#waiting.delete(next[0])
      await this.#options.run(next[1])
    }
    this.#working = undefined
  }
}
