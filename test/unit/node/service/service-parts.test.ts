import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { VoboxError } from '../../../../src/errors.js'
import { askJobService, isAnswered } from '../../../../src/jobs/job-client.js'
import type { VoContext } from '../../../../src/node/compose/compose.js'
import {
  openParts,
  openPartsAnew,
  type ServiceParts,
} from '../../../../src/node/service/service-parts.js'
import { rejectionOf } from '../../../support/failure.js'
import { type JobBox, startJobBox } from '../../../support/job-box.js'

let box: JobBox
let log: string[]
let warnings: Record<string, unknown>[]
let closed: string[]
let open: ServiceParts | undefined

beforeEach(async () => {
  box = await startJobBox()
  log = []
  warnings = []
  closed = []
})
afterEach(async () => {
  await open?.close()
  open = undefined
  await box.close()
})

/** The VO as another configuration has it. */
function voWith(name: string, jobs: Partial<VoContext['config']['jobs']> = {}): VoContext {
  const { config } = box.vo
  return {
    ...box.vo,
    config: { ...config, jobs: { ...config.jobs, ...jobs } },
    journal: { write: (level, event) => void log.push(`${level} ${event}`) },
    events: { write: async (_event, fields) => void warnings.push(fields) },
    close: () => void closed.push(name),
  }
}

const options = () => ({ environment: {}, startedAt: box.vo.clock.now() })
const ours = () => box.vo.paths.jobSocket
const call = (socket = ours()) => ({ clock: box.vo.clock, socket, deadlineMs: 10_000 })

/** Something of somebody else in the place of a socket. */
function take(name: string): string {
  const path = name.startsWith('/') ? name : join(box.directory, name)
  rmSync(path, { force: true })
  writeFileSync(path, '')
  return path
}

/** As it is while the first configuration is served; then another one is asked for. */
async function reconfigured(next: () => Promise<VoContext>): Promise<ServiceParts> {
  const before = voWith('before')
  const first = await openParts(before, options())
  await first.close()
  open = await openPartsAnew(before, next, options())
  return open
}

describe('another configuration', () => {
  it('is served, and the one before is closed', async () => {
    const socket = join(box.directory, 'other.sock')
    const { vo, isLacking } = await reconfigured(async () => voWith('next', { socket }))
    expect([vo.config.jobs.socket, isLacking, closed]).toEqual([socket, false, ['before']])
    expect(log).toEqual([])
    expect(await isAnswered(call(socket))).toBe(true)
  })

  it('whose socket is taken changes nothing: the old socket answers, and it is said', async () => {
    const socket = take('taken')
    const { vo, isLacking } = await reconfigured(async () => voWith('next', { socket }))
    expect([vo.config.jobs.socket, isLacking, closed]).toEqual([null, false, ['next']])
    expect(log).toEqual(['error reload-failed'])
    expect(await isAnswered(call())).toBe(true)
    expect(warnings).toEqual([
      {
        reason: `going on as before: the job socket ${socket} is taken: it is no socket`,
        cure: expect.stringContaining(`ls -l ${socket}`),
      },
    ])
  })

  it('with which the VO cannot be opened changes nothing', async () => {
    const { vo } = await reconfigured(() =>
      Promise.reject(new VoboxError('FILE_UNSAFE', 'not ours')),
    )
    expect([vo.config, closed]).toEqual([box.vo.config, []])
    expect(await isAnswered(call())).toBe(true)
  })

  it('ends no renewal where the old socket is taken as well: jobs stay, nobody can ask, and both are said', async () => {
    const parts = await reconfigured(async () => voWith('next', { socket: take(ours()) }))
    expect(parts.isLacking).toBe(true)
    expect(await parts.jobs?.registry.all()).toEqual(new Map())
    expect(log).toEqual(['error reload-failed', 'error service-lacking'])
    expect(warnings[1]?.reason).toMatch(/^going on without the job socket: .* is taken/)
  })

  it('ends no renewal where the journal of jobs cannot be read any more either', async () => {
    const journal = join(box.vo.paths.directory, 'jobs.journal')
    const parts = await reconfigured(async () => {
      rmSync(journal)
      writeFileSync(journal, '', { mode: 0o666 })
      return voWith('next')
    })
    expect([parts.isLacking, parts.jobs]).toEqual([true, undefined])
    expect(log).toEqual(['error reload-failed', 'error service-lacking'])
  })

  it('that serves no jobs any more says that 1 proxy is left to nobody', async () => {
    const { jobs } = await reconfigured(async () => {
      await box.start()
      const proxyFile = box.put('proxy', box.proxyOf('ann'))
      const request = { jobId: 'a', proxyFile, server: 'px.example.org' }
      await askJobService(call(), { command: 'register', ...request })
      await box.stop()
      return voWith('next', { enabled: false })
    })
    expect([jobs, log]).toEqual([undefined, ['warn jobs-left']])
    expect(warnings[0]?.reason).toContain('a proxy of 1 job is renewed by nobody')
  })
})

describe('the first configuration', () => {
  it('must be served as it is: a socket that is taken ends the start', async () => {
    const socket = take('taken')
    const refused = await rejectionOf(openParts(voWith('first', { socket }), options()))
    expect(refused).toMatchObject({ code: 'SOCKET_TAKEN', data: { path: socket } })
  })
})
