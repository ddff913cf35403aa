/**
 * Jobs that come and go while their proxies are renewed and expire, in any order in which the steps of
 * the disk can end: nobody ever gets another's proxy, and no key stays that no job has.
 */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isVoboxError } from '../../src/errors.js'
import { freshOf, JobProxies } from '../../src/jobs/job-proxies.js'
import { type JobProxy, worthKey } from '../../src/jobs/job-proxy.js'
import { JobStore, readJobs } from '../../src/jobs/job-store.js'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { parseCredential } from '../../src/proxy/credential.js'
import { ProxyRepository } from '../../src/repository/proxy-repository.js'
import { FakeClock } from '../support/fake-clock.js'
import { jobFile, jobProxy } from '../support/jobs.js'
import { MemoryFiles } from '../support/memory-files.js'
import { addProxy, TestAuthority } from '../support/pki.js'

const clock = new FakeClock()
const ca = new TestAuthority()
/** Proxies of two people with several ends each, made once. */
const made = ['ann', 'bob'].map((name) => {
  const user = ca.issueUser(name)
  return [2, 4, 6, 8].map((hours) => addProxy(user, { now: clock.now(), hours }))
})

/** A disk whose every call waits for its turn. */
function slowly(files: MemoryFiles, scheduler: fc.Scheduler): MemoryFiles {
  return new Proxy(files, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      const call = value.bind(target)
      if (!['read', 'replace', 'append', 'remove', 'facts'].includes(String(name))) return call
      return async (...args: unknown[]) => {
        await scheduler.schedule(Promise.resolve(), String(name))
        return call(...args)
      }
    },
  })
}

const who = fc.nat(1)
const ends = fc.nat(3)
const step = fc.oneof(
  fc.record({ kind: fc.constant('register' as const), who, ends, job: fc.nat(2) }),
  fc.record({ kind: fc.constant('unregister' as const), who, ends, job: fc.nat(2) }),
  fc.record({ kind: fc.constant('renew' as const), who, ends, job: fc.nat(2) }),
  fc.record({ kind: fc.constant('drop' as const), who, ends, job: fc.nat(2) }),
)
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never

async function play(steps: readonly Step[], scheduler: fc.Scheduler) {
  const disk = new MemoryFiles(clock)
  const files = slowly(disk, scheduler)
  const journal = { write: () => undefined }
  const owners = [0]
  const store = new JobStore({ files, clock, journal, directory: '/vo', owners })
  const repository = new ProxyRepository({ files, directory: '/vo/jobs', owners })
  const proxies = new JobProxies({ files, journal, repository, store })
  let names = 0
  const worthOf = (at: number): JobProxy =>
    jobProxy(0, { identityDer: `${at}AAA`, identity: `/${at}` })

  const work = async ({ kind, who: person, ends: end, job: id }: Step) => {
    const job = `${person}-${id}`
    const credential = made[person]?.[end]
    if (credential === undefined) throw new TypeError('made above')
    const key = worthKey(worthOf(person))
    if (kind === 'register') {
      await store.change((book) => {
        const known = book.worth(key)
        names += known === undefined ? 1 : 0
        const proxy = known?.proxy ?? { ...worthOf(person), fileName: jobFile(names) }
        const file = proxy.fileName
        const write = async () => {
          if (known === undefined) await proxies.create(file, credential)
          else await proxies.replaceIfLater(file, freshOf(credential)).catch(gone)
        }
        const first = known === undefined
        return {
          record: { op: 'register', job, file, ...(first && { proxy }) },
          before: { file, write },
          result: undefined,
        }
      })
    } else if (kind === 'renew') {
      const file = store.book.worth(key)?.proxy.fileName
      if (file === undefined) return
      await scheduler.schedule(Promise.resolve(), 'MyProxy answers')
      await proxies.replaceIfLater(file, freshOf(credential)).catch(gone)
    } else {
      await store.change((book) => {
        const shared = kind === 'drop' ? book.worth(key) : book.ofJob(job)
        if (shared === undefined) return { result: undefined }
        const file = shared.proxy.fileName
        const last = kind === 'drop' || (shared.jobs.size === 1 && shared.jobs.get(job) === 1)
        return {
          record: kind === 'drop' ? { op: 'drop', file } : { op: 'unregister', job, file },
          ...(last && { after: () => proxies.remove(file) }),
          result: undefined,
        }
      })
    }
  }
  const all = Promise.all(steps.map((one) => work(one)))
  await scheduler.waitFor(all.then(() => store.settled()))
  return { disk, store, proxies }
}

function gone(error: unknown): void {
  if (!isVoboxError(error, 'NOT_REGISTERED')) throw error
}

describe('jobs, in any order of their steps', () => {
  it('have the proxy of their own person, and what nobody has is gone', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 2, maxLength: 8 }),
        fc.scheduler(),
        async (steps, scheduler) => {
          const { disk, store, proxies } = await play(steps, scheduler)
          expect((await disk.list('/vo/jobs')).sort()).toEqual(
            [...store.book.proxies.keys()].sort(),
          )
          for (const [file, { proxy }] of store.book.proxies) {
            const bytes = Buffer.from(disk.text(proxies.path(file)))
            const { identity } = describeChain(parseCredential(bytes).chain)
            expect(identity.oneLine).toMatch(proxy.identity === '/0' ? /ann$/ : /bob$/)
          }
          const read = await readJobs({ files: disk, directory: '/vo', owners: [0] })
          expect([...read.proxies.keys()]).toEqual([...store.book.proxies.keys()])
        },
      ),
      { numRuns: 150 },
    )
  })

  it('never lose time: the file ends as late as the latest that was brought while it was there', async () => {
    const joins = fc.array(
      fc.record({
        kind: fc.constantFrom('register' as const, 'renew' as const),
        who: fc.constant(0),
        ends,
        job: fc.nat(2),
      }),
      { minLength: 1, maxLength: 8 },
    )
    await fc.assert(
      fc.asyncProperty(joins, fc.scheduler(), async (steps, scheduler) => {
        const { disk, store, proxies } = await play(steps, scheduler)
        const brought = steps.filter(({ kind }) => kind === 'register').map((one) => one.ends)
        if (brought.length === 0) return
        const [file = ''] = store.book.proxies.keys()
        const bytes = Buffer.from(disk.text(proxies.path(file)))
        const end = describeChain(parseCredential(bytes).chain).effectiveEnd
        const least = clock.now() + (Math.max(...brought) + 1) * 2 * 3600
        expect(end).toBeGreaterThanOrEqual(least)
      }),
      { numRuns: 100 },
    )
  })
})
