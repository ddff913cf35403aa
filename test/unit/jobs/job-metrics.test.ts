/** Metrics of job proxies, from the scheduler that renews them to the page that Prometheus asks for. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import { type ServiceMonitor, startMonitor } from '../../../src/node/service/service-monitor.js'
import type { DaemonContext } from '../../../src/renewal/daemon.js'
import type { ServiceSummary } from '../../../src/renewal/service-status.js'
import { ask } from '../../support/http-ask.js'
import { type JobScene, openJobScene } from '../../support/job-scene.js'
import { type RenewalWorld, renewalWorld } from '../../support/renewal-world.js'

let world: RenewalWorld
let monitor: ServiceMonitor
let scene: JobScene
let place: string

beforeEach(async () => {
  world = renewalWorld()
  place = mkdtempSync(join(tmpdir(), 'metrics-'))
  const { context, clock, files, config } = world
  monitor = await startMonitor({
    ...{ vo: 'alice', startedAt: clock.now(), files, clock },
    ...{ journal: context.journal, events: context.events },
    config: { ...config.metrics, listen: 'socket', showDn: true },
    socket: join(place, 'metrics.sock'),
  })
  const sink: DaemonContext['sink'] = {
    observe: async () => undefined,
    forget: async () => undefined,
  }
  scene = await openJobScene(world, {
    sink: monitor.watching(sink),
    onOutcome: (outcome, seconds) => monitor.attempted(outcome, seconds),
  })
})
afterEach(async () => {
  await scene.close()
  await monitor.close()
  rmSync(place, { recursive: true })
})

/** Lines of the page that are about one metric, as its labels' kind, or whose it is, and its value. */
async function page(summary?: Partial<ServiceSummary>): Promise<(name: string) => string[]> {
  monitor.turned({ registrations: 0, working: 0, queued: 0, ...scene.service.counts, ...summary })
  const { body } = await ask({ socketPath: join(place, 'metrics.sock') })
  const lines = body.split('\n').filter((line) => !line.startsWith('#'))
  return (name) => lines.filter((line) => new RegExp(`^${name}[ {]`).test(line))
}
const numberOf = (line = '') => Number(line.slice(line.lastIndexOf(' ') + 1))
const refuse = () => {
  world.myproxy.behave = async () => {
    throw new VoboxError('MYPROXY_NOT_AUTHORISED_RENEWER', 'no')
  }
}

it('count 3 jobs and 2 proxies, each with the seconds that its file has left, marked as of jobs', async () => {
  const ann = await scene.hand('ann')
  await scene.register('1', ann)
  await scene.register('2', ann)
  await scene.register('3', await scene.hand('bob', { hours: 5 }))
  await scene.pass(0.1)
  const of = await page()
  expect([of('vobox_jobs'), of('vobox_job_proxies')].map(([line]) => numberOf(line))).toEqual([
    3, 2,
  ])
  const left = of('vobox_user_proxy_seconds_left')
  expect(left).toHaveLength(2)
  expect(left.every((line) => line.includes('kind="job"'))).toBe(true)
  expect(left.map((line) => Math.round(numberOf(line) / 360) / 10).sort()).toEqual([4.9, 9.9])
})

it('say that a renewal failed, with its code, and that it worked again', async () => {
  refuse()
  await scene.register('1', await scene.hand('ann', { hours: 2 }))
  await scene.pass(1.6)
  const failing = await page()
  expect(numberOf(failing('vobox_renewal_failures_in_a_row')[0])).toBeGreaterThan(0)
  const [code = ''] = failing('vobox_renewal_failures_total')
  expect(code).toContain('code="MYPROXY_NOT_AUTHORISED_RENEWER"')
  world.myproxy.behave = async () => undefined
  await scene.register('2', await scene.hand('ann', { hours: 1 }))
  await scene.pass(0.7)
  const of = await page()
  expect(of('vobox_renewal_failures_in_a_row').map(numberOf)).toEqual([0])
})

it('have no series of a proxy whose last job ended, nor of one that was dropped', async () => {
  refuse()
  await scene.register('1', await scene.hand('ann'))
  await scene.register('2', await scene.hand('bob', { hours: 1 }))
  await scene.pass(0.1)
  expect((await page())('vobox_user_proxy_seconds_left')).toHaveLength(2)
  await scene.end('1')
  await scene.pass(0.1)
  expect((await page())('vobox_user_proxy_seconds_left')).toHaveLength(1)
  await scene.pass(1.2)
  const of = await page()
  expect(of('vobox_user_proxy_seconds_left')).toEqual([])
  expect([of('vobox_jobs'), of('vobox_job_proxies')].map(([line]) => numberOf(line))).toEqual([
    0, 0,
  ])
  expect(world.events('job-proxy-dropped')).toHaveLength(1)
})
