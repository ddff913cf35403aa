/**
 * Reading what a peer sends, in the units of a protocol, with an end to every wait and a cap on
 * every size. Stands on any duplex stream: a client's or a server's TLS socket, or a pair in a test.
 */
import type { Duplex } from 'node:stream'
import { VoboxError } from '../errors.js'
import type { Clock } from '../ports/clock.js'
import { withDeadline } from '../ports/deadline.js'
import { ReceivedBytes } from './received-bytes.js'

export interface ByteStreamOptions {
  clock: Clock
  /**
   * Milliseconds for one answer of the peer, from the end of our last message (or the opening) to
   * the end of theirs, however many reads it takes: a peer that drips bytes gains nothing.
   */
  answerMs: number
  /** The peer in messages to people, e.g. `myproxy.example.org:7512 (192.0.2.1)`. */
  label: string
  /** Most that is taken from the peer in all, in bytes; default: any amount, message by message. */
  maxReceivedBytes?: number | undefined
  /**
   * Waits until a message of so many bytes may be held for the peer to take; what it gives is called
   * when they have left. Default: any message, at once.
   */
  enterRoom?: ((bytes: number) => Promise<() => void>) | undefined
  /** Cancels every wait. */
  signal?: AbortSignal | undefined
  /** Turns a failure of the socket into ours; default `CONNECTION_CLOSED`. */
  explain?: (error: Error) => VoboxError
}

export class ByteStream {
  readonly #socket: Duplex
  readonly #options: ByteStreamOptions
  readonly #received = new ReceivedBytes()
  #total = 0
  #isFinishing = false
  #failure: Error | undefined
  #ended = false
  #answerBy: number
  #wake: () => void = () => undefined
  #hasSent = false

  /** Takes the socket over: nobody else may read from it. */
  constructor(socket: Duplex, options: ByteStreamOptions) {
    this.#socket = socket
    this.#options = options
    this.#answerBy = options.clock.monotonicMs() + options.answerMs
    socket.on('readable', () => this.#wake())
    socket.on('end', () => this.#finish())
    socket.on('close', () => this.#finish())
    socket.on('error', (error) => {
      this.#failure ??= error
      this.#finish()
    })
    // What happened before we listened will not happen again.
    this.#failure = socket.errored ?? undefined
    this.#ended = socket.destroyed || socket.readableEnded
  }

  /** The peer, for messages. */
  get label(): string {
    return this.#options.label
  }

  /** Whether anything of ours may have left, even if nobody knows how far it came. */
  get hasSent(): boolean {
    return this.#hasSent
  }

  /**
   * Resolves when the bytes have left for the kernel. Two awaited writes go out in two TLS records;
   * MyProxy's first byte depends on that. A write that does not come through ends the connection:
   * nothing can follow a part of a message, and what the peer has not taken would stay in memory.
   *
   * @throws `DEADLINE_EXCEEDED`, `CONNECTION_CLOSED`, what `explain` says, or what `enterRoom` throws.
   */
  async write(bytes: Uint8Array): Promise<void> {
    const { clock, answerMs, signal, enterRoom } = this.#options
    const leaveRoom = await enterRoom?.(bytes.length)
    try {
      await withDeadline(clock, answerMs, signal, this.#tooSlow, () => this.#send(bytes))
    } catch (error) {
      this.close()
      throw error
    } finally {
      leaveRoom?.()
    }
    this.#answerBy = clock.monotonicMs() + answerMs
  }

  #send(bytes: Uint8Array): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.#failure !== undefined || this.#socket.destroyed) return reject(this.#closed(0))
      this.#hasSent = true
      this.#socket.write(bytes, (error) => {
        if (!error) return resolve()
        this.#failure ??= error
        reject(this.#closed(0))
      })
    })
  }

  /** The next byte, left where it is. */
  async peekByte(): Promise<number> {
    await this.#until(() => this.#received.length > 0)
    return this.#received.view[0] as number
  }

  /** Drops a NUL if that is the next byte. */
  async skipNul(): Promise<void> {
    if ((await this.peekByte()) === 0) this.#received.take(1)
  }

  /** Exactly `length` bytes. */
  async readExactly(length: number): Promise<Buffer> {
    await this.#until(() => this.#received.length >= length)
    return this.#received.take(length)
  }

  /**
   * Everything before the next NUL, which is taken as well.
   *
   * @throws `MESSAGE_TOO_LARGE` when there is none within `maxBytes`.
   */
  async readUntilNul(maxBytes: number): Promise<Buffer> {
    let searched = 0
    let end = -1
    await this.#until(() => {
      end = this.#received.view.indexOf(0, searched)
      searched = this.#received.length
      if (end > maxBytes || (end === -1 && searched > maxBytes)) throw this.#tooLarge(maxBytes)
      return end !== -1
    })
    return this.#received.take(end + 1).subarray(0, end)
  }

  /**
   * As {@link readUntilNul}, for peers that may leave the NUL out: what has come is the message then,
   * once `isWhole` says so and nothing more came for `quietMs` to twice that.
   */
  async readUntilNulOrQuiet(
    maxBytes: number,
    quietMs: number,
    isWhole: (received: Buffer) => boolean,
  ): Promise<Buffer> {
    const heard = new AbortController()
    let isQuiet = false
    const listen = async () => {
      for (let length = -1; !isQuiet; length = this.#received.length) {
        await this.#options.clock.sleep(quietMs, heard.signal)
        isQuiet = length === this.#received.length && isWhole(this.#received.view)
      }
      this.#wake()
    }
    const listening = listen().catch(() => undefined)
    let searched = 0
    let end = -1
    try {
      await this.#until(() => {
        end = this.#received.view.indexOf(0, searched)
        searched = this.#received.length
        const length = end === -1 ? searched : end
        if (length > maxBytes) throw this.#tooLarge(maxBytes)
        return isQuiet || end !== -1
      })
    } finally {
      heard.abort()
      await listening
    }
    return end === -1
      ? this.#received.take(this.#received.length)
      : this.#received.take(end + 1).subarray(0, end)
  }

  /**
   * One DER element, told by its own header; its inside is the parser's to judge.
   *
   * @throws `MESSAGE_TOO_LARGE` above `maxBytes`; `PROTOCOL_VIOLATION` for a first byte that is not
   *   `SEQUENCE` and for lengths that DER does not know.
   */
  async readDer(maxBytes: number): Promise<Buffer> {
    const [tag = 0, first = 0] = await this.#peek(2)
    if (tag !== 0x30) throw this.#violation('sent something else than DER where DER is due')
    if (first < 0x80) return this.readExactly(2 + first)
    const width = first - 0x80
    if (width < 1 || width > 4) throw this.#violation('sent DER of impossible length')
    const length = (await this.#peek(2 + width)).readUIntBE(2, width)
    if (2 + width + length > maxBytes) throw this.#tooLarge(maxBytes)
    return this.readExactly(2 + width + length)
  }

  /**
   * Everything up to the peer's end, or to where `isWhole` says that its message ends: a peer that
   * keeps the connection open, or cuts it roughly, has then said all that matters.
   *
   * @throws `MESSAGE_TOO_LARGE` above `maxBytes`; `CONNECTION_CLOSED`, or what `explain` says, when
   *   the connection failed before the message was whole, or ended without a byte.
   */
  async readToEnd(maxBytes: number, isWhole: (received: Buffer) => boolean): Promise<Buffer> {
    await this.#until(() => {
      if (this.#received.length > maxBytes) throw this.#tooLarge(maxBytes)
      return isWhole(this.#received.view) || (this.#ended && this.#socket.readableLength === 0)
    })
    const { length } = this.#received
    const broken = this.#failure !== undefined && !isWhole(this.#received.view)
    if (broken || length === 0) throw this.#closed(length)
    return this.#received.take(length)
  }

  /**
   * Ends our side after our last message and waits for the peer's end, as a server should: closing at
   * once with bytes unread makes the kernel reset the connection and lose what we wrote last.
   */
  async finish(): Promise<void> {
    try {
      this.#socket.end()
      this.#isFinishing = true
      await this.#until(() => this.#ended)
    } finally {
      this.close()
    }
  }

  /** Ends the connection at once; safe to call twice. */
  close(): void {
    this.#socket.destroy()
  }

  async #peek(length: number): Promise<Buffer> {
    await this.#until(() => this.#received.length >= length)
    return this.#received.view.subarray(0, length)
  }

  /** Reads until `enough` says so. `enough` may throw when it has seen too much. */
  async #until(enough: () => boolean): Promise<void> {
    if (enough()) return
    const { clock, signal } = this.#options
    const left = Math.max(0, this.#answerBy - clock.monotonicMs())
    await withDeadline(clock, left, signal, this.#tooSlow, async (inner) => {
      inner.addEventListener('abort', () => this.#wake(), { once: true })
      while (!inner.aborted) {
        const chunk: Buffer | null = this.#socket.read()
        if (chunk !== null) this.#receive(chunk)
        if (enough()) return
        if (chunk !== null) continue
        if (this.#ended) throw this.#closed(this.#received.length)
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
      }
    })
  }

  #receive(chunk: Buffer): void {
    if (this.#isFinishing) return
    this.#total += chunk.length
    const { maxReceivedBytes: most } = this.#options
    if (most !== undefined && this.#total > most) throw this.#tooLarge(most)
    this.#received.add(chunk)
  }

  #finish(): void {
    this.#ended = true
    this.#wake()
  }

  readonly #tooSlow = (): VoboxError => {
    const { label, answerMs } = this.#options
    return new VoboxError(
      'DEADLINE_EXCEEDED',
      `${label} did not answer within ${answerMs / 1000} s`,
      { data: { peer: label, deadlineMs: answerMs, received: this.#received.length } },
    )
  }

  #closed(received: number): VoboxError {
    const { label, explain } = this.#options
    if (this.#failure !== undefined && explain !== undefined) return explain(this.#failure)
    return new VoboxError(
      'CONNECTION_CLOSED',
      received === 0
        ? `${label} closed the connection without an answer`
        : `${label} closed the connection in the middle of its answer, after ${received} bytes`,
      { data: { peer: label, received }, cause: this.#failure },
    )
  }

  #tooLarge(maxBytes: number): VoboxError {
    const { label } = this.#options
    return new VoboxError('MESSAGE_TOO_LARGE', `${label} sent more than ${maxBytes} bytes`, {
      data: { peer: label, maxBytes },
    })
  }

  #violation(what: string): VoboxError {
    const { label } = this.#options
    return new VoboxError('PROTOCOL_VIOLATION', `${label} ${what}`, { data: { peer: label } })
  }
}
