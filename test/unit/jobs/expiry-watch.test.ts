import { beforeEach, describe, expect, it } from 'vitest'
import { ExpiryWatch } from '../../../src/jobs/expiry-watch.js'
import { FakeClock } from '../../support/fake-clock.js'

let clock: FakeClock
let watch: ExpiryWatch

beforeEach(() => {
  clock = new FakeClock()
  watch = new ExpiryWatch(clock)
})

const sureAfter = async (seconds: number) => {
  await clock.advanceSeconds(seconds)
  return watch.isSure('job-1')
}

describe('that a proxy has expired', () => {
  it('is sure when it was seen twice, 300 s apart, and not after 299 s', async () => {
    expect(await sureAfter(0)).toBe(false)
    expect(await sureAfter(299)).toBe(false)
    expect(await sureAfter(1)).toBe(true)
  })

  it('is sure of one proxy and not of another', async () => {
    await sureAfter(0)
    await clock.advanceSeconds(300)
    expect(watch.isSure('job-2')).toBe(false)
    expect(watch.isSure('job-1')).toBe(true)
  })

  it.each([3600, -3600])(
    'counts from the start where the clock was set by %i s between',
    async (by) => {
      await sureAfter(0)
      clock.jump(by)
      expect(await sureAfter(600)).toBe(false)
      expect(await sureAfter(300)).toBe(true)
    },
  )

  it('counts from the start once it was seen alive', async () => {
    await sureAfter(0)
    watch.forget('job-1')
    expect(await sureAfter(600)).toBe(false)
  })

  it('is not seen again early by who asks again when told to', () => {
    expect(ExpiryWatch.AGAIN_SECONDS).toBeGreaterThan(300)
  })
})
