import { beforeEach, describe, expect, it, vi } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import { freshOf } from '../../../src/jobs/job-proxies.js'
import { readJobs } from '../../../src/jobs/job-store.js'
import { JOB_CODES } from '../../../src/jobs/protocol/codes.js'
import { encodeCredential } from '../../../src/proxy/credential.js'
import { vomsTrustOf } from '../../support/ac.js'
import { rejectionOf } from '../../support/failure.js'
import { JOB_SERVER, jobWorld } from '../../support/job-world.js'
import { jobFile } from '../../support/jobs.js'
import { addProxy, TestAuthority } from '../../support/pki.js'

type World = Awaited<ReturnType<typeof jobWorld>>

const ROLE_A = ['alice:/alice/Role=lcgadmin']
const ROLE_B = ['alice:/alice/Role=production']

let world: World

beforeEach(async () => {
  world = await jobWorld()
  world.voms.granted.add('/alice/Role=production')
})

const codeOf = async (request: Promise<unknown>) => (await rejectionOf(request)).data.jobCode

describe('REGISTER', () => {
  it('keeps a copy under an opaque name, says when it ends and when it is renewed', async () => {
    const path = await world.hand('ann')
    const answer = await world.register('job-1', path)
    const now = world.clock.now()
    expect(answer).toEqual({
      code: 0,
      proxyFile: `${world.directory}/${jobFile(1)}`,
      end: now + 36_000,
      renewalAt: expect.any(Number),
    })
    expect(Number('renewalAt' in answer && answer.renewalAt) - now).toBeGreaterThan(20_000)
    expect(world.files.text(answer.proxyFile ?? '')).toBe(world.files.text(path))
    expect(world.changed).toEqual([jobFile(1)])
  })

  it('lets jobs share one file when identity, server, attributes and kind are the same', async () => {
    const first = await world.register('a', await world.hand('ann', { voms: ROLE_A }))
    const second = await world.register('b', await world.hand('ann', { voms: ROLE_A }))
    expect(second.proxyFile).toBe(first.proxyFile)
    expect(await world.kept()).toHaveLength(1)
  })

  it('shares one file also when what lies there is about to expire (no second one near the end)', async () => {
    await world.register('a', await world.hand('ann', { hours: 0.5 }))
    for (const job of ['b', 'c', 'd']) {
      await world.register(job, await world.hand('ann', { hours: 0.5 }))
    }
    expect(await world.kept()).toHaveLength(1)
  })

  it('never mixes plain and dressed, two roles, limited and full, two people or two servers', async () => {
    const limited = { policy: 'limited' as const }
    const requests: [string, string?][] = [
      [await world.hand('ann')],
      [await world.hand('ann', limited)],
      [await world.hand('ann', { voms: ROLE_A })],
      [await world.hand('ann', { voms: ROLE_B })],
      [await world.hand('ann', { voms: [...ROLE_A, ...ROLE_B] })],
      [await world.hand('bob')],
      [await world.hand('ann'), 'px2.example.org:7512'],
    ]
    const paths = new Set<string | undefined>()
    for (const [at, [path, server]] of requests.entries()) {
      paths.add((await world.register(`j${at}`, path, server)).proxyFile)
    }
    expect(paths.size).toBe(7)
  })

  describe('whose client is told that it failed', () => {
    const tooLate = new VoboxError('DEADLINE_EXCEEDED', 'told already')

    /** Asks, and tells the client that it took too long while the disk does `what`. */
    async function cutDuring(what: 'append' | 'replace', jobId: string, proxyFile: string) {
      const told = new AbortController()
      world.files.refuse = (operation) => {
        if (operation === what) told.abort(tooLate)
        return undefined
      }
      const request = { command: 'register', jobId, proxyFile, server: JOB_SERVER } as const
      return (await rejectionOf(world.desk.serve(request, told.signal))).code
    }

    it.each(['append', 'replace'] as const)(
      'leaves no job, no file and nothing after a restart, where the disk was slow at its %s',
      async (what) => {
        const path = await world.hand('ann')
        expect(await cutDuring(what, 'a', path)).toBe('DEADLINE_EXCEEDED')
        await world.store.settled()
        expect(await codeOf(world.ask({ command: 'get', jobId: 'a' }))).toBe(1908)
        expect(await world.kept()).toEqual([])
        expect(world.ended).toEqual([jobFile(1)])
        expect(
          (await readJobs({ ...world, owners: [1000], directory: world.paths.directory })).size,
        ).toBe(0)
      },
    )

    it('leaves the registration that the job had, and that of another job, as they were', async () => {
      const path = await world.hand('ann')
      const { proxyFile } = await world.register('a', path)
      await world.register('a', await world.hand('ann', { voms: ROLE_A }))
      await world.register('b', path)
      expect(await cutDuring('append', 'a', path)).toBe('DEADLINE_EXCEEDED')
      expect(await world.ask({ command: 'get', jobId: 'a' })).toEqual({ code: 0, proxyFile })
      expect(world.store.book.get(jobFile(1))?.jobs).toEqual(
        new Map([
          ['a', 1],
          ['b', 1],
        ]),
      )
      expect(world.ended).toEqual([])
    })

    it('is said in the log where the disk does not let it be taken back', async () => {
      const path = await world.hand('ann')
      await world.register('b', path)
      const append = world.files.append.bind(world.files)
      const log = vi.spyOn(world.context.journal, 'write')
      const told = new AbortController()
      world.files.append = async (...all) => {
        const appended = await append(...all)
        world.files.refuse = () => new VoboxError('FILE_UNWRITABLE', 'full')
        told.abort(tooLate)
        return appended
      }
      const request = {
        command: 'register',
        jobId: 'a',
        proxyFile: path,
        server: JOB_SERVER,
      } as const
      const { code } = await rejectionOf(world.desk.serve(request, told.signal))
      expect(code).toBe('DEADLINE_EXCEEDED')
      const left = log.mock.calls.filter(([, event]) => event === 'job-left')
      expect(left).toEqual([
        [
          'error',
          'job-left',
          'a stays registered though its client was not told so: full',
          {
            job: 'a',
            file: jobFile(1),
            cure: `Call as the VO admin: vobox-proxy job unregister --jobid=a -f ${world.directory}/${jobFile(1)}`,
          },
        ],
      ])
    })
  })

  it('is taken back once where its client did not hear of it, with the file if nobody shares it', async () => {
    const path = await world.hand('ann')
    const request = {
      command: 'register',
      jobId: 'a',
      proxyFile: path,
      server: JOB_SERVER,
    } as const
    const first = await world.ask(request)
    const second = await world.ask(request)
    await world.desk.unheard(request, second)
    expect(await world.ask({ command: 'get', jobId: 'a' })).toMatchObject({ code: 0 })
    await world.desk.unheard(request, first)
    expect(await codeOf(world.ask({ command: 'get', jobId: 'a' }))).toBe(1908)
    await world.store.settled()
    expect([await world.kept(), world.ended]).toEqual([[], [jobFile(1)]])
  })

  it.each(['get', 'unregister'] as const)(
    'stays where the answer to %s is what nobody heard',
    async (command) => {
      const answer = await world.register('a', await world.hand('ann'))
      await world.desk.unheard({ command, jobId: 'a' }, answer)
      expect(await world.ask({ command: 'get', jobId: 'a' })).toMatchObject({ code: 0 })
    },
  )

  it('replaces the file by a proxy that ends later, and drops one that ends earlier', async () => {
    const { proxyFile = '' } = await world.register('a', await world.hand('ann', { hours: 5 }))
    const longer = await world.hand('ann', { hours: 10 })
    await world.register('b', longer)
    expect(world.files.text(proxyFile)).toBe(world.files.text(longer))
    world.changed.length = 0
    await world.register('c', await world.hand('ann', { hours: 7 }))
    expect(world.files.text(proxyFile)).toBe(world.files.text(longer))
    expect(world.changed).toEqual([])
  })

  it.each([
    ['expired', { hours: -1 }, JOB_CODES.PROXY_EXPIRED],
    ['with 19 minutes left', { hours: 19 / 60 }, JOB_CODES.PROXY_EXPIRED],
    ['of a kind that has no rights', { policy: 'independent' as const }, JOB_CODES.GENERIC],
    ['of the legacy kind, which is not configured', { kind: 'legacy' as const }, JOB_CODES.GENERIC],
  ])('refuses a proxy %s', async (_what, options, code) => {
    const hours = 'hours' in options ? options.hours : 10
    const now = world.clock.now()
    const ends = { notBefore: now - 7200, notAfter: now + hours * 3600 }
    const proxy = addProxy(world.user('ann'), { now, ...options, ...(hours < 1 && ends) })
    expect(await codeOf(world.register('j', await world.handFile(proxy)))).toBe(code)
    expect([world.store.book.size, await world.kept()]).toEqual([0, []])
  })

  it('refuses a proxy of a CA that nobody trusts, however late it ends and whatever it is called', async () => {
    await world.register('good', await world.hand('ann'))
    const forger = new TestAuthority({ name: world.ca.certificate.subject })
    const forged = addProxy(forger.issueUser('ann'), { now: world.clock.now(), hours: 100 })
    const path = await world.handFile(forged)
    const refused = await rejectionOf(world.register('bad', path))
    expect(refused).toMatchObject({
      hint: expect.stringMatching(/CA certificates of this machine/),
      data: { jobCode: JOB_CODES.GENERIC },
    })
    const { proxyFile = '' } = await world.ask({ command: 'get', jobId: 'good' })
    expect(world.files.text(proxyFile)).not.toBe(world.files.text(path))
  })

  it.each([
    ['that ends in 19 minutes', { hours: 19 / 60 }, /lives longer; limits\.refuse_below_seconds/],
    ['of a kind without rights', { policy: 'independent' as const }, /all its rights/],
  ])('says what to do about a proxy %s', async (_what, options, hint) => {
    const path = await world.hand('ann', options)
    expect((await rejectionOf(world.register('j', path))).hint).toMatch(hint)
  })

  it('says what to do about a file that is not there, and about one that holds no proxy', async () => {
    const missing = await rejectionOf(world.register('j', '/jobs/none'))
    expect(missing.hint).toMatch(/^A job registers before its sandbox is removed/)
    await world.files.replace('/jobs/garbage', Buffer.from('x'), { mode: 0o600 })
    const garbage = await rejectionOf(world.register('j', '/jobs/garbage'))
    expect(garbage.hint).toMatch(/^make the proxy anew/)
  })

  it('refuses attributes that nobody vouches for', async () => {
    const path = await world.hand('ann', { voms: ROLE_A })
    world.voms.trust = vomsTrustOf()
    expect(await codeOf(world.register('j', path))).toBe(JOB_CODES.GENERIC)
  })

  it.each([
    ['a path that is not absolute', 'x509up', JOB_SERVER],
    ['a file that is not there', '/jobs/none', JOB_SERVER],
    ['two servers', undefined, 'px1,px2'],
    ['no server', undefined, ','],
    ['a server that is no name', undefined, 'px:7512:1'],
  ])('refuses %s', async (_what, path, server) => {
    const file = path ?? (await world.hand('ann'))
    expect(await codeOf(world.register('j', file, server))).toBe(JOB_CODES.GENERIC)
  })

  it('refuses a file that holds no proxy', async () => {
    await world.files.replace('/jobs/garbage', Buffer.from('no proxy'), { mode: 0o600 })
    expect(await codeOf(world.register('j', '/jobs/garbage'))).toBe(JOB_CODES.GENERIC)
    const user = encodeCredential(world.user('ann'))
    await world.files.replace('/jobs/user', user, { mode: 0o600 })
    expect(await codeOf(world.register('j', '/jobs/user'))).toBe(JOB_CODES.GENERIC)
  })

  it('registers nothing for a client that was told meanwhile that it took too long', async () => {
    const path = await world.hand('ann')
    const late = new AbortController()
    const asked = { command: 'register', jobId: 'j', proxyFile: path, server: JOB_SERVER } as const
    const read = world.files.read.bind(world.files)
    world.files.read = (...all) => {
      late.abort(new VoboxError('DEADLINE_EXCEEDED', 'too late'))
      return read(...all)
    }
    const answer = rejectionOf(world.desk.serve(asked, late.signal))
    expect((await answer).code).toBe('DEADLINE_EXCEEDED')
    await world.store.settled()
    expect([world.store.book.size, await world.kept()]).toEqual([0, []])
  })

  it('leaves nothing behind when the disk is full, neither job nor key', async () => {
    const path = await world.hand('ann')
    world.files.refuse = (operation) =>
      operation === 'append' ? new VoboxError('FILE_UNWRITABLE', 'full') : undefined
    expect((await rejectionOf(world.register('j', path))).code).toBe('FILE_UNWRITABLE')
    await world.store.settled()
    expect([world.store.book.size, await world.kept()]).toEqual([0, []])
  })
})

describe('GET and UNREGISTER', () => {
  it('know a job by its id, and the last end removes the file', async () => {
    const path = await world.hand('ann')
    const { proxyFile } = await world.register('a', path)
    await world.register('b', path)
    expect(await world.ask({ command: 'get', jobId: 'b' })).toEqual({ code: 0, proxyFile })
    expect(await world.ask({ command: 'unregister', jobId: 'a' })).toMatchObject({
      proxyFile,
      end: world.clock.now() + 36_000,
    })
    expect(await codeOf(world.ask({ command: 'get', jobId: 'a' }))).toBe(1908)
    expect(await world.ask({ command: 'unregister', jobId: 'b' })).toEqual({ code: 0, proxyFile })
    await world.store.settled()
    expect(await world.kept()).toEqual([])
    expect(world.ended).toEqual([jobFile(1)])
  })

  it('count: a job that was registered twice ends with its second end', async () => {
    const path = await world.hand('ann')
    await world.register('a', path)
    await world.register('a', path)
    await world.ask({ command: 'unregister', jobId: 'a' })
    expect((await world.ask({ command: 'get', jobId: 'a' })).code).toBe(0)
    await world.ask({ command: 'unregister', jobId: 'a' })
    expect(await codeOf(world.ask({ command: 'unregister', jobId: 'a' }))).toBe(1908)
  })

  it('end nothing for a client that was told that it took too long while others were written down', async () => {
    const path = await world.hand('ann')
    await world.register('a', path)
    await world.register('a', path)
    let written = () => undefined as undefined
    const writing = new Promise<void>((resolve) => {
      written = () => void resolve()
    })
    const others = world.store.change(() => ({
      before: { file: jobFile(9), write: () => writing },
      result: undefined,
    }))
    const told = new AbortController()
    const request = { command: 'unregister', jobId: 'a' } as const
    const answer = rejectionOf(world.desk.serve(request, told.signal))
    await world.clock.settle()
    told.abort(new VoboxError('DEADLINE_EXCEEDED', 'told already'))
    written()
    await others
    expect((await answer).code).toBe('DEADLINE_EXCEEDED')
    expect(world.store.book.get(jobFile(1))?.jobs).toEqual(new Map([['a', 2]]))
  })

  it.each([
    ['cannot be read', () => Promise.reject(new VoboxError('FILE_UNREADABLE', 'no'))],
    ['does not answer for 2 s', () => new Promise<never>(() => undefined)],
  ])('succeed, once it is written down, where the file that is left %s', async (_what, times) => {
    const path = await world.hand('ann')
    const { proxyFile } = await world.register('a', path)
    await world.register('a', path)
    vi.spyOn(world.proxies, 'timesLately').mockImplementation(times)
    const answer = world.ask({ command: 'unregister', jobId: 'a' })
    await world.clock.advance(2000)
    expect(await answer).toEqual({ code: 0, proxyFile })
    expect(world.store.book.get(jobFile(1))?.jobs).toEqual(new Map([['a', 1]]))
  })

  it('touch nothing outside: a path of the same name elsewhere is not ours', async () => {
    const { proxyFile = '' } = await world.register('a', await world.hand('ann'))
    const outside = `/jobs/${jobFile(1)}`
    await world.files.replace(outside, Buffer.from('mine'), { mode: 0o600 })
    const request = { command: 'unregister', jobId: 'a' } as const
    for (const path of [
      outside,
      `${world.directory}/../job_repository/${jobFile(1)}`,
      '/etc/passwd',
    ]) {
      expect(await codeOf(world.ask({ ...request, proxyFile: path }))).toBe(1904)
    }
    expect(world.files.text(outside)).toBe('mine')
    expect(await codeOf(world.ask({ ...request, jobId: 'other', proxyFile }))).toBe(1908)
    expect((await world.ask({ ...request, proxyFile })).code).toBe(0)
  })

  it('end a job whose file somebody removed', async () => {
    const { proxyFile = '' } = await world.register('a', await world.hand('ann'))
    await world.files.remove(proxyFile)
    expect((await world.ask({ command: 'unregister', jobId: 'a', proxyFile })).code).toBe(0)
    expect(world.store.book.size).toBe(0)
  })
})

describe('the files of job proxies', () => {
  it('are not brought back by a renewal that ends after the last job', async () => {
    await world.register('a', await world.hand('ann'))
    await world.ask({ command: 'unregister', jobId: 'a' })
    const fresh = addProxy(world.user('ann'), { now: world.clock.now(), hours: 12 })
    const late = world.proxies.replaceIfLater(jobFile(1), freshOf(fresh))
    expect((await rejectionOf(late)).code).toBe('NOT_REGISTERED')
    await world.store.settled()
    expect(await world.kept()).toEqual([])
  })

  it('are not replaced by what ends earlier than what a job brought meanwhile', async () => {
    await world.register('a', await world.hand('ann', { hours: 2 }))
    await world.register('b', await world.hand('ann', { hours: 12 }))
    const renewed = addProxy(world.user('ann'), { now: world.clock.now(), hours: 10 })
    expect(await world.proxies.replaceIfLater(jobFile(1), freshOf(renewed))).toBe(false)
  })

  it('are removed when a crash left them without a record', async () => {
    await world.register('a', await world.hand('ann'))
    const stray = addProxy(world.user('ann'), { now: world.clock.now(), hours: 12 })
    await world.repository.replace(jobFile(99), stray)
    expect(await world.proxies.removeStrays()).toBe(1)
    expect(await world.kept()).toEqual([jobFile(1)])
  })
})
