import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { beforeEach, describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import { tellsProxy } from '../../../src/jobs/job-book.js'
import { encodeRecord } from '../../../src/jobs/job-record.js'
import { JobStore, readJobs } from '../../../src/jobs/job-store.js'
import { rejectionOf } from '../../support/failure.js'
import { filesOf, JobStoreWorld, record } from '../../support/job-store-world.js'
import { endJob, firstJob, jobFile, moreJob } from '../../support/jobs.js'
import { diskFull } from '../../support/memory-files.js'

const PATH = JobStoreWorld.JOURNAL

let world: JobStoreWorld
let { clock, files, log, entries } = new JobStoreWorld()

beforeEach(() => {
  world = new JobStoreWorld()
  ;({ clock, files, log, entries } = world)
})

const dependencies = () => world.dependencies()
const openStore = () => world.open()

const jobProxyOf = (store: JobStore) => {
  const shared = store.book.get(jobFile(1))
  if (shared === undefined) throw new Error('nobody shares it')
  return shared
}
const tells = (store: JobStore) => tellsProxy(store.book.get(jobFile(1)))

describe('the store', () => {
  it('has a change on disk when it says so: another process finds it', async () => {
    const store = await openStore()
    await store.change(record(firstJob('a', 1)))
    await store.change(record(moreJob('b', 1)))
    await store.change(record(endJob('a', 1)))
    expect(filesOf(await readJobs(dependencies()))).toEqual([[jobFile(1), ['b']]])
    expect(filesOf((await openStore()).book)).toEqual([[jobFile(1), ['b']]])
  })

  it('writes eight changes that come together with one sync, decided one after the other', async () => {
    const store = await openStore()
    let appends = 0
    files.refuse = (operation) => {
      if (operation === 'append') appends += 1
      return undefined
    }
    const seen = await Promise.all(
      Array.from({ length: 8 }, (_, at) =>
        store.change((book) => {
          const known = book.get(jobFile(1))
          return {
            record: known ? moreJob(`j${at}`, 1) : firstJob(`j${at}`, 1),
            result: known?.jobs.size ?? 0,
          }
        }),
      ),
    )
    expect(seen).toEqual([0, 1, 2, 3, 4, 5, 6, 7])
    expect(appends).toBe(1)
  })

  it('tells whom it refuses alone, in a group too', async () => {
    const store = await openStore()
    const refused = rejectionOf(
      store.change(() => {
        throw new VoboxError('JOB_REQUEST_REFUSED', 'no')
      }),
    )
    await store.change(record(firstJob('a', 1)))
    expect((await refused).code).toBe('JOB_REQUEST_REFUSED')
    expect(store.book.size).toBe(1)
  })

  it('has the file before the record, and removes what goes only after it', async () => {
    const store = await openStore()
    const order: string[] = []
    files.refuse = (operation) => {
      order.push(operation)
      return undefined
    }
    await store.change(() => ({
      record: firstJob('a', 1),
      before: { file: jobFile(1), write: async () => void order.push('file') },
      after: async () => void order.push('removed'),
      result: undefined,
    }))
    await store.settled()
    expect(order).toEqual(['file', 'append', 'removed'])
  })

  it('takes back what a full disk refused, and writes the next change on sound ground', async () => {
    const store = await openStore()
    await store.change(record(firstJob('a', 1)))
    const append = files.append.bind(files)
    files.append = async (path, _bytes, mode) => {
      await append(path, Buffer.from('c0ffee42 {"op":"reg'), mode)
      throw diskFull(path)
    }
    files.refuse = (operation, path) => (operation === 'replace' ? diskFull(path) : undefined)
    const both = [
      rejectionOf(store.change(record(firstJob('b', 2)))),
      rejectionOf(store.change(record(endJob('a', 1)))),
    ]
    expect((await Promise.all(both)).map(({ code }) => code)).toEqual([
      'FILE_UNWRITABLE',
      'FILE_UNWRITABLE',
    ])
    expect(filesOf(store.book)).toEqual([[jobFile(1), ['a']]])
    expect(files.text(PATH)).toMatch(/"op":"reg$/)
    files.append = append
    files.refuse = () => undefined
    await store.change(record(moreJob('c', 1)))
    expect(filesOf((await openStore()).book)).toEqual([[jobFile(1), ['a', 'c']]])
    expect(log).toEqual([])
  })

  it('forgets at once what an append refused after it had written it: a restart finds 1 job, not 2', async () => {
    const store = await openStore()
    await store.change(record(firstJob('a', 1)))
    const append = files.append.bind(files)
    files.append = async (...all) => {
      await append(...all)
      throw new VoboxError('FILE_UNWRITABLE', 'it cannot be synced')
    }
    const failed = store.change(record(firstJob('refused', 2)))
    expect((await rejectionOf(failed)).code).toBe('FILE_UNWRITABLE')
    expect(filesOf(await readJobs(dependencies()))).toEqual([[jobFile(1), ['a']]])
    files.append = append
    await store.change(record(moreJob('b', 1)))
    expect(filesOf((await openStore()).book)).toEqual([[jobFile(1), ['a', 'b']]])
  })

  it('registers nobody once 2 kB are held, lets jobs end, and then registers again', async () => {
    const store = new JobStore({ ...dependencies(), mostHeldBytes: 2000 })
    await store.open()
    await store.change(record(firstJob('job-0', 1)))
    let full: VoboxError | undefined
    let registered = 1
    for (; full === undefined; registered += full === undefined ? 1 : 0) {
      const more = store.change(record(moreJob(`job-${registered}`, 1)))
      full = await more.then(
        () => undefined,
        (error: VoboxError) => error,
      )
    }
    expect(registered).toBeGreaterThan(8)
    expect(files.text(PATH).length).toBeLessThan(2000)
    expect(full).toMatchObject({
      code: 'FILE_TOO_LARGE',
      message: `${registered} registrations of ${registered} jobs fill ${PATH}: no more are registered until some have ended`,
      hint: expect.stringContaining('vobox-proxy job unregister'),
      data: { path: PATH, maxBytes: 2000, errno: 'EDQUOT' },
    })
    await store.change(record(endJob('job-0', 1)))
    await store.change(record(moreJob('again', 1)))
    expect((await openStore()).book.shares).toBe(registered)
  })

  it('registers one job of one proxy again some 60 times, and no more once 2 kB are held', async () => {
    const store = new JobStore({ ...dependencies(), mostHeldBytes: 2000 })
    await store.open()
    await store.change(record(firstJob('a', 1)))
    const more = Array.from({ length: 200 }, () => store.change(record(moreJob('a', 1))))
    const settled = await Promise.allSettled(more)
    const refused = settled.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []))
    const registered = 1 + more.length - refused.length
    expect(registered).toBeGreaterThan(40)
    expect(registered).toBeLessThan(63)
    expect(refused[0]).toMatchObject({
      code: 'FILE_TOO_LARGE',
      message: expect.stringMatching(`^${registered} registrations of 1 jobs fill `),
      data: { errno: 'EDQUOT' },
    })
    await store.change(record(endJob('a', 1)))
    await store.change(record(moreJob('a', 1)))
  })

  it('keeps a journal of long ids that came and went under twice what is held, and 192 kB', async () => {
    const store = await openStore()
    await store.change(record(firstJob('stays', 1)))
    let largest = 0
    for (let at = 0; at < 300; at += 1) {
      const job = `${at}`.padEnd(1900, 'x')
      await store.change(record(moreJob(job, 1)))
      await store.change(record(endJob(job, 1)))
      largest = Math.max(largest, files.text(PATH).length)
    }
    expect(largest).toBeLessThan(200 * 1024)
  })

  it('changes nothing when the file before the record could not be written', async () => {
    const store = await openStore()
    const failed = store.change(() => ({
      record: firstJob('a', 1),
      before: {
        file: jobFile(1),
        write: () => Promise.reject(new VoboxError('FILE_UNWRITABLE', 'full')),
      },
      result: undefined,
    }))
    expect((await rejectionOf(failed)).code).toBe('FILE_UNWRITABLE')
    expect(store.book.size).toBe(0)
    expect(files.text(PATH)).toBe('')
  })

  it('refuses of 3 that come together the one whose file cannot be written, and no other', async () => {
    const store = await openStore()
    const register = (job: string, number: number, write: () => Promise<void>) =>
      store.change(() => ({
        record: firstJob(job, number),
        before: { file: jobFile(number), write },
        result: job,
      }))
    const fails = () => Promise.reject(new VoboxError('FILE_TOO_LARGE', 'too large'))
    const done = async () => undefined
    const refused = rejectionOf(register('b', 2, fails))
    expect(await Promise.all([register('a', 1, done), register('c', 3, done)])).toEqual(['a', 'c'])
    expect((await refused).code).toBe('FILE_TOO_LARGE')
    expect(filesOf((await openStore()).book)).toEqual([
      [jobFile(1), ['a']],
      [jobFile(3), ['c']],
    ])
  })

  it('holds nobody who was refused by a rewrite that failed when it was in place already', async () => {
    const store = await openStore()
    const jobs = Array.from({ length: 1000 }, (_, at) =>
      record(at === 0 ? firstJob('j0', 1) : moreJob(`j${at}`, 1)),
    )
    await Promise.all(jobs.map((one) => store.change(one)))
    const pairs = Array.from({ length: 1500 }, () => [moreJob('x', 1), endJob('x', 1)]).flat()
    await Promise.all(pairs.map((one) => store.change(record(one))))
    const replace = files.replace.bind(files)
    files.replace = async (...all) => {
      await replace(...all)
      throw new VoboxError('FILE_UNWRITABLE', 'the directory cannot be synced')
    }
    const failed = store.change(record(firstJob('refused', 2)))
    expect((await rejectionOf(failed)).code).toBe('FILE_UNWRITABLE')
    files.replace = replace
    // Two more jobs, and a rewrite is not due any more.
    await Promise.all(['a', 'b'].map((job) => store.change(record(moreJob(job, 1)))))
    const book = await readJobs(dependencies())
    expect([book.shares, book.ofJob('refused')]).toEqual([1002, undefined])
  })

  it('passes over a last line that was cut off by a crash: nobody was told of it', async () => {
    const store = await openStore()
    await store.change(record(firstJob('a', 1)))
    await files.append(PATH, Buffer.from('0bad0bad {"op":"register","job":"b","fi'), 0o600)
    expect(filesOf((await openStore()).book)).toEqual([[jobFile(1), ['a']]])
    expect(log).toEqual([])
  })

  it('keeps the proxy of 3 jobs when the line of the first, which names it, was damaged', async () => {
    const store = await openStore()
    await store.change(record(firstJob('a', 1)))
    const { proxy } = jobProxyOf(store)
    await store.change(record({ ...moreJob('b', 1), ...(tells(store) && { proxy }) }))
    await store.change(record({ ...moreJob('c', 1), ...(tells(store) && { proxy }) }))
    const asAppended = files.text(PATH)
    await openStore()
    for (const text of [asAppended, files.text(PATH)]) {
      expect(text.match(/"identityDer"/g)).toHaveLength(2)
      const damaged = text.replace('"job":"a"', '"job":"A"')
      await files.replace(PATH, Buffer.from(damaged), { mode: 0o600 })
      expect(filesOf(await readJobs(dependencies()))).toEqual([[jobFile(1), ['b', 'c']]])
    }
  })

  it('loses a damaged line alone, says so, and keeps the file as it was', async () => {
    const store = await openStore()
    await store.change(record(firstJob('a', 1)))
    await store.change(record(firstJob('b', 2)))
    await store.change(record(firstJob('c', 3)))
    const damaged = files.text(PATH).replace('"job":"b"', '"job":"B"')
    await files.replace(PATH, Buffer.from(damaged), { mode: 0o600 })
    expect(filesOf((await openStore()).book)).toEqual([
      [jobFile(1), ['a']],
      [jobFile(3), ['c']],
    ])
    expect(log).toEqual([{ level: 'error', event: 'jobs-journal-damaged' }])
    expect(files.text(`${PATH}.damaged-${clock.now()}`)).toBe(damaged)
  })

  it('stays as small as what it holds: 20,000 jobs that came and went leave a few lines', async () => {
    const store = await openStore()
    await store.change(record(firstJob('stays', 1)))
    for (let at = 0; at < 100; at += 1) {
      const group = Array.from({ length: 100 }, (_, of) => `j${at}-${of}`)
      await Promise.all(group.map((job) => store.change(record(moreJob(job, 1)))))
      await Promise.all(group.map((job) => store.change(record(endJob(job, 1)))))
    }
    expect(files.text(PATH).split('\n').length).toBeLessThan(2300)
    expect(filesOf((await openStore()).book)).toEqual([[jobFile(1), ['stays']]])
  })

  it('keeps the file of a journal whose lines tell of no proxy: who told of it is lost', async () => {
    const store = await openStore()
    await store.change(record(firstJob('a', 1)))
    const [, ...rest] = (files.text(PATH) + encodeRecord(moreJob('b', 1))).split(/(?<=\n)/)
    const orphans = rest.join('')
    await files.replace(PATH, Buffer.from(orphans), { mode: 0o600 })
    expect(await new JobStore(dependencies()).open()).toBe(false)
    expect(log).toEqual([{ level: 'error', event: 'jobs-journal-damaged' }])
    expect(files.text(`${PATH}.damaged-${clock.now()}`)).toBe(orphans)
  })

  it('holds no memory for 100,000 changes that are over', async () => {
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    const store = await openStore()
    const held = async (changes: number) => {
      for (let at = 0; at < changes; at += 1) await store.change(() => ({ result: undefined }))
      await store.settled()
      collect()
      return process.memoryUsage().heapUsed
    }
    const before = await held(1000)
    expect((await held(100_000)) - before).toBeLessThan(1_000_000)
  })

  it('names the proxy that it could not remove, and says that it goes at the next start', async () => {
    const store = await openStore()
    await store.change(record(firstJob('a', 1)))
    const path = `/vo/job_repository/${jobFile(1)}`
    const end = (error: Error) => () => ({
      record: { op: 'drop' as const, file: jobFile(1) },
      after: () => Promise.reject(error),
      result: undefined,
    })
    await store.change(end(diskFull(path)))
    await store.change(end(new TypeError('no error of ours')))
    await store.settled()
    expect(log.map(({ event }) => event)).toEqual(['job-proxy-left', 'job-proxy-left'])
    const cure = 'It goes at the next start of the service'
    expect(entries.map(({ fields }) => fields)).toEqual([
      { file: path, cure },
      { file: jobFile(1), cure },
    ])
    expect(entries[0]?.message).toMatch(`${path} is left, though no job has it: `)
  })
})
