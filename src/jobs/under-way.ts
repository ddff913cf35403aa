/** Work that nobody may cut off in the middle: the end of the service waits for it. */
export class UnderWay {
  readonly #works = new Set<Promise<unknown>>()

  add<T>(work: Promise<T>): Promise<T> {
    const done = () => this.#works.delete(work)
    this.#works.add(work)
    work.then(done, done)
    return work
  }

  /** All has ended, however it ended, and what was begun meanwhile too. */
  async settled(): Promise<void> {
    while (this.#works.size > 0) await Promise.allSettled(this.#works)
  }
}
