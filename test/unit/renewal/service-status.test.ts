import { describe, expect, it } from 'vitest'
import { encodeServiceStatus, parseServiceStatus } from '../../../src/renewal/service-status.js'
import { hours } from '../../support/time.js'

const status = {
  pid: 17,
  startedAt: hours(1),
  registrations: 3,
  working: 1,
  queued: 0,
  nextDueAt: hours(2),
}

describe('the status file', () => {
  it('comes back as it was written, with and without a next look', () => {
    expect(parseServiceStatus(encodeServiceStatus(status))).toEqual(status)
    const { nextDueAt: _none, ...idle } = status
    expect(parseServiceStatus(encodeServiceStatus(idle))).toEqual(idle)
  })

  it('has the number of jobs and of their proxies, 0 too, where jobs are served', () => {
    const serving = { ...status, jobProxies: 0, jobs: 0 }
    expect(parseServiceStatus(encodeServiceStatus(serving))).toEqual(serving)
  })

  it.each([
    [
      'a number of jobs that is none',
      '{"version":1,"pid":17,"startedAt":1,"registrations":0,"working":0,"jobs":"x"}',
    ],
    ['nothing', ''],
    ['half of it', '{"version":1,"pid":17'],
    ['another version', '{"version":2,"pid":17}'],
    [
      'a pid that is no number',
      '{"version":1,"pid":"17","startedAt":1,"registrations":0,"working":0}',
    ],
    ['a list', '[1]'],
  ])('is nothing when it holds %s', (_name, text) => {
    expect(parseServiceStatus(Buffer.from(text))).toBeUndefined()
  })
})
