import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { feedWatchdog } from '../../../../src/node/service/systemd-notify.js'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A service manager that bites after twice `pingMs`. */
function manager(pingMs: number | undefined) {
  const heard: string[] = []
  return {
    ...{ pingMs, heard },
    notify: (...variables: string[]) => void heard.push(...variables),
    settled: async () => undefined,
  }
}

it('feeds a watchdog of 120 s each 60 s, until that is ended', () => {
  const one = manager(60_000)
  const end = feedWatchdog(one)
  vi.advanceTimersByTime(59_999)
  expect(one.heard).toEqual([])
  vi.advanceTimersByTime(60_001)
  expect(one.heard).toEqual(['WATCHDOG=1', 'WATCHDOG=1'])
  end()
  vi.advanceTimersByTime(600_000)
  expect(one.heard).toHaveLength(2)
  expect(vi.getTimerCount()).toBe(0)
})

it('does not feed it while something is wrong', () => {
  const one = manager(1000)
  let isWell = false
  const end = feedWatchdog(one, () => isWell)
  vi.advanceTimersByTime(5000)
  expect(one.heard).toEqual([])
  isWell = true
  vi.advanceTimersByTime(1000)
  expect(one.heard).toEqual(['WATCHDOG=1'])
  end()
})

it('does nothing where there is none', () => {
  const one = manager(undefined)
  feedWatchdog(one)
  expect(vi.getTimerCount()).toBe(0)
})
