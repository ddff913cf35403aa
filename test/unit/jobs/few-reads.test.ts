import { beforeEach, expect, it, onTestFinished, vi } from 'vitest'
import { FewReads } from '../../../src/jobs/few-reads.js'
import { rejectionOf } from '../../support/failure.js'
import { FakeClock } from '../../support/fake-clock.js'
import { openJobScene } from '../../support/job-scene.js'
import { jobWorld } from '../../support/job-world.js'

let clock: FakeClock
let reads: FewReads
beforeEach(() => {
  clock = new FakeClock()
  reads = new FewReads(clock)
})

const never = () => new Promise<never>(() => undefined)

it('answers for /tmp while /nfs hangs with 50 looks, each of which is told 1911 after 10 s', async () => {
  const hung = Array.from({ length: 50 }, (_, at) => rejectionOf(reads.run(`/nfs/${at}`, never)))
  expect(await reads.run('/tmp/x509up', async () => 'read')).toBe('read')
  await clock.advance(10_000)
  for (const { code, data } of await Promise.all(hung)) {
    expect([code, data.jobCode]).toEqual(['JOB_REQUEST_REFUSED', 1911])
  }
})

it('answers for /tmp while two homes hang that are exports of one server', async () => {
  reads = new FewReads(clock, (path) => (path.startsWith('/home/') ? 'homes' : '/'))
  const hung = ['/home/ann/x', '/home/bob/x', '/home/cat/x'].map((path) =>
    rejectionOf(reads.run(path, never)),
  )
  expect(await reads.run('/tmp/x509up', async () => 'read')).toBe('read')
  await clock.advance(10_000)
  await Promise.all(hung)
})

it('counts by the first directory of a path where mounts are not known', async () => {
  const hung = ['/home/ann/x', '/home/bob/x'].map((path) => rejectionOf(reads.run(path, never)))
  expect(await reads.run('/tmp/x509up', async () => 'read')).toBe('read')
  await clock.advance(10_000)
  await Promise.all(hung)
})

it('tells who never had a turn which directories stand in the way, and does not blame its own', async () => {
  const asked = ['/a/dead/1', '/b/dead/1', '/tmp/x509up', '/a/other/2'].map((path) =>
    rejectionOf(reads.run(path, never)),
  )
  await clock.advance(10_000)
  const told = (await Promise.all(asked)).map(({ message, hint, data }) => [
    data.jobCode,
    `${message}. ${hint}`,
  ])
  const silent = 'could not be read within 10 s: its file system does not answer'
  const late = 'did not get its turn within 10 s: no answer from'
  const cure = (places: string) =>
    `Bring back the file server of ${places}, or end its mount with umount -f as root`
  expect(told).toEqual([
    [1911, `/a/dead/1 ${silent}. ${cure('/a/dead')}`],
    [1911, `/b/dead/1 ${silent}. ${cure('/b/dead')}`],
    [1911, `/tmp/x509up ${late} /a/dead and /b/dead. ${cure('/a/dead and /b/dead')}`],
    [1911, `/a/other/2 ${late} /a/dead. ${cure('/a/dead')}`],
  ])
})

it('ends jobs by the paths that we gave them while everything that clients name hangs', async () => {
  const world = await jobWorld()
  const { proxyFile = '' } = await world.register('a', await world.hand('ann'))
  world.files.facts = never
  const hung = ['/a/1', '/b/1'].map((path) => rejectionOf(world.register('hung', path)))
  await world.clock.settle()
  const request = { command: 'unregister', jobId: 'a', proxyFile } as const
  expect(await world.ask(request)).toEqual({ code: 0, proxyFile })
  await world.clock.advance(10_000)
  await Promise.all(hung)
})

it('leaves of 4 threads 2 to the renewals, whatever hangs', async () => {
  let begun = 0
  const hang = () => {
    begun += 1
    return never()
  }
  const hung = ['/a/1', '/a/2', '/b/1', '/c/1', '/d/1'].map((path) =>
    rejectionOf(reads.run(path, hang)),
  )
  await clock.advance(9_999)
  expect(begun).toBe(2)
  await clock.advance(1)
  await Promise.all(hung)
  // Those that were told leave nothing behind, and what hangs goes on hanging.
  expect(begun).toBe(2)
})

it('goes on, in the order of asking, when a file system answers again', async () => {
  let mounted = () => undefined as undefined
  const once = new Promise<string>((resolve) => {
    mounted = () => void resolve('late')
  })
  const order: string[] = []
  const look = (path: string, work: () => Promise<string>) =>
    reads.run(path, work).then((read) => void order.push(`${path} ${read}`))
  const all = [
    look('/nfs/1', () => once),
    look('/nfs/2', async () => 'second'),
    look('/nfs/3', async () => 'third'),
  ]
  await clock.advance(5_000)
  expect(order).toEqual([])
  mounted()
  await Promise.all(all)
  expect(order).toEqual(['/nfs/1 late', '/nfs/2 second', '/nfs/3 third'])
})

it('passes on what went wrong, and gives the turn back', async () => {
  const failing = async () => {
    throw new Error('gone')
  }
  for (let turn = 0; turn < 3; turn += 1) {
    await expect(reads.run('/tmp/x', failing)).rejects.toThrow('gone')
  }
  expect(await reads.run('/tmp/x', async () => 1)).toBe(1)
})

it('tells who registers from /nfs/, which hangs, 1911 after 10 s, and renews and registers others meanwhile', async () => {
  const scene = await openJobScene()
  onTestFinished(() => scene.close())
  const { files, context, service } = scene
  const facts = files.facts.bind(files)
  files.facts = (path) => (path.startsWith('/nfs/') ? never() : facts(path))
  const log = vi.spyOn(context.journal, 'write')
  const hung = Array.from({ length: 5 }, (_, at) => scene.register(`hung-${at}`, `/nfs/${at}`))
  const due = await scene.hand('ann', { hours: 0.45 })
  expect((await scene.register('ann', due)).code).toBe(0)
  await scene.clock.advance(5_000)
  expect(scene.myproxy.asked.length).toBeGreaterThan(0)
  await scene.clock.advance(5_001)
  expect((await Promise.all(hung)).map(({ code }) => code)).toEqual(Array(5).fill(1911))
  const reasons = log.mock.calls.filter(([, event]) => event === 'job-refused')
  expect(reasons.map(([, , message]) => message)).toContain(
    '/nfs/0 could not be read within 10 s: its file system does not answer',
  )
  expect(service.counts.jobs).toBe(1)
})
