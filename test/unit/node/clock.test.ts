import { afterEach, describe, expect, it, vi } from 'vitest'
import { systemClock } from '../../../src/node/ports/clock.js'
import { systemRandom } from '../../../src/node/ports/random.js'

describe('systemClock', () => {
  afterEach(() => void vi.useRealTimers())

  it('says whole seconds of the wall clock', () => {
    vi.useFakeTimers({ toFake: ['Date'], now: 1_800_000_000_999 })

    expect(systemClock.now()).toBe(1_800_000_000)
  })

  it.each([
    ['20 ms', 20],
    ['60 days, longer than any timer of Node', 60 * 86_400_000],
  ])('sleeps no less and no more than %s', async (_name, ms) => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    let woke = false
    const sleeping = systemClock.sleep(ms).then(() => {
      woke = true
    })
    await vi.advanceTimersByTimeAsync(ms - 1)
    expect(woke).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(woke).toBe(true)
    await sleeping
  })

  it('counts milliseconds that never go back', async () => {
    const start = systemClock.monotonicMs()
    await systemClock.sleep(2)

    expect(systemClock.monotonicMs()).toBeGreaterThan(start)
  })

  it('rejects with the reason of the signal when it aborts a sleep of 60 days', async () => {
    const reason = new Error('enough')
    const controller = new AbortController()
    const sleeping = systemClock.sleep(60 * 86_400_000, controller.signal)
    controller.abort(reason)

    await expect(sleeping).rejects.toBe(reason)
  })

  it('rejects at once when the signal was aborted before, even for 0 ms', async () => {
    const reason = new Error('too late')

    await expect(systemClock.sleep(0, AbortSignal.abort(reason))).rejects.toBe(reason)
    await expect(systemClock.sleep(50, AbortSignal.abort(reason))).rejects.toBe(reason)
  })
})

describe('systemRandom', () => {
  it('gives 16 bytes that differ each time', () => {
    const [first, second] = [systemRandom.bytes(16), systemRandom.bytes(16)]

    expect(first.length).toBe(16)
    expect(Buffer.from(first).equals(Buffer.from(second))).toBe(false)
  })

  it('gives fractions from 0 up to but not including 1', () => {
    for (let i = 0; i < 100; i++) {
      const fraction = systemRandom.fraction()
      expect(fraction).toBeGreaterThanOrEqual(0)
      expect(fraction).toBeLessThan(1)
    }
  })
})
