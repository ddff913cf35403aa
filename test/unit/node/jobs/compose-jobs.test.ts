import { chmodSync, lstatSync } from 'node:fs'
import { dirname } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { askJobService } from '../../../../src/jobs/job-client.js'
import { jobsLeft, openJobs, sayJobsLeft } from '../../../../src/node/compose/compose-jobs.js'
import { type JobBox, startJobBox } from '../../../support/job-box.js'

let box: JobBox

beforeEach(async () => {
  box = await startJobBox()
})
afterEach(() => box.close())

const register = (jobId: string) =>
  askJobService(
    { clock: box.vo.clock, socket: box.vo.paths.jobSocket, deadlineMs: 10_000 },
    {
      command: 'register',
      jobId,
      proxyFile: box.put(jobId, box.proxyOf('ann')),
      server: 'px.example.org',
    },
  )

const configured = (jobs: Partial<JobBox['vo']['config']['jobs']>) => ({
  ...box.vo,
  config: { ...box.vo.config, jobs: { ...box.vo.config.jobs, ...jobs } },
})

describe('job proxies that lie there though jobs are not served', () => {
  it('are counted: 1 proxy of 2 jobs, and none while jobs are served', async () => {
    await box.start()
    await register('a')
    await register('b')
    await box.stop()
    expect(await jobsLeft(box.vo)).toBeUndefined()
    const left = await jobsLeft(configured({ enabled: false }))
    expect(left).toEqual({ jobProxies: 1, jobs: 2 })
    expect(left && sayJobsLeft(left).reason).toBe(
      'jobs are not served, and a proxy of 2 jobs is renewed by nobody',
    )
  })

  it('are none where there never was a job', async () => {
    expect(await jobsLeft(configured({ enabled: false }))).toBeUndefined()
  })
})

describe('the directory of the socket', () => {
  it('that is there as 0700 or 0770 follows jobs.mode: 0750 for 0660, and 0700 again for 0600', async () => {
    const directory = dirname(box.vo.paths.jobSocket)
    const modesWith = async (mode: '0600' | '0660') => {
      const served = await openJobs(configured({ mode }))
      const modes = [directory, box.vo.paths.jobSocket].map((path) => lstatSync(path).mode & 0o777)
      await served?.close()
      return modes
    }
    expect(await modesWith('0600')).toEqual([0o700, 0o600])
    expect(await modesWith('0660')).toEqual([0o750, 0o660])
    chmodSync(directory, 0o770)
    expect(await modesWith('0660')).toEqual([0o750, 0o660])
    expect(await modesWith('0600')).toEqual([0o700, 0o600])
  })
})
