import { describe, expect, it } from 'vitest'
import { systemClock } from '../../../src/node/ports/clock.js'
import { systemRandom } from '../../../src/node/ports/random.js'

describe('systemClock', () => {
  it('says whole seconds of the wall clock', () => {
    const before = Math.floor(Date.now() / 1000)
    const now = systemClock.now()

    expect(Number.isInteger(now)).toBe(true)
    expect(now - before).toBeLessThanOrEqual(1)
  })

  it('sleeps at least 20 ms when asked for 20 ms', async () => {
    const start = systemClock.monotonicMs()
    await systemClock.sleep(20)

    expect(systemClock.monotonicMs() - start).toBeGreaterThanOrEqual(19.5)
  })

  it('rejects with the reason of the signal as soon as it aborts a sleep of 60 days', async () => {
    const reason = new Error('enough')
    const controller = new AbortController()
    const start = performance.now()
    const sleeping = systemClock.sleep(60 * 86_400_000, controller.signal)
    setTimeout(() => controller.abort(reason), 10)

    await expect(sleeping).rejects.toBe(reason)
    expect(performance.now() - start).toBeLessThan(5000)
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
