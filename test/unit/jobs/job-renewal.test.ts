import { beforeEach, describe, expect, it, vi } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import { filesBeside, registriesBeside, timesBeside } from '../../../src/jobs/beside.js'
import { JobService } from '../../../src/jobs/job-service.js'
import type { JobRequest } from '../../../src/jobs/protocol/request.js'
import { describeChain } from '../../../src/proxy/chain-facts.js'
import { encodeCredential } from '../../../src/proxy/credential.js'
import { emptyState } from '../../../src/registry/registration.js'
import { RenewalDaemon } from '../../../src/renewal/daemon.js'
import { ProxyTimesCache } from '../../../src/renewal/proxy-times-cache.js'
import { attributeRulesNow } from '../../../src/renewal/trust-now.js'
import { rejectionOf } from '../../support/failure.js'
import { addProxy } from '../../support/pki.js'
import { type RenewalWorld, renewalWorld } from '../../support/renewal-world.js'
import { HOUR } from '../../support/time.js'

const SERVER = 'px.example.org'
const ROLE = ['alice:/alice/Role=lcgadmin']

let world: RenewalWorld
let service: JobService
let daemon: RenewalDaemon
let ask: (request: JobRequest) => ReturnType<JobService['serve']>

beforeEach(async () => {
  world = renewalWorld()
  await world.putMachineProxy()
  const { context, paths, config, files, clock } = world
  let drawn = 0
  service = await JobService.open({
    files,
    clock,
    random: {
      bytes: (length) => {
        drawn += 1
        return Uint8Array.from({ length }, () => drawn)
      },
      fraction: () => 0.5,
    },
    journal: context.journal,
    events: context.events,
    config,
    paths,
    owners: [1000],
    attributeRules: (signal) => attributeRulesNow(context, signal),
  })
  daemon = new RenewalDaemon({
    ...context,
    registry: registriesBeside(context.registry, service.registry),
    repository: filesBeside(context.repository, service.proxies.files()),
    times: timesBeside(new ProxyTimesCache(context), service.proxies),
    retire: (registration) => service.retire(registration),
    seenAlive: (fileName) => service.seenAlive(fileName),
  })
  service.touched = (fileName) => void daemon.touch(fileName)
  ask = (request) => service.serve(request, new AbortController().signal)
})

/** Runs the daemon while `story` goes on. */
async function running(story: () => Promise<void>): Promise<void> {
  const stopping = new AbortController()
  const run = daemon.run(stopping.signal)
  await world.clock.advance(1000)
  await story()
  stopping.abort()
  await world.clock.advance(1000)
  await run
}

const pass = (hours: number) => world.clock.advance(hours * HOUR * 1000)

async function registerJob(
  jobId: string,
  name: string,
  {
    hours = 10,
    voms = [],
    policy,
  }: { hours?: number; voms?: readonly string[]; policy?: 'limited' } = {},
): Promise<string> {
  const user = world.users.get(name) ?? world.store(name, 30)
  const plain = addProxy(user, { now: world.clock.now(), hours, ...(policy && { policy }) })
  const proxy = voms.length === 0 ? plain : await world.dress(plain, voms, hours * HOUR)
  const proxyFile = `/jobs/${jobId}`
  await world.files.replace(proxyFile, encodeCredential(proxy), { mode: 0o600 })
  const answer = await ask({ command: 'register', jobId, proxyFile, server: SERVER })
  return answer.proxyFile ?? ''
}

const leftOf = async (path: string) => {
  const times = await service.proxies.times(path.slice(path.lastIndexOf('/') + 1))
  return times === undefined ? undefined : times.end - world.clock.now()
}

describe('a job proxy', () => {
  it('is renewed for as long as its job lives, and once for all that share it', async () => {
    await running(async () => {
      const path = await registerJob('a', 'ann')
      expect(await registerJob('b', 'ann')).toBe(path)
      for (let day = 0; day < 8; day += 1) {
        await pass(6)
        expect(await leftOf(path)).toBeGreaterThan(1800)
      }
    })
    expect(world.myproxy.asked.length).toBeLessThan(9)
  })

  it('is read twice for a renewal: by the renewal itself, and once when it is written', async () => {
    await running(async () => {
      const path = await registerJob('a', 'ann', { hours: 0.75 })
      await world.clock.advance(1000)
      const read = vi.spyOn(world.files, 'read')
      await pass(0.3)
      expect(world.myproxy.asked).toHaveLength(1)
      expect(read.mock.calls.filter(([file]) => file === path)).toHaveLength(2)
      expect(await leftOf(path)).toBeGreaterThan(11 * HOUR)
    })
  })

  it('is renewed when 30 minutes are left, however short it lives', async () => {
    await running(async () => {
      const path = await registerJob('a', 'ann', { hours: 0.75 })
      await pass(0.3)
      expect(world.myproxy.asked).toHaveLength(1)
      expect(await leftOf(path)).toBeGreaterThan(11 * HOUR)
    })
  })

  it('gets its attributes again, and its neighbour without any gets none', async () => {
    await running(async () => {
      const dressed = await registerJob('a', 'ann', { voms: ROLE })
      const plain = await registerJob('b', 'ann')
      await pass(9)
      const has = async (path: string) =>
        (await service.proxies.times(path.slice(path.lastIndexOf('/') + 1)))?.hasAttributes
      expect([await has(dressed), await has(plain)]).toEqual([true, false])
      expect(world.myproxy.asked).toHaveLength(2)
    })
  })

  it('stays limited where it was registered limited, though a full one is stored, with attributes too', async () => {
    await running(async () => {
      const paths = [
        await registerJob('a', 'ann', { policy: 'limited' }),
        await registerJob('b', 'ann', { policy: 'limited', voms: ROLE }),
      ]
      await pass(9)
      expect(world.myproxy.asked).toHaveLength(2)
      for (const path of paths) {
        const { chain } = await service.proxies.files().read(path.slice(path.lastIndexOf('/') + 1))
        expect(describeChain(chain).limited).toBe(true)
        expect(await leftOf(path)).toBeGreaterThan(9 * HOUR)
      }
    })
  })

  it('lives until it expires where nobody renews it, tried to the end; then it is dropped, and said', async () => {
    world.myproxy.behave = async () => {
      throw new VoboxError('MYPROXY_NOT_AUTHORISED_RENEWER', 'no')
    }
    await running(async () => {
      const path = await registerJob('a', 'ann', { hours: 2 })
      await pass(1.9)
      const tries = world.myproxy.asked.filter(({ at }) => at > world.clock.now() - HOUR / 2)
      expect(tries.length).toBeGreaterThan(3)
      expect((await ask({ command: 'get', jobId: 'a' })).proxyFile).toBe(path)
      await pass(0.2)
      const refused = await rejectionOf(ask({ command: 'get', jobId: 'a' }))
      expect(refused.data.jobCode).toBe(1908)
      expect(world.files.text(path)).toBe('')
    })
    expect(world.events('job-proxy-dropped')).toEqual([
      expect.stringMatching(/^job-proxy-dropped dn=\S+CN=ann" file=job-\S+ jobs=1 reason=/),
    ])
    expect(world.journal.some(({ event }) => event === 'job-proxy-dropped')).toBe(true)
  })

  it('outlives a clock that is a day ahead for 4 minutes, with its key and its job', async () => {
    await running(async () => {
      const path = await registerJob('a', 'ann')
      world.clock.jump(24 * HOUR)
      await world.clock.advanceSeconds(240)
      world.clock.jump(-24 * HOUR)
      await world.clock.advanceSeconds(600)
      expect((await ask({ command: 'get', jobId: 'a' })).proxyFile).toBe(path)
      expect(await leftOf(path)).toBeGreaterThan(9 * HOUR)
      await pass(12)
      expect(await leftOf(path)).toBeGreaterThan(1800)
    })
    expect(world.events('job-proxy-dropped')).toEqual([])
  })

  it('outlives a clock that is a day ahead, then right for 10 minutes, then ahead again', async () => {
    await running(async () => {
      const path = await registerJob('a', 'ann')
      for (let time = 0; time < 2; time += 1) {
        world.clock.jump(24 * HOUR)
        await world.clock.advanceSeconds(100)
        world.clock.jump(-24 * HOUR)
        await world.clock.advanceSeconds(600)
      }
      expect((await ask({ command: 'get', jobId: 'a' })).proxyFile).toBe(path)
      expect(await leftOf(path)).toBeGreaterThan(9 * HOUR)
    })
    expect(world.events('job-proxy-dropped')).toEqual([])
  })

  it('is dropped 5 minutes after it was first seen expired, and not at once', async () => {
    world.myproxy.behave = async () => {
      throw new VoboxError('MYPROXY_NOT_AUTHORISED_RENEWER', 'no')
    }
    await running(async () => {
      const path = await registerJob('a', 'ann', { hours: 1 })
      await pass(1)
      await world.clock.advanceSeconds(290)
      expect(world.files.text(path)).not.toBe('')
      await world.clock.advanceSeconds(20)
      expect(world.files.text(path)).toBe('')
    })
  })

  it('leaves no state that was being written when its last job ended', async () => {
    await running(async () => {
      await registerJob('a', 'ann')
      const replace = world.files.replace.bind(world.files)
      vi.spyOn(world.files, 'replace').mockImplementation(async (path, ...rest) => {
        if (path.startsWith(world.paths.jobState)) {
          const ended = ask({ command: 'unregister', jobId: 'a' }).catch(() => undefined)
          await world.clock.settle()
          await ended
        }
        return replace(path, ...rest)
      })
      await pass(10)
      const refused = await rejectionOf(ask({ command: 'get', jobId: 'a' }))
      expect(refused.data.jobCode).toBe(1908)
    })
    await service.close()
    expect(await world.files.list(world.paths.jobState)).toEqual([])
  })

  it('is renewed no more after its last job, and leaves no state', async () => {
    await running(async () => {
      const path = await registerJob('a', 'ann')
      await pass(9)
      const renewals = world.myproxy.asked.length
      expect(renewals).toBe(1)
      await ask({ command: 'unregister', jobId: 'a' })
      await pass(24)
      expect(world.myproxy.asked).toHaveLength(renewals)
      expect(world.files.text(path)).toBe('')
      expect(await world.files.list(world.paths.jobState)).toEqual([])
    })
  })

  it('is renewed also when it came while all registrations were being read', async () => {
    await running(async () => {
      const all = service.registry.all.bind(service.registry)
      vi.spyOn(service.registry, 'all').mockImplementationOnce(async () => {
        const before = await all()
        await registerJob('a', 'ann')
        return before
      })
      daemon.reload()
      await pass(9)
      expect(daemon.summary.registrations).toBe(0)
    })
    expect(world.myproxy.asked).toHaveLength(1)
  })

  it('that ends while it is looked at is told to nobody as unreadable', async () => {
    const observe = vi.spyOn(world.context.sink, 'observe')
    await running(async () => {
      vi.spyOn(service.registry, 'state').mockImplementationOnce(async () => {
        await ask({ command: 'unregister', jobId: 'a' })
        return emptyState
      })
      await registerJob('a', 'ann')
      await pass(1)
      await rejectionOf(ask({ command: 'get', jobId: 'a' }))
    })
    const told = observe.mock.calls.map(([observation]) => observation)
    expect(told.filter(({ about }) => about === 'registration')).toEqual([])
  })

  it('is renewed beside registrations of the VO-Box, which never see its file', async () => {
    await world.register('bob')
    await running(async () => {
      await registerJob('a', 'ann')
      await pass(9)
    })
    const names = new Set(world.myproxy.asked.map(({ username }) => username))
    expect(names.size).toBe(2)
    expect(await world.context.repository.list()).toEqual(['bob'])
  })

  it('stays where a job reads it when the journal was lost or damaged, though nobody renews it', async () => {
    const path = await registerJob('a', 'ann')
    await service.close()
    const journal = `${world.paths.directory}/jobs.journal`
    const text = world.files.text(journal)
    const { context, paths, config, files, clock } = world
    const attributeRules = (signal: AbortSignal) => attributeRulesNow(context, signal)
    const dependencies = { ...context, files, clock, config, paths, owners: [1000], attributeRules }
    await files.replace(journal, Buffer.from(text.replace('"a"', '"b"')), { mode: 0o600 })
    await JobService.open(dependencies)
    expect(files.text(path)).not.toBe('')
    await files.remove(journal)
    await JobService.open(dependencies)
    expect(files.text(path)).not.toBe('')
    await JobService.open(dependencies)
    expect(files.text(path)).toBe('')
  })

  it('is there again after a restart of the service', async () => {
    const path = await registerJob('a', 'ann')
    await service.close()
    const { context, paths, config, files, clock } = world
    const again = await JobService.open({
      ...context,
      files,
      clock,
      config,
      paths,
      owners: [1000],
      attributeRules: (signal) => attributeRulesNow(context, signal),
    })
    const { signal } = new AbortController()
    expect(await again.serve({ command: 'get', jobId: 'a' }, signal)).toEqual({
      code: 0,
      proxyFile: path,
    })
  })
})
