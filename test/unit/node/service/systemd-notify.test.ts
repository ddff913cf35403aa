import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { feedWatchdog, serviceManager } from '../../../../src/node/service/systemd-notify.js'

beforeEach(() => {
  vi.useFakeTimers()
})
afterEach(() => {
  vi.useRealTimers()
})

/** A service manager that hears from us each `pingMs`. */
function manager(pingMs: number | undefined) {
  const heard: string[] = []
  return {
    ...{ pingMs, heard },
    notify: (...variables: string[]) => void heard.push(...variables),
    settled: async () => undefined,
  }
}

const journal = { write: () => undefined }
const environment = (usec: string, pid?: string) => ({
  ...{ NOTIFY_SOCKET: '/nowhere/notify', WATCHDOG_USEC: usec, WATCHDOG_PID: pid },
})

it('feeds a watchdog of 120 s each 30 s, so that 2 lost messages do no harm, until that is ended', () => {
  const { pingMs } = serviceManager(environment('120000000'), 7, journal)
  const one = manager(pingMs)
  const end = feedWatchdog(one)
  vi.advanceTimersByTime(29_999)
  expect(one.heard).toEqual([])
  vi.advanceTimersByTime(90_000)
  expect(one.heard).toEqual(['WATCHDOG=1', 'WATCHDOG=1', 'WATCHDOG=1'])
  end()
  vi.advanceTimersByTime(600_000)
  expect(one.heard).toHaveLength(3)
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

it.each([
  ['is meant for this process', environment('4000', '7'), 1],
  ['is meant for another', environment('120000000', '8'), undefined],
  ['is none', { NOTIFY_SOCKET: '/nowhere/notify' }, undefined],
  ['has nobody to hear of it', { WATCHDOG_USEC: '120000000' }, undefined],
])('feeds one that %s accordingly', (_what, given, pingMs) => {
  expect(serviceManager(given, 7, journal).pingMs).toBe(pingMs)
})

it('does nothing where there is none', () => {
  const one = manager(undefined)
  feedWatchdog(one)
  expect(vi.getTimerCount()).toBe(0)
})
