/**
 * Private keys, made in advance.
 *
 * A fresh RSA-2048 key costs about 0.1 s of a core and the time varies widely. While nobody asks, a
 * pool is filled, so that a burst of renewals does not wait. Keys under way are not made *for*
 * anybody: whoever waits first gets the one that is finished first, and each is handed out once.
 */
import { generateKeyPair, type KeyObject } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { promisify } from 'node:util'
import type { KeyGenerator, KeyKind } from '../../ports/key-generator.js'

const generate = promisify(generateKeyPair)

/** Fill only after this long without a request: a burst needs the cores itself. */
const IDLE_MS = 200

export interface KeyPoolOptions {
  /** The kind kept in stock; others are made when they are asked for. */
  kind: KeyKind
  /** Keys in stock when idle; 0: none are made in advance. */
  size: number
  /** Keys made at once for somebody who waits; default: {@link defaultConcurrency}. */
  concurrency?: number
  /** Keys made at once in advance, at most `concurrency`; default 1, and 2 from four cores on. */
  fillConcurrency?: number
  /** Makes one key; tests pass a quicker one. */
  make?: (kind: KeyKind) => Promise<KeyObject>
}

interface Waiter {
  resolve(key: KeyObject): void
  reject(error: unknown): void
}

export class KeyPool implements KeyGenerator {
  readonly #kind: KeyKind
  readonly #size: number
  readonly #concurrency: number
  readonly #fillConcurrency: number
  readonly #make: (kind: KeyKind) => Promise<KeyObject>
  readonly #stock: KeyObject[] = []
  readonly #waiters = new Set<Waiter>()
  readonly #others = new Map<KeyKind, KeyPool>()
  #underWay = 0
  #idleTimer: NodeJS.Timeout | undefined
  #filling = false
  #closed = false

  constructor(options: KeyPoolOptions) {
    this.#kind = options.kind
    this.#size = options.size
    this.#concurrency = options.concurrency ?? defaultConcurrency()
    this.#fillConcurrency = Math.min(
      options.fillConcurrency ?? (availableParallelism() >= 4 ? 2 : 1),
      this.#concurrency,
    )
    this.#make = options.make ?? makeKey
    this.#fillWhenIdle()
  }

  /** Keys that a request would get at once. */
  get stock(): number {
    return this.#stock.length
  }

  async generate(kind: KeyKind, signal?: AbortSignal): Promise<KeyObject> {
    signal?.throwIfAborted()
    if (kind !== this.#kind) return this.#unstocked(kind).generate(kind, signal)
    this.#fillWhenIdle()
    return this.#stock.shift() ?? this.#wait(signal)
  }

  /** Stops making keys in advance and forgets the stock. Who waits is still served. */
  close(): void {
    this.#closed = true
    clearTimeout(this.#idleTimer)
    this.#stock.length = 0
  }

  /** Another kind waits, aborts and shares as this one does, without a stock. */
  #unstocked(kind: KeyKind): KeyPool {
    const known = this.#others.get(kind)
    if (known !== undefined) return known
    const other = new KeyPool({ kind, size: 0, concurrency: this.#concurrency, make: this.#make })
    this.#others.set(kind, other)
    return other
  }

  async #wait(signal: AbortSignal | undefined): Promise<KeyObject> {
    let forget: () => void = () => undefined
    const key = new Promise<KeyObject>((resolve, reject) => {
      const waiter = { resolve, reject }
      forget = () => {
        this.#waiters.delete(waiter)
        reject(signal?.reason)
      }
      this.#waiters.add(waiter)
    })
    signal?.addEventListener('abort', forget, { once: true })
    this.#start()
    try {
      return await key
    } finally {
      signal?.removeEventListener('abort', forget)
    }
  }

  /** Starts as many keys as are wanted and allowed now. */
  #start(): void {
    while (this.#underWay < this.#allowed()) {
      this.#underWay++
      this.#make(this.#kind)
        .finally(() => this.#underWay--)
        .then(
          (key) => this.#hand(key),
          (error: unknown) => this.#fail(error),
        )
        .finally(() => this.#start())
    }
  }

  #allowed(): number {
    if (this.#waiters.size > this.#underWay) return this.#concurrency
    const missing = this.#size - this.#stock.length + this.#waiters.size
    return this.#filling && !this.#closed ? Math.min(missing, this.#fillConcurrency) : 0
  }

  #hand(key: KeyObject): void {
    const waiter = this.#takeWaiter()
    if (waiter !== undefined) waiter.resolve(key)
    else if (!this.#closed && this.#stock.length < this.#size) this.#stock.push(key)
  }

  /** Nobody is told of a failure to fill: the next request tries again and is. */
  #fail(error: unknown): void {
    this.#filling = false
    this.#takeWaiter()?.reject(error)
  }

  #takeWaiter(): Waiter | undefined {
    const [waiter] = this.#waiters
    if (waiter !== undefined) this.#waiters.delete(waiter)
    return waiter
  }

  /** Puts the filling off by another idle period. */
  #fillWhenIdle(): void {
    if (this.#closed || this.#size === 0) return
    this.#filling = false
    clearTimeout(this.#idleTimer)
    this.#idleTimer = setTimeout(() => {
      this.#filling = true
      this.#start()
    }, IDLE_MS)
    this.#idleTimer.unref()
  }
}

/**
 * As many keys at once as there are cores, but always one thread of Node's pool fewer than there
 * are: reading, syncing and name look-ups go through the same threads.
 */
export function defaultConcurrency(
  cores = availableParallelism(),
  threads = Number(process.env.UV_THREADPOOL_SIZE) || 4,
): number {
  return Math.max(1, Math.min(cores, threads - 1))
}

async function makeKey(kind: KeyKind): Promise<KeyObject> {
  const { privateKey } =
    kind === 'p256'
      ? await generate('ec', { namedCurve: 'P-256' })
      : await generate('rsa', { modulusLength: Number(kind.slice(3)), publicExponent: 0x10001 })
  return privateKey
}
