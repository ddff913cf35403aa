import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import { askJobService, isAnswered } from '../../../src/jobs/job-client.js'
import { JobSocket, type JobSocketOptions } from '../../../src/jobs/job-socket.js'
import { JOB_CODES } from '../../../src/jobs/protocol/codes.js'
import { encodeFrame } from '../../../src/jobs/protocol/frame.js'
import { jobRefusal } from '../../../src/jobs/protocol/refusal.js'
import type { JobRequest } from '../../../src/jobs/protocol/request.js'
import { systemClock } from '../../../src/node/ports/clock.js'
import { rejectionOf } from '../../support/failure.js'
import { FakeClock } from '../../support/fake-clock.js'
import { openJobScene } from '../../support/job-scene.js'
import { registerLines } from '../../support/raw-jobs.js'

const VERSION = 'Version=EDG Proxy Renewal 1.0\n'

let directory: string
let path: string
let ends: (() => Promise<unknown>)[]

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'job-socket-'))
  path = join(directory, 'socket')
  ends = [() => rm(directory, { recursive: true })]
})

afterEach(async () => {
  for (const end of ends.reverse()) await end()
})

async function listen(options: Partial<JobSocketOptions>): Promise<JobSocket> {
  const jobs = new JobSocket({
    clock: systemClock,
    journal: { write: () => undefined },
    serve: async () => ({ code: 0, proxyFile: '/r/f' }),
    ...options,
  })
  const server: Server = createServer({ allowHalfOpen: true })
  jobs.attach(server)
  await new Promise<void>((resolve) => server.listen(path, resolve))
  ends.push(() => jobs.close())
  return jobs
}

/** Everything that comes back. */
function talk(bytes: Buffer | string, end = false): Promise<string> {
  const socket = connect(path)
  socket.write(bytes)
  if (end) socket.end()
  return answerOf(socket)
}

async function answerOf(socket: Socket): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of socket) pieces.push(piece as Buffer)
  return Buffer.concat(pieces).subarray(4).toString()
}

/** Within the deadline of the test. */
async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await new Promise((resolve) => setTimeout(resolve, 5))
}

const call = () => ({ clock: systemClock, socket: path, deadlineMs: 5000 })

describe('the job socket', () => {
  it('answers one request and closes, whether or not the client has ended its half', async () => {
    await listen({})
    const frame = encodeFrame(`${VERSION}Command=3\nJobid=j\n`)
    const answer = `${VERSION}Response=0\nProxy_name=/r/f\n\0`
    expect(await talk(frame)).toBe(answer)
    expect(await talk(frame, true)).toBe(answer)
  })

  it.each([
    ['a frame that is too large', Buffer.from([0xff, 0xff, 0xff, 0xff]), 1903],
    ['an unknown command', encodeFrame(`${VERSION}Command=4\n`), 1905],
    ['a client that ends within its request', Buffer.from([0, 0]), 1901],
  ])('has a code for %s', async (_what, bytes, code) => {
    await listen({})
    expect(await talk(bytes, true)).toBe(`${VERSION}Response=${code}\n\0`)
  })

  it.each([
    ['a refusal', jobRefusal(JOB_CODES.NOT_REGISTERED, 'no'), 1908],
    ['a full disk', new VoboxError('FILE_UNWRITABLE', 'full', { data: { errno: 'ENOSPC' } }), 28],
    ['anything else', new TypeError('a bug'), 1902],
  ])('has a code for %s', async (_what, error, code) => {
    await listen({ serve: () => Promise.reject(error) })
    const refused = rejectionOf(askJobService(call(), { command: 'get', jobId: 'j' }))
    expect((await refused).data.jobCode).toBe(code)
  })

  it('says of what nobody has read any more that it is unheard, of a client that ended its half it is not', async () => {
    const answers: (() => void)[] = []
    const unheard: unknown[] = []
    await listen({
      serve: () =>
        new Promise((resolve) => {
          answers.push(() => resolve({ code: 0, proxyFile: '/r/f' }))
        }),
      unheard: async (...all) => void unheard.push(all),
    })
    const frame = encodeFrame(`${VERSION}Command=2\nJobid=j\n`)
    const waiting = talk(frame, true)
    await until(() => answers.length === 1)
    answers[0]?.()
    expect(await waiting).toBe(`${VERSION}Response=0\nProxy_name=/r/f\n\0`)
    const gone = connect(path)
    const closed = new Promise((resolve) => gone.once('close', resolve))
    gone.write(frame, () => gone.destroy())
    await until(() => answers.length === 2)
    await closed
    expect(unheard).toEqual([])
    answers[1]?.()
    await until(() => unheard.length > 0)
    expect(unheard).toEqual([
      [
        { command: 'unregister', jobId: 'j' },
        { code: 0, proxyFile: '/r/f' },
      ],
    ])
  })

  it('has a registration taken back whose answer could not be written', async () => {
    const scene = await openJobScene()
    ends.push(() => scene.close())
    const proxyFile = await scene.hand('ann')
    const log = vi.spyOn(scene.context.journal, 'write')
    const lines = registerLines('a', proxyFile, 'px.example.org')
    const gone = connect(scene.place.path)
    gone.write(encodeFrame(`${VERSION}${lines}`), () => gone.destroy())
    const isTold = () => log.mock.calls.some(([, event]) => event === 'job-unheard')
    await until(isTold)
    await until(() => scene.service.counts.jobs === 0)
    await until(async () => (await scene.kept()).length === 0)
  })

  it.each([
    ['a refusal', jobRefusal(JOB_CODES.GENERIC, 'no', { hint: 'do this' }), 'do this'],
    ['a refusal that nobody can cure', jobRefusal(JOB_CODES.GENERIC, 'no'), undefined],
    ['a full disk', new VoboxError('FILE_UNWRITABLE', 'full'), expect.stringMatching(/^df shows/)],
  ])('logs the cure of %s', async (_what, error, cure) => {
    const write = vi.fn()
    await listen({ serve: () => Promise.reject(error), journal: { write } })
    await rejectionOf(askJobService(call(), { command: 'get', jobId: 'j' }))
    const [, event, , fields] = write.mock.calls[0] ?? []
    expect([event, fields]).toEqual(['job-refused', expect.objectContaining({ cure })])
  })

  it('cuts a client that drips, at its deadline, and serves others meanwhile', async () => {
    const clock = new FakeClock()
    await listen({ clock, deadlineMs: 30_000 })
    const slow = connect(path)
    const cut = answerOf(slow)
    slow.write(Buffer.from([0]))
    const others = Array.from({ length: 20 }, () => isAnswered(call()))
    expect(await Promise.all(others)).not.toContain(false)
    await clock.advance(29_000)
    slow.write(Buffer.from([0]))
    await isAnswered(call())
    await clock.advance(1000)
    expect(await cut).toBe(`${VERSION}Response=1911\n\0`)
  })

  it('cuts whoever is silent longest when one more comes than there is room for', async () => {
    await listen({ maxConnections: 3 })
    const silent = Array.from({ length: 3 }, () => connect(path))
    const cut = answerOf(silent[0] as Socket)
    await isAnswered(call())
    expect(await isAnswered(call())).toBe(true)
    expect(await cut).toBe(`${VERSION}Response=1911\n\0`)
    for (const socket of silent.slice(1)) socket.destroy()
  })

  it('says to try again when the 2 that it has room for are being served, and does nothing else', async () => {
    const asked: JobRequest[] = []
    await listen({
      maxConnections: 2,
      serve: (request) => {
        asked.push(request)
        return new Promise(() => undefined)
      },
    })
    const served = Array.from({ length: 2 }, () => {
      const socket = connect(path)
      socket.write(encodeFrame(`${VERSION}Command=3\nJobid=j\n`))
      return socket
    })
    while (asked.length < 2) await new Promise((resolve) => setTimeout(resolve, 5))
    const refused = rejectionOf(askJobService(call(), { command: 'get', jobId: 'third' }))
    expect((await refused).data.jobCode).toBe(11)
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(asked.map(({ jobId }) => jobId)).toEqual(['j', 'j'])
    for (const socket of served) socket.destroy()
  })

  it('keeps nothing of what a client sends behind its request', async () => {
    let answer: (() => void) | undefined
    await listen({
      serve: () =>
        new Promise((resolve) => {
          answer = () => resolve({ code: 0, proxyFile: '/r/f' })
        }),
    })
    const socket = connect(path)
    const answered = answerOf(socket)
    socket.write(encodeFrame(`${VERSION}Command=3\nJobid=j\n`))
    while (answer === undefined) await new Promise((resolve) => setTimeout(resolve, 5))
    const before = process.memoryUsage().arrayBuffers
    const flood = Buffer.alloc(1 << 20)
    for (let sent = 0; sent < 100; sent += 1) {
      await new Promise((resolve) => socket.write(flood, resolve))
    }
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(50 << 20)
    answer()
    expect(await answered).toBe(`${VERSION}Response=0\nProxy_name=/r/f\n\0`)
  })

  it('tells who is being served what became of it, and cuts who has not asked, when the service stops', async () => {
    let answer: (() => void) | undefined
    const jobs = await listen({
      serve: () =>
        new Promise((resolve) => {
          answer = () => resolve({ code: 0, proxyFile: '/r/f' })
        }),
    })
    const silent = answerOf(connect(path))
    const asked = askJobService(call(), { command: 'get', jobId: 'j' })
    while (answer === undefined) await new Promise((resolve) => setTimeout(resolve, 5))
    const closed = jobs.close()
    expect(await silent).toBe(`${VERSION}Response=1902\n\0`)
    answer()
    expect(await asked).toEqual({ code: 0, proxyFile: '/r/f' })
    await closed
  })

  it('cuts what is never served 2 s after the service stops', async () => {
    const jobs = await listen({ serve: () => new Promise(() => undefined) })
    const asked = askJobService(call(), { command: 'get', jobId: 'j' })
    const refused = rejectionOf(asked)
    await new Promise((resolve) => setTimeout(resolve, 50))
    await jobs.close()
    expect((await refused).code).toBe('JOB_REQUEST_REFUSED')
    expect(await isAnswered(call())).toBe(false)
  })
})

describe('a client', () => {
  it('says that nobody listens', async () => {
    const refused = await rejectionOf(askJobService(call(), { command: 'get', jobId: 'j' }))
    expect(refused).toMatchObject({
      code: 'JOB_SERVICE_UNREACHABLE',
      data: { socket: path, errno: 'ENOENT' },
    })
  })

  it('waits no longer than its deadline', async () => {
    const server = createServer((socket) => void socket.resume())
    await new Promise<void>((resolve) => server.listen(path, resolve))
    ends.push(() => new Promise((resolve) => server.close(resolve)))
    const asked = askJobService({ ...call(), deadlineMs: 100 }, { command: 'get', jobId: 'j' })
    expect((await rejectionOf(asked)).code).toBe('DEADLINE_EXCEEDED')
  })
})
