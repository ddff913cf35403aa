/** A line as it is typed without an echo: what a terminal in raw mode leaves to its reader. Pure. */

export type Typed = 'typing' | 'entered' | 'cancelled'

/** termios(3) by default: VEOF, VERASE in its two habits, VINTR, VKILL, VQUIT. */
const KEY = { c: 0x03, d: 0x04, erase: 0x08, lf: 0x0a, cr: 0x0d, kill: 0x15, quit: 0x1c, del: 0x7f }

export class LineEditor {
  readonly #line: Buffer
  #length = 0

  /** @param maxBytes what is typed beyond is not kept. */
  constructor(maxBytes: number) {
    this.#line = Buffer.alloc(maxBytes)
  }

  /** Keys as the terminal sends them, any number at once. */
  type(keys: Uint8Array): Typed {
    for (const key of keys) {
      if (key === KEY.cr || key === KEY.lf) return 'entered'
      if (key === KEY.c || key === KEY.quit) return 'cancelled'
      if (key === KEY.d && this.#length === 0) return 'cancelled'
      this.#apply(key)
    }
    return 'typing'
  }

  /** The line; nothing of it stays here. */
  take(): Buffer {
    const line = Buffer.from(this.#line.subarray(0, this.#length))
    this.#line.fill(0)
    this.#length = 0
    return line
  }

  #apply(key: number): void {
    if (key === KEY.del || key === KEY.erase) this.#eraseOne()
    else if (key === KEY.kill) this.#length = 0
    else if (key !== KEY.d && this.#length < this.#line.length) this.#line[this.#length++] = key
  }

  /** A character of UTF-8 is one octet and all that continue it (RFC 3629 §3). */
  #eraseOne(): void {
    do this.#length = Math.max(0, this.#length - 1)
    while (this.#length > 0 && ((this.#line[this.#length] ?? 0) & 0xc0) === 0x80)
  }
}
