import { describe, expect, it } from 'vitest'
import { KeptReading } from '../../../src/ports/kept-reading.js'
import { FakeClock } from '../../support/fake-clock.js'

function reading(keepMs = 60_000) {
  const clock = new FakeClock()
  const befores: (number | undefined)[] = []
  const failing = { now: false }
  const kept = new KeptReading<number>(clock, keepMs, async (before) => {
    befores.push(before)
    if (failing.now) throw new Error('unreadable')
    return befores.length
  })
  return { clock, befores, failing, kept }
}

describe('KeptReading', () => {
  it('reads once for callers at the same moment and within 60 s, then anew with what it had', async () => {
    const { clock, befores, kept } = reading()
    expect(await Promise.all([kept.current(), kept.current()])).toEqual([1, 1])
    await clock.advanceSeconds(59)
    expect(await kept.current()).toBe(1)
    await clock.advanceSeconds(1)
    expect(await kept.current()).toBe(2)
    expect(befores).toEqual([undefined, 1])
  })

  it('reads anew, with nothing at hand, when told to forget', async () => {
    const { befores, kept } = reading()
    await kept.current()
    kept.forget()
    expect(await kept.current()).toBe(2)
    expect(befores).toEqual([undefined, undefined])
  })

  it('tries again after a reading that failed, and still has what was there before', async () => {
    const { clock, befores, failing, kept } = reading()
    await kept.current()
    await clock.advanceSeconds(60)
    failing.now = true
    await expect(kept.current()).rejects.toThrow('unreadable')
    failing.now = false
    expect(await kept.current()).toBe(3)
    expect(befores).toEqual([undefined, 1, 1])
  })

  it('lets one caller give up without taking the reading from another', async () => {
    const { kept } = reading()
    const impatient = kept.current(AbortSignal.abort(new Error('enough')))
    await expect(impatient).rejects.toThrow('enough')
    expect(await kept.current()).toBe(1)
  })
})
