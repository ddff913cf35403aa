import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest'
import { VoboxError } from '../../../../src/errors.js'
import { voOfOwner } from '../../../../src/node/compose/compose-vo.js'
import { asCClientSays, askJob, jobCallOf } from '../../../../src/node/jobs/ask-service.js'
import { nodeFiles } from '../../../../src/node/ports/files.js'
import { rejectionOf } from '../../../support/failure.js'
import { type JobBox, startJobBox } from '../../../support/job-box.js'

let box: JobBox
let socket: string
beforeAll(async () => {
  box = await startJobBox()
  socket = join(box.directory, 'place.sock')
})
afterAll(() => box.close())

const asking = (timeout?: string) => ({
  environment: { GLITE_PR_TIMEOUT: timeout },
  signal: new AbortController().signal,
})
/** The VO with its socket elsewhere, and another owner. */
const voAt = (uid = box.vo.directory.uid) => ({
  ...box.vo,
  config: { ...box.vo.config, jobs: { ...box.vo.config.jobs, socket } },
  directory: { ...box.vo.directory, uid },
})

it.each([
  [undefined, 120_000],
  ['', 120_000],
  ['5', 5000],
  ['0.25', 250],
  ['.5', 500],
  ['999999999', 86_400_000],
])('waits with GLITE_PR_TIMEOUT=%s for %i ms', async (timeout, deadlineMs) => {
  expect((await jobCallOf(box.vo, asking(timeout))).deadlineMs).toBe(deadlineMs)
})

it.each(['0', '-1', 'soon', '1e3', '5s', '1,5'])('refuses GLITE_PR_TIMEOUT=%s', async (timeout) => {
  const failure = await rejectionOf(jobCallOf(box.vo, asking(timeout)))
  expect([failure.code, failure.data.text]).toEqual(['USAGE', timeout])
})

it('ends after 0.2 s with a service that says nothing', async () => {
  const silent = createServer()
  await new Promise<void>((resolve) => silent.listen(socket, resolve))
  onTestFinished(() => void silent.close())
  const vo = voAt()
  const failure = await rejectionOf(askJob(vo, { command: 'get', jobId: 'a' }, asking('0.2')))
  expect([failure.code, failure.data.deadlineMs]).toEqual(['DEADLINE_EXCEEDED', 200])
})

it('says nothing to a socket of another account, nor to what is no socket', async () => {
  let connected = 0
  const squatter = createServer(() => {
    connected += 1
  })
  await new Promise<void>((resolve) => squatter.listen(socket, resolve))
  const request = { command: 'get', jobId: 'a' } as const
  const vo = voAt(box.vo.directory.uid + 1)
  const foreign = await rejectionOf(askJob(vo, request, asking()))
  expect([foreign.code, foreign.data.reason]).toEqual(['FILE_UNSAFE', 'owner'])
  await new Promise((resolve) => squatter.close(resolve))
  expect(connected).toBe(0)
  writeFileSync(socket, '')
  const file = await rejectionOf(askJob(voAt(), request, asking()))
  expect([file.code, file.data.reason]).toEqual(['FILE_UNSAFE', 'kind'])
})

it('means of several VOs the only one whose directory is the caller’s, and of two of theirs neither', async () => {
  const root = join(box.directory, 'root')
  const uid = process.getuid?.() ?? 0
  expect(await voOfOwner(nodeFiles, root, uid)).toBe('alice')
  expect(await voOfOwner(nodeFiles, root, uid + 1)).toBeUndefined()
  mkdirSync(join(root, 'atlas'), { mode: 0o750 })
  onTestFinished(() => rmSync(join(root, 'atlas'), { recursive: true }))
  expect(await voOfOwner(nodeFiles, root, uid)).toBeUndefined()
})

it('says what the C client says, and of what that does not know our sentence and its cure', () => {
  const data = { jobCode: 1909, meaning: 'Proxy expired' }
  const refused = new VoboxError('JOB_REQUEST_REFUSED', 'register of a: Proxy expired', { data })
  expect(asCClientSays('register', refused)).toBe('Registering proxy failed: Proxy expired\n')
  const down = new VoboxError('JOB_SERVICE_UNREACHABLE', 'nobody\nlistens', { hint: 'start it' })
  expect(asCClientSays('unregister', down)).toBe(
    'Unregistering proxy failed: nobody listens; start it\n',
  )
})
