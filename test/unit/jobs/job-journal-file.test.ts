import { beforeEach, describe, expect, it } from 'vitest'
import { encodeRecord } from '../../../src/jobs/job-record.js'
import { JobStore, readJobs } from '../../../src/jobs/job-store.js'
import { rejectionOf } from '../../support/failure.js'
import { filesOf, JobStoreWorld, record } from '../../support/job-store-world.js'
import { endJob, firstJob, jobFile, moreJob } from '../../support/jobs.js'
import { diskFull } from '../../support/memory-files.js'

const PATH = JobStoreWorld.JOURNAL

let world: JobStoreWorld
let { files, log } = new JobStoreWorld()

beforeEach(() => {
  world = new JobStoreWorld()
  ;({ files, log } = world)
})

const dependencies = () => world.dependencies()
const openStore = () => world.open()

describe('the journal of jobs', () => {
  const OTHERS = encodeRecord(firstJob('from a backup', 9))

  it.each([
    ['removed', undefined],
    ['emptied', ''],
    ['replaced by another one', OTHERS],
  ])('is written anew with all 3 jobs where somebody had it %s', async (_how, text) => {
    const store = await openStore()
    await store.change(record(firstJob('a', 1)))
    await store.change(record(moreJob('b', 1)))
    if (text === undefined) await files.remove(PATH)
    else await files.replace(PATH, Buffer.from(text), { mode: 0o600 })
    await store.change(record(moreJob('c', 1)))
    expect(filesOf(await readJobs(dependencies()))).toEqual([[jobFile(1), ['a', 'b', 'c']]])
    expect(await new JobStore(dependencies()).open()).toBe(true)
    expect(log).toEqual([{ level: 'warn', event: 'jobs-journal-changed' }])
  })

  it('is not appended to, and nobody told 0, while it is gone and cannot be written anew', async () => {
    const store = await openStore()
    await store.change(record(firstJob('a', 1)))
    await files.remove(PATH)
    files.refuse = (operation, path) => (operation === 'replace' ? diskFull(path) : undefined)
    for (const job of ['b', 'c']) {
      const failed = store.change(record(moreJob(job, 1)))
      expect((await rejectionOf(failed)).code).toBe('FILE_UNWRITABLE')
    }
    expect(await files.facts(PATH)).toBeUndefined()
    files.refuse = () => undefined
    await store.change(record(moreJob('d', 1)))
    expect(filesOf((await openStore()).book)).toEqual([[jobFile(1), ['a', 'd']]])
  })

  /** 1000 jobs come, and go but for one; returns how often a rewrite has been tried since. */
  async function overdue() {
    const store = await openStore()
    await store.change(record(firstJob('a', 1)))
    const jobs = Array.from({ length: 1000 }, (_, at) => `${at}`.padEnd(200, 'x'))
    await Promise.all(jobs.map((job) => store.change(record(moreJob(job, 1)))))
    let tries = 0
    files.refuse = (operation, path) => {
      if (operation !== 'replace') return undefined
      tries += 1
      return diskFull(path)
    }
    await Promise.all(jobs.map((job) => store.change(record(endJob(job, 1)))))
    return { store, tries: () => tries }
  }

  it('lets jobs end while it is due to be written anew and the disk has no room for that', async () => {
    const { store, tries } = await overdue()
    for (const job of ['b', 'c', 'd']) {
      await store.change(record(moreJob(job, 1)))
      await store.change(record(endJob(job, 1)))
    }
    expect(tries()).toBe(1)
    expect(filesOf(await readJobs(dependencies()))).toEqual([[jobFile(1), ['a']]])
  })

  it('stays under 210 kB while one job is registered 4000 times', async () => {
    const store = await openStore()
    await store.change(record(firstJob('a', 1)))
    for (let group = 0; group < 40; group += 1) {
      const more = Array.from({ length: 100 }, () => store.change(record(moreJob('a', 1))))
      await Promise.all(more)
      expect(files.text(PATH).length).toBeLessThan(210_000)
    }
    expect((await openStore()).book.get(jobFile(1))?.jobs.get('a')).toBe(4001)
  })

  it('is written anew in the end, when 192 kB later the disk has room', async () => {
    const { store } = await overdue()
    await store.change(record(endJob('nobody', 1)))
    files.refuse = () => undefined
    const size = files.text(PATH).length
    for (let at = 0; at < 60; at += 1) {
      const job = `${at}`.padEnd(1900, 'x')
      await store.change(record(moreJob(job, 1)))
      await store.change(record(endJob(job, 1)))
    }
    expect(files.text(PATH).length).toBeLessThan(size)
    expect(filesOf((await openStore()).book)).toEqual([[jobFile(1), ['a']]])
  })

  it('takes the next change by an append where one failed, was cut off, and no rewrite fits', async () => {
    const store = await openStore()
    await store.change(record(firstJob('a', 1)))
    files.refuse = (_operation, path) => diskFull(path)
    const failed = store.change(record(firstJob('b'.repeat(1000), 2)))
    expect((await rejectionOf(failed)).code).toBe('FILE_UNWRITABLE')
    files.refuse = (operation, path) => (operation === 'replace' ? diskFull(path) : undefined)
    await store.change(record(moreJob('c', 1)))
    expect(filesOf(await readJobs(dependencies()))).toEqual([[jobFile(1), ['a', 'c']]])
  })

  it('refuses all changes while a rewrite that failed may be gone after a crash, of any size', async () => {
    const store = await openStore()
    await store.change(record(firstJob('a', 1)))
    const { append, replace } = { append: files.append, replace: files.replace }
    files.append = () => Promise.reject(diskFull(PATH))
    // In place, with the very bytes that were there before; the directory cannot be synced.
    files.replace = async (...all) => {
      await replace.apply(files, all)
      throw diskFull(PATH)
    }
    await rejectionOf(store.change(record(moreJob('b', 1))))
    files.append = append
    files.refuse = (operation, path) => (operation === 'replace' ? diskFull(path) : undefined)
    const failed = store.change(record(moreJob('c', 1)))
    expect((await rejectionOf(failed)).code).toBe('FILE_UNWRITABLE')
    files.replace = replace
    files.refuse = () => undefined
    await store.change(record(moreJob('d', 1)))
    expect(filesOf((await openStore()).book)).toEqual([[jobFile(1), ['a', 'd']]])
  })
})
