import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  defaultConcurrency,
  KeyPool,
  type KeyPoolOptions,
} from '../../../src/node/ports/key-pool.js'

/** A maker whose keys are finished one by one by the test. */
function scriptedMaker() {
  const pending: { finish(): KeyObject; fail(error: Error): void }[] = []
  const make = vi.fn(
    () =>
      new Promise<KeyObject>((resolve, reject) => {
        pending.push({
          finish() {
            const key = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
            resolve(key)
            return key
          },
          fail: reject,
        })
      }),
  )
  const next = () => {
    const started = pending.shift()
    if (started === undefined) throw new Error('no key is being made')
    return started
  }
  return { make, next, underWay: () => pending.length }
}

function poolOf(options: Partial<KeyPoolOptions> = {}) {
  const maker = scriptedMaker()
  const pool = new KeyPool({
    kind: 'rsa2048',
    size: 2,
    concurrency: 2,
    fillConcurrency: 1,
    make: maker.make,
    ...options,
  })
  onTestFinished(() => pool.close())
  return { pool, ...maker }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))

describe('KeyPool', () => {
  it('fills 2 keys one at a time once it was idle for 200 ms', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    onTestFinished(() => void vi.useRealTimers())
    const { pool, make, next } = poolOf()
    vi.advanceTimersByTime(199)
    expect(make).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(make).toHaveBeenCalledTimes(1)

    const [first] = [next().finish(), await settle()]
    expect(make).toHaveBeenCalledTimes(2)
    const [second] = [next().finish(), await settle()]
    expect(make).toHaveBeenCalledTimes(2)
    expect(pool.stock).toBe(2)

    expect(await pool.generate('rsa2048')).toBe(first)
    expect(await pool.generate('rsa2048')).toBe(second)
    expect(make).toHaveBeenCalledTimes(2)
    vi.advanceTimersByTime(199)
    expect(make).toHaveBeenCalledTimes(2)
    vi.advanceTimersByTime(1)
    expect(make).toHaveBeenCalledTimes(3)
  })

  it('makes 2 at once for 3 who wait, and serves them in their order', async () => {
    const { pool, make, next, underWay } = poolOf()
    const served: number[] = []
    const keys = [0, 1, 2].map(async (i) => {
      const key = await pool.generate('rsa2048')
      served.push(i)
      return key
    })
    await settle()
    expect(underWay()).toBe(2)

    for (let i = 0; i < 3; i++) {
      next().finish()
      await settle()
    }
    expect(served).toEqual([0, 1, 2])
    expect(new Set(await Promise.all(keys)).size).toBe(3)
    expect(make).toHaveBeenCalledTimes(3)
  })

  it('rejects with the reason of the signal, and the key goes into stock', async () => {
    const { pool, next } = poolOf()
    const reason = new Error('not needed any more')
    const controller = new AbortController()
    const waiting = pool.generate('rsa2048', controller.signal)
    await settle()
    controller.abort(reason)
    await expect(waiting).rejects.toBe(reason)

    const key = next().finish()
    await settle()
    expect(pool.stock).toBe(1)
    expect(await pool.generate('rsa2048')).toBe(key)
    await expect(pool.generate('rsa2048', AbortSignal.abort(reason))).rejects.toBe(reason)
  })

  it('rejects with the reason of the signal for a kind that is not in stock, too', async () => {
    const { pool, make } = poolOf()
    const reason = new Error('not needed any more')
    const controller = new AbortController()
    const waiting = pool.generate('p256', controller.signal)
    await settle()
    controller.abort(reason)

    await expect(waiting).rejects.toBe(reason)
    expect(make).toHaveBeenCalledExactlyOnceWith('p256')
  })

  it('tells who waits of a failure, and makes the next key all the same', async () => {
    const { pool, next } = poolOf()
    const problem = new Error('no entropy')
    const failing = pool.generate('rsa2048')
    await settle()
    next().fail(problem)
    await expect(failing).rejects.toBe(problem)

    const working = pool.generate('rsa2048')
    await settle()
    expect(await Promise.all([working, next().finish()])).toHaveLength(2)
  })

  it('forgets its stock when closed, and still serves who waits and who comes', async () => {
    const { pool, next, underWay } = poolOf()
    const waiting = pool.generate('rsa2048')
    await settle()
    pool.close()
    const key = next().finish()

    expect(await waiting).toBe(key)
    await settle()
    expect(underWay()).toBe(0)
    const late = pool.generate('rsa2048')
    await settle()
    expect(await Promise.all([late, next().finish()])).toHaveLength(2)
    expect(pool.stock).toBe(0)
  })

  it.each([
    ['rsa2048', 'rsa', 2048],
    ['p256', 'ec', undefined],
  ] as const)('makes a real %s key, another each time', async (kind, type, bits) => {
    const pool = new KeyPool({ kind: 'p256', size: 0 })
    const [key, other] = await Promise.all([pool.generate(kind), pool.generate(kind)])

    expect(key.asymmetricKeyType).toBe(type)
    expect(key.asymmetricKeyDetails?.modulusLength).toBe(bits)
    expect(key.equals(other)).toBe(false)
  })
})

describe('defaultConcurrency', () => {
  it.each([
    [1, 4, 1],
    [2, 4, 2],
    [16, 4, 3],
    [16, 16, 15],
    [8, 1, 1],
  ])('is with %d cores and %d threads %d', (cores, threads, expected) => {
    expect(defaultConcurrency(cores, threads)).toBe(expected)
  })
})
