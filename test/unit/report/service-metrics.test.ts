import { describe, expect, it } from 'vitest'
import { METRICS } from '../../../src/report/metric-table.js'
import {
  hashOf,
  type RegistrationFacts,
  ServiceMetrics,
} from '../../../src/report/service-metrics.js'
import { hours } from '../../support/time.js'

const now = hours(100)
const alice: RegistrationFacts = {
  fileName: '+2fCN+3dalice',
  identity: '/CN=alice "a\nb" \\',
  kind: 'vobox',
  voms: ['alice:/alice/Role=lcgadmin', 'alice'],
  proxyEnd: hours(112),
  attributesEnd: hours(106),
  storedEnd: hours(90),
  failures: 3,
}
const make = (options = {}) =>
  new ServiceMetrics({ vo: 'alice', startedAt: hours(1), showDn: false, ...options })

/** Values by series, labels sorted as they are printed. */
async function seriesOf(metrics: ServiceMetrics): Promise<Map<string, number>> {
  const lines = (await metrics.render(now)).split('\n')
  const samples = lines.filter((line) => line !== '' && !line.startsWith('#'))
  return new Map(
    samples.map((line) => [line.slice(0, line.lastIndexOf(' ')), Number(line.split(' ').at(-1))]),
  )
}
const names = (series: Map<string, number>) => [...series.keys()].map((key) => key.split('{')[0])

describe('ServiceMetrics', () => {
  it('counts seconds down from the ends that were seen, never under 0', async () => {
    const metrics = make()
    metrics.seen(alice)
    metrics.machineProxySeen(hours(101))
    const series = await seriesOf(metrics)
    const labels = `{registration="${hashOf(alice.fileName)}",dn="${hashOf(alice.identity)}",voms="alice:/alice/Role=lcgadmin",kind="vobox",vo="alice"}`
    expect(series.get(`vobox_user_proxy_seconds_left${labels}`)).toBe(12 * 3600)
    expect(series.get(`vobox_attributes_seconds_left${labels}`)).toBe(6 * 3600)
    expect(series.get(`vobox_stored_credential_seconds_left${labels}`)).toBe(0)
    expect(series.get(`vobox_renewal_failures_in_a_row${labels}`)).toBe(3)
    expect(series.get('vobox_machine_proxy_seconds_left{vo="alice"}')).toBe(3600)
    expect(series.get('vobox_metrics_time_seconds{vo="alice"}')).toBe(now)
    expect(series.get('vobox_service_start_time_seconds{vo="alice"}')).toBe(hours(1))
  })

  it('says nothing of what it does not know', async () => {
    const metrics = make()
    metrics.seen({ ...alice, attributesEnd: undefined, storedEnd: undefined })
    const found = names(await seriesOf(metrics))
    expect(found).toContain('vobox_user_proxy_seconds_left')
    for (const what of ['attributes', 'stored_credential', 'machine_proxy']) {
      expect(found).not.toContain(`vobox_${what}_seconds_left`)
    }
  })

  it('forgets a registration that is gone', async () => {
    const metrics = make()
    metrics.seen(alice)
    await metrics.render(now)
    metrics.forget(alice.fileName)
    expect(names(await seriesOf(metrics))).not.toContain('vobox_user_proxy_seconds_left')
  })

  it('shows neither DN nor file name unless it is told to, and then no line feed of them', async () => {
    const hidden = make()
    hidden.seen(alice)
    expect(await hidden.render(now)).not.toMatch(/CN/)
    const shown = make({ showDn: true })
    shown.seen(alice)
    const text = await shown.render(now)
    expect(text).toContain('registration="+2fCN+3dalice",dn="/CN=alice \\"a b\\" \\\\"')
  })

  it('counts jobs and their proxies where jobs are served, and has no such series elsewhere', async () => {
    const metrics = make()
    metrics.turned({ registrations: 5, working: 0, queued: 0 })
    expect(names(await seriesOf(metrics)).filter((name) => name?.includes('job'))).toEqual([])
    metrics.turned({ registrations: 5, working: 0, queued: 0, jobProxies: 2, jobs: 30 })
    const series = await seriesOf(metrics)
    expect(series.get('vobox_registrations{vo="alice"}')).toBe(5)
    expect(series.get('vobox_job_proxies{vo="alice"}')).toBe(2)
    expect(series.get('vobox_jobs{vo="alice"}')).toBe(30)
  })

  it('has a series for the 1 registration before those of 3 job proxies, which end sooner', async () => {
    const metrics = make({ listed: 2, showDn: true })
    for (const end of [3, 1, 2]) {
      metrics.seen({ ...alice, kind: 'job', fileName: `job-${end}`, proxyEnd: hours(100 + end) })
    }
    metrics.seen({ ...alice, proxyEnd: hours(140) })
    const ends = [...(await seriesOf(metrics)).keys()].filter((key) =>
      key.startsWith('vobox_user_proxy'),
    )
    expect(ends.map((key) => /registration="([^"]*)".*kind="(.*?)"/.exec(key)?.slice(1))).toEqual([
      [alice.fileName, 'vobox'],
      ['job-1', 'job'],
    ])
  })

  it('has series for the 2 of 5 registrations that end first, whichever came first', async () => {
    const metrics = make({ listed: 2, showDn: true })
    for (const end of [5, 1, 4, 2, 3]) {
      metrics.seen({ ...alice, fileName: `f${end}`, proxyEnd: hours(100 + end) })
    }
    metrics.turned({ registrations: 5, working: 1, queued: 7 })
    const series = await seriesOf(metrics)
    const listed = [...series.keys()].flatMap(
      (key) => /^vobox_user_proxy_seconds_left\{registration="(\w+)"/.exec(key)?.[1] ?? [],
    )
    expect(listed).toEqual(['f1', 'f2'])
    expect(series.get('vobox_registrations{vo="alice"}')).toBe(5)
    expect(series.get('vobox_registrations_listed{vo="alice"}')).toBe(2)
    expect(series.get('vobox_renewals_running{vo="alice"}')).toBe(1)
    expect(series.get('vobox_renewal_queue_depth{vo="alice"}')).toBe(7)
  })

  it('counts attempts, failures by code and durations, beginning with 0', async () => {
    const metrics = make()
    const count = (outcome: string) =>
      `vobox_renewal_attempts_total{outcome="${outcome}",vo="alice"}`
    expect((await seriesOf(metrics)).get(count('failed'))).toBe(0)
    metrics.attempted('renewed', 0.3)
    metrics.attempted('failed', 40, 'ALL_SERVERS_FAILED')
    metrics.attempted('failed', 41, 'ALL_SERVERS_FAILED')
    const series = await seriesOf(metrics)
    expect(series.get(count('renewed'))).toBe(1)
    expect(series.get(count('failed'))).toBe(2)
    expect(series.get('vobox_renewal_failures_total{code="ALL_SERVERS_FAILED",vo="alice"}')).toBe(2)
    const bucket = (le: string) =>
      series.get(`vobox_renewal_duration_seconds_bucket{le="${le}",vo="alice",outcome="failed"}`)
    expect([bucket('30'), bucket('60'), bucket('+Inf')]).toEqual([0, 2, 2])
    expect(series.get('vobox_renewal_duration_seconds_sum{vo="alice",outcome="failed"}')).toBe(81)
  })

  it('prints nothing that is not in the table, and help for all of it', async () => {
    const metrics = make()
    metrics.seen(alice)
    const text = await metrics.render(now)
    const helped = [...text.matchAll(/^# HELP (\S+) (.*)$/gm)].map(([, name, help]) => [name, help])
    expect(Object.fromEntries(helped)).toEqual(
      Object.fromEntries(Object.entries(METRICS).map(([name, { help }]) => [name, help])),
    )
  })
})
