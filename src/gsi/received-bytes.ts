/**
 * What a peer sent and nobody has taken yet, in one piece.
 *
 * Room grows by doubling, so that a message costs the same whether it came in one chunk or byte by
 * byte. What was taken is never written over: it is its taker's, who may keep it or wipe it.
 */
export class ReceivedBytes {
  #room: Buffer = Buffer.alloc(0)
  #start = 0
  #end = 0

  get length(): number {
    return this.#end - this.#start
  }

  /** A view, good until the next {@link add}. */
  get view(): Buffer {
    return this.#room.subarray(this.#start, this.#end)
  }

  /** @param chunk nobody else writes to it any more. */
  add(chunk: Buffer): void {
    if (this.length === 0) {
      this.#become(chunk, chunk.length)
      return
    }
    if (this.#end + chunk.length > this.#room.length) {
      const left = this.view
      const room = Buffer.allocUnsafeSlow(2 * (left.length + chunk.length))
      this.#become(room, left.copy(room))
    }
    this.#end += chunk.copy(this.#room, this.#end)
  }

  /** Takes so many bytes, which must be there. */
  take(length: number): Buffer {
    const taken = this.#room.subarray(this.#start, this.#start + length)
    this.#start += length
    return taken
  }

  #become(room: Buffer, length: number): void {
    this.#room = room
    this.#start = 0
    this.#end = length
  }
}
