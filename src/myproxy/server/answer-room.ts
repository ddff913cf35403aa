/**
 * How much of our answers may be in memory at once because peers have not taken it yet.
 *
 * An answer with CA files is some 10 MB and goes out in one write, since C clients take the first
 * records of TLS that come for the whole of it; TLS makes a copy of its own for each client. So a few
 * dozen clients that ask and read nothing would fill the memory. Here a large answer waits for room
 * before its first byte is made; one network can take half of it at most and never shuts others out.
 */
import type { Clock } from '../../ports/clock.js'
import { withDeadline } from '../../ports/deadline.js'
import { clientNetwork } from './client-network.js'
import { busy } from './refusals.js'

export interface AnswerRoomOptions {
  /** Most bytes of large answers at once; default 64 MiB. One answer is always let through. */
  maxBytes?: number
  /** Up to so many bytes an answer is small and does not count; default 64 KiB. */
  smallBytes?: number
  /** Longest wait for room, in milliseconds; default 30,000. */
  waitMs?: number
}

interface Waiting {
  network: string
  bytes: number
  enter: () => void
}

export class AnswerRoom {
  readonly #clock: Clock
  readonly #options: Required<AnswerRoomOptions>
  readonly #perNetwork = new Map<string, number>()
  #taken = 0
  /** In the order in which they came. */
  readonly #waiting = new Set<Waiting>()

  constructor(clock: Clock, options: AnswerRoomOptions = {}) {
    this.#clock = clock
    this.#options = { maxBytes: 64 * 2 ** 20, smallBytes: 64 * 2 ** 10, waitMs: 30_000, ...options }
  }

  /**
   * Waits until there is room for an answer.
   *
   * @param address of the client.
   * @returns gives the room back; safe to call twice.
   * @throws a transient refusal when there is none in time; `signal.reason`.
   */
  async enter(address: string, bytes: number, signal: AbortSignal): Promise<() => void> {
    if (bytes <= this.#options.smallBytes) return () => undefined
    const network = clientNetwork(address)
    if (this.#waiting.size > 0 || !this.#fits(network, bytes)) {
      await this.#wait(network, bytes, signal)
    } else {
      this.#count(network, bytes)
    }
    let isTaken = true
    return () => {
      if (!isTaken) return
      isTaken = false
      this.#count(network, -bytes)
      this.#letIn()
    }
  }

  async #wait(network: string, bytes: number, signal: AbortSignal): Promise<void> {
    const { waitMs } = this.#options
    let waiting: Waiting | undefined
    const tooLong = () => busy('too many large answers are on their way')
    try {
      await withDeadline(this.#clock, waitMs, signal, tooLong, () => {
        return new Promise<void>((enter) => {
          waiting = { network, bytes, enter }
          this.#waiting.add(waiting)
          // Its network may have room while others wait for more of theirs.
          this.#letIn()
        })
      })
    } catch (error) {
      // Who was let in at that very moment has taken room.
      if (waiting !== undefined && !this.#waiting.delete(waiting)) this.#count(network, -bytes)
      this.#letIn()
      throw error
    }
  }

  /**
   * First those whose network holds nothing: else two networks that hold all of it by not reading would
   * take again, at once, what is taken from them. Among each sort nobody overtakes one that waits for
   * room in all; one that waits for its own network's only.
   */
  #letIn(): void {
    if (this.#letInWhere((network) => !this.#perNetwork.has(network))) this.#letInWhere(() => true)
  }

  /** @returns whether nobody of them waits for room in all. */
  #letInWhere(isMeant: (network: string) => boolean): boolean {
    for (const waiting of this.#waiting) {
      const { network, bytes, enter } = waiting
      if (!isMeant(network) || !this.#fitsNetwork(network, bytes)) continue
      if (!this.#fits(network, bytes)) return false
      this.#waiting.delete(waiting)
      this.#count(network, bytes)
      enter()
    }
    return true
  }

  #fits(network: string, bytes: number): boolean {
    const fitsAll = this.#taken === 0 || this.#taken + bytes <= this.#options.maxBytes
    return fitsAll && this.#fitsNetwork(network, bytes)
  }

  #fitsNetwork(network: string, bytes: number): boolean {
    const taken = this.#perNetwork.get(network) ?? 0
    return taken === 0 || taken + bytes <= this.#options.maxBytes / 2
  }

  #count(network: string, bytes: number): void {
    this.#taken += bytes
    const taken = (this.#perNetwork.get(network) ?? 0) + bytes
    if (taken === 0) this.#perNetwork.delete(network)
    else this.#perNetwork.set(network, taken)
  }
}
