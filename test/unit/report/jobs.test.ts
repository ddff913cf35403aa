import { describe, expect, it } from 'vitest'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import {
  encodeJobs,
  encodeJobUnregistered,
  type SharedJobProxy,
  showJobLines,
  showJobProxies,
  showJobUnregistered,
} from '../../../src/report/jobs-text.js'

const now = asUnixSeconds(1_800_000_000)
const FILE = '/vo/job_repository/job-01'

const shared = (differs: Partial<SharedJobProxy> = {}): SharedJobProxy => ({
  ...{ identity: '/CN=anna', server: 'px:7512', voms: [], kind: 'rfc3820', limited: false },
  ...{ registeredAt: now, file: FILE, end: asUnixSeconds(now + 7200) },
  jobs: [{ jobId: 'one', count: 1 }],
  ...differs,
})

describe('job list', () => {
  it('has a row for each proxy with the number of its jobs, what is left, kind and attributes', () => {
    const rows = [
      shared({ jobs: [1, 2, 3].map((id) => ({ jobId: `${id}`, count: 1 })) }),
      shared({ end: now, limited: true, voms: ['alice:/alice/Role=x', 'alice'] }),
      shared({ end: null, identity: '/CN=\u001b[31m' }),
    ]
    const lines = showJobProxies(rows, now).trimEnd().split('\n')
    expect(lines.map((line) => line.split(/ {2,}/))).toEqual([
      ['JOBS', 'PROXY', 'SERVER', 'KIND', 'ATTRIBUTES', 'IDENTITY', 'FILE'],
      ['3', '2 h', 'px:7512', 'rfc3820', '-', '/CN=anna', FILE],
      [
        '1',
        'expired',
        'px:7512',
        'rfc3820, limited',
        'alice:/alice/Role=x,alice',
        '/CN=anna',
        FILE,
      ],
      ['1', 'unusable', 'px:7512', 'rfc3820', '-', '/CN= [31m', FILE],
    ])
  })

  it('has with --jobs a line for each registration, 3 of 2 jobs, and cuts no id of 500 letters', () => {
    const long = 'x'.repeat(500)
    const jobs = [
      { jobId: 'twice\twith a tab', count: 2 },
      { jobId: long, count: 1 },
    ]
    const twice = `${FILE}\ttwice with a tab\n`
    expect(showJobLines([shared({ jobs })])).toBe(`${twice}${twice}${FILE}\t${long}\n`)
  })

  it('has in JSON each job with how often it is registered', () => {
    const { vo, proxies } = JSON.parse(encodeJobs('alice', [shared()]))
    expect([vo, proxies]).toEqual(['alice', [JSON.parse(JSON.stringify(shared()))]])
  })
})

describe('job unregister', () => {
  const done = { jobId: 'one', proxyFile: FILE, end: null, renewalAt: null }

  it('says that the last job took the proxy along', () => {
    expect(showJobUnregistered(done)).toBe(
      `successfully unregistered one\n  proxy    ${FILE}, removed with its last job\n`,
    )
    expect(JSON.parse(encodeJobUnregistered('alice', done)).proxyRemoved).toBe(true)
  })

  it('says until when others share it', () => {
    const left = { ...done, end: now, renewalAt: now }
    expect(showJobUnregistered(left)).toContain('shared until 2027-01-15')
    expect(JSON.parse(encodeJobUnregistered('alice', left)).proxyRemoved).toBe(false)
  })
})
