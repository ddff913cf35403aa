/** Work on one thing goes one after the other, work on different things side by side. */
export class TurnTaking {
  readonly #tails = new Map<string, Promise<unknown>>()

  /** Runs `work` when all earlier work of this key has ended, however it ended. */
  take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#tails.get(key) ?? Promise.resolve()
    const turn = before.then(work, work)
    const tail = turn.catch(() => undefined)
    this.#tails.set(key, tail)
    void tail.then(() => {
      if (this.#tails.get(key) === tail) this.#tails.delete(key)
    })
    return turn
  }
}
