/**
 * What the C daemon can be crashed with, fooled with or stopped by, one by one (W1 to W21 of the
 * study of `glite-proxy-renewd`): asked of our service over its socket.
 */
import { symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { VoboxError } from '../../src/errors.js'
import { freshOf } from '../../src/jobs/job-proxies.js'
import { readJobs } from '../../src/jobs/job-store.js'
import { encodeJobResponse, parseJobResponse } from '../../src/jobs/protocol/response.js'
import { listenOnSocket } from '../../src/node/service/job-listener.js'
import { asUnixSeconds } from '../../src/ports/clock.js'
import { TEMPORARY_PREFIX } from '../../src/ports/files.js'
import { encodeCredential } from '../../src/proxy/credential.js'
import { vomsTrustOf } from '../support/ac.js'
import { rejectionOf } from '../support/failure.js'
import { type JobScene, openJobScene } from '../support/job-scene.js'
import { addProxy, TestAuthority } from '../support/pki.js'
import { readAnswer, talk } from '../support/raw-jobs.js'
import { HOUR } from '../support/time.js'

const PRODUCTION = ['alice:/alice/Role=production']
const ADMIN = ['alice:/alice/Role=lcgadmin']

let scene: JobScene

beforeEach(async () => {
  scene = await openJobScene()
  scene.voms.granted.add('/alice/Role=production')
})
afterEach(() => scene.close())

const contentOf = (path: string) => scene.files.text(path)
const nameOf = (path: string) => path.slice(path.lastIndexOf('/') + 1)
const codeOf = async (asked: Promise<{ code: number }>) => (await asked).code

describe('what comes over the socket', () => {
  it('W1: never ends the service, a REGISTER without a server or an Entry without its colon', async () => {
    const path = await scene.hand('ann')
    expect(await codeOf(scene.ask(`Command=1\nProxy_name=${path}\nJobid=j\n`))).toBe(1904)
    expect(await codeOf(scene.ask('Command=6\nProxy_name=x\nEntry=0\n'))).toBe(1905)
    expect(await codeOf(scene.register('j', path))).toBe(0)
  })

  it('W2: never gives a job more than it brought, nor less: roles, plain, limited stay apart', async () => {
    const full = await scene.register('full', await scene.hand('ann', { hours: 5 }))
    const before = contentOf(full.proxyFile)
    const others = [
      await scene.hand('ann', { hours: 12, policy: 'limited' }),
      await scene.hand('ann', { hours: 12, voms: PRODUCTION }),
      await scene.hand('ann', { hours: 12, voms: ADMIN }),
    ]
    const paths = new Set([full.proxyFile])
    for (const path of others) paths.add((await scene.register(path, path)).proxyFile)
    expect(paths.size).toBe(4)
    expect(contentOf(full.proxyFile)).toBe(before)
  })

  it('W3: is taken from trusted authorities alone, also what was taken a moment ago', async () => {
    const { proxyFile } = await scene.register('good', await scene.hand('ann'))
    const before = contentOf(proxyFile)
    const forger = new TestAuthority({ name: scene.ca.certificate.subject })
    const forged = addProxy(forger.issueUser('ann'), { now: scene.clock.now(), hours: 100 })
    await scene.files.replace('/jobs/forged', encodeCredential(forged), { mode: 0o600 })
    expect(await codeOf(scene.register('bad', '/jobs/forged'))).toBe(1902)
    expect(contentOf(proxyFile)).toBe(before)
    const dressed = await scene.hand('ann', { voms: ADMIN })
    expect(await codeOf(scene.register('first', dressed))).toBe(0)
    scene.voms.trust = vomsTrustOf()
    expect(await codeOf(scene.register('second', dressed))).toBe(1902)
  })

  it('W3: is looked at anew after a minute, and its time left each time', async () => {
    const path = await scene.hand('ann', { hours: 20.5 / 60 })
    expect(await codeOf(scene.register('a', path))).toBe(0)
    await scene.clock.advance(29_000)
    expect(await codeOf(scene.register('b', path))).toBe(0)
    await scene.clock.advance(2000)
    expect(await codeOf(scene.register('c', path))).toBe(1909)
  })

  it('W4: waits for nobody: 300 idle clients, one that drips, a length of 4 GiB', async () => {
    const { path: socket } = scene.place
    const idle = Array.from({ length: 300 }, () => connect(socket))
    const drip = connect(socket)
    drip.on('error', () => undefined)
    drip.write(Buffer.from([0]))
    const huge = readAnswer(await talk(socket, Buffer.alloc(4, 0xff)))
    expect(huge.code).toBe(1903)
    const proxy = await scene.hand('ann')
    expect(await codeOf(scene.register('j', proxy))).toBe(0)
    const cut = new Promise((resolve) => drip.once('close', resolve))
    drip.resume()
    for (let second = 0; second < 130; second += 1) {
      await scene.clock.advance(1000)
      if (drip.writable) drip.write(Buffer.from([0]))
    }
    await cut
    for (const socket of idle) socket.destroy()
  })

  it('W5: is not overtaken by a renewal of what was there before, under the same name', async () => {
    const first = await scene.register('a', await scene.hand('ann', { voms: ADMIN }))
    let release: () => void = () => undefined
    const gate = new Promise<void>((resolve) => {
      release = resolve
    })
    scene.myproxy.behave = () => gate
    await scene.pass(9)
    expect(scene.myproxy.asked.length).toBeGreaterThan(0)
    expect(await codeOf(scene.end('a'))).toBe(0)
    const second = await scene.register('b', await scene.hand('ann', { voms: ADMIN }))
    expect(second.proxyFile).not.toBe(first.proxyFile)
    const before = contentOf(second.proxyFile)
    release()
    await scene.clock.advance(1000)
    expect(await scene.kept()).toEqual([nameOf(second.proxyFile)])
    expect(contentOf(second.proxyFile)).toBe(before)
    const late = addProxy(scene.users.get('ann') ?? scene.store('ann'), { hours: 12 })
    const refused = scene.service.proxies.replaceIfLater(nameOf(first.proxyFile), freshOf(late))
    expect((await rejectionOf(refused)).code).toBe('NOT_REGISTERED')
  })

  it('W6: removes nothing outside: an end with a foreign path, UPDATE_DB with any', async () => {
    const { proxyFile } = await scene.register('a', await scene.hand('ann'))
    const outside = await scene.hand('ann')
    const ended = `Command=2\nJobid=a\nProxy_name=${outside}\n`
    expect(await codeOf(scene.ask(ended))).toBe(1904)
    const update = `Command=6\nProxy_name=../${nameOf(proxyFile)}\nEntry=0:${outside}\n`
    expect(await codeOf(scene.ask(update))).toBe(1905)
    expect([contentOf(outside), contentOf(proxyFile)]).not.toContain('')
  })

  it('W7: means what its lines say: no key within a value, no comma that ends one', async () => {
    const path = await scene.hand('ann')
    const odd = 'aCommand=3,server=x, fqans=/ops Proxy_name=/etc/passwd'
    const { proxyFile } = await scene.register(odd, path)
    expect((await scene.get(odd)).proxyFile).toBe(proxyFile)
    expect(await codeOf(scene.end(odd))).toBe(0)
    expect(await codeOf(scene.get(odd))).toBe(1908)
  })

  it('W9: has a code when it is malformed, and version and command are looked at', async () => {
    for (const [lines, code] of [
      ['Command=1\nMyproxy_server=px\nJobid=j\n', 1904],
      ['Command=1\nMyproxy_server=px\nProxy_name=/x\n', 22],
      ['Command=9\nJobid=j\n', 1905],
    ] as const) {
      expect(await codeOf(scene.ask(lines))).toBe(code)
    }
  })

  it('W12: may have a job id of 2,000 bytes, which loses nobody their place', async () => {
    const long = 'ü'.repeat(1000)
    const path = await scene.hand('ann')
    const { proxyFile } = await scene.register(long, path)
    expect((await scene.register('b', path)).proxyFile).toBe(proxyFile)
    expect((await scene.get(long)).proxyFile).toBe(proxyFile)
    const again = await scene.openService()
    expect((await again.registry.all()).size).toBe(1)
  })
})

describe('the socket', () => {
  it('W8: is not made where somebody else’s thing is, nor where others can write', async () => {
    const path = join(scene.directory, 'squatted')
    const place = { ...scene.place, path }
    const codeAt = async () => (await rejectionOf(listenOnSocket(place))).code
    writeFileSync(path, '')
    expect(await codeAt()).toBe('SOCKET_TAKEN')
    unlinkSync(path)
    symlinkSync('/nowhere', path)
    expect(await codeAt()).toBe('SOCKET_TAKEN')
    unlinkSync(path)
    const squatter = createServer().listen(path)
    await new Promise((resolve) => squatter.once('listening', resolve))
    expect(await codeAt()).toBe('SOCKET_TAKEN')
    await new Promise((resolve) => squatter.close(resolve))
    const shared = listenOnSocket({ ...place, path: '/tmp/jobs-never' })
    expect((await rejectionOf(shared)).code).toBe('FILE_UNSAFE')
  })

  it('W17: has one service: a second is refused, and the first goes on', async () => {
    const second = await rejectionOf(listenOnSocket(scene.place))
    expect(second).toMatchObject({ code: 'SOCKET_TAKEN', data: { path: scene.place.path } })
    expect(await codeOf(scene.get('j'))).toBe(1908)
  })

  it('W18: is closed when the service ends: clients are told at once, and nobody is left to wait for', async () => {
    await scene.service.close()
    const failed = await scene.get('j').catch((error: NodeJS.ErrnoException) => error.code)
    expect(failed).toBe('ENOENT')
  })
})

describe('what is kept', () => {
  it('W10: holds no key that no job has: expired ones are not copied, halves go at the start', async () => {
    const now = scene.clock.now()
    const old = { notBefore: now - 2 * HOUR, notAfter: now - HOUR }
    expect(await codeOf(scene.register('a', await scene.hand('ann', old)))).toBe(1909)
    expect(await scene.kept()).toEqual([])
    const half = join(scene.paths.jobRepository, `${TEMPORARY_PREFIX}1`)
    const stray = join(scene.paths.jobRepository, `job-${'f'.repeat(32)}`)
    for (const path of [half, stray]) {
      await scene.files.replace(path, Buffer.from('key'), { mode: 0o600 })
    }
    await scene.openService()
    expect(await scene.kept()).toEqual([])
  })

  it('W11: is let go of though its file is missing, and made anew by who brings another', async () => {
    const path = await scene.hand('ann')
    const { proxyFile } = await scene.register('a', path)
    await scene.files.remove(proxyFile)
    expect(await codeOf(scene.register('b', path))).toBe(0)
    expect(contentOf(proxyFile)).toBe(contentOf(path))
    await scene.files.remove(proxyFile)
    expect([await codeOf(scene.end('a')), await codeOf(scene.end('b'))]).toEqual([0, 0])
    expect(await codeOf(scene.get('a'))).toBe(1908)
  })

  it('W13: is whole or not there when the disk is full, and the client is told: errno 28', async () => {
    const { proxyFile } = await scene.register('a', await scene.hand('ann'))
    const before = contentOf(proxyFile)
    const bob = await scene.hand('bob')
    const longer = await scene.hand('ann', { hours: 12 })
    const full = new VoboxError('FILE_UNWRITABLE', 'full', { data: { errno: 'ENOSPC' } })
    for (const operation of ['append', 'replace']) {
      scene.files.refuse = (asked) => (asked === operation ? full : undefined)
      expect(await codeOf(scene.register('b', bob))).toBe(28)
    }
    expect(await codeOf(scene.register('c', longer))).toBe(28)
    expect(contentOf(proxyFile)).toBe(before)
    scene.files.refuse = () => undefined
    expect(await codeOf(scene.register('c', longer))).toBe(0)
    expect(await scene.kept()).toEqual([nameOf(proxyFile)])
  })

  it('W14: knows times after 2038, and has names of 128 random bits', async () => {
    const late = { code: 0, proxyFile: '/x', end: asUnixSeconds(2 ** 31 + 5) } as const
    expect(parseJobResponse(Buffer.from(encodeJobResponse(late)))).toEqual(late)
    const { proxyFile } = await scene.register('a', await scene.hand('ann'))
    expect(nameOf(proxyFile)).toMatch(/^job-[0-9a-f]{32}$/)
  })

  it('W16: is one file near the end too: 50 jobs with 25 minutes left', async () => {
    const path = await scene.hand('ann', { hours: 25 / 60 })
    for (let job = 0; job < 50; job += 1) {
      expect(await codeOf(scene.register(`j${job}`, path))).toBe(0)
    }
    expect(await scene.kept()).toHaveLength(1)
  })
})

describe('the renewal', () => {
  it('W15: of one server that never answers delays no other, nor who registers', async () => {
    await scene.register('hung', await scene.hand('ann'))
    await scene.register('fine', await scene.hand('bob'), 'other.example.org')
    const { behave } = scene.myproxy
    scene.myproxy.behave = ({ username, signal }) =>
      username.endsWith('ann')
        ? new Promise((_, reject) => signal?.addEventListener('abort', () => reject(signal.reason)))
        : behave({ username })
    await scene.pass(9.5)
    const renewed = await scene.register('fine2', await scene.hand('bob'), 'other.example.org')
    expect(renewed.end - scene.clock.now()).toBeGreaterThan(9 * HOUR)
    expect(scene.events('renewed')).toHaveLength(1)
  })

  it('W19: survives a bug in one look: others are renewed, requests are answered', async () => {
    await scene.register('a', await scene.hand('ann'))
    let bugs = 0
    scene.myproxy.behave = async () => {
      bugs += 1
      if (bugs < 3) throw new TypeError('a bug')
    }
    await scene.pass(9.9)
    expect(await codeOf(scene.get('a'))).toBe(0)
    expect(scene.events('renewed')).toHaveLength(1)
  })

  it('W20: backs off from what only a person can cure, and asks no server for all at once', async () => {
    let now = 0
    let most = 0
    scene.myproxy.behave = async () => {
      now += 1
      most = Math.max(most, now)
      await scene.clock.sleep(500)
      now -= 1
      throw new VoboxError('MYPROXY_NOT_AUTHORISED_RENEWER', 'no')
    }
    for (let user = 0; user < 20; user += 1) {
      await scene.register(`j${user}`, await scene.hand(`user ${user}`, { hours: 9 }))
    }
    await scene.pass(8.9)
    expect(most).toBeLessThanOrEqual(8)
    // Every five minutes, as the C daemon has it, would be some 30 times each in the last quarter.
    expect(scene.myproxy.asked.length / 20).toBeLessThan(30)
    expect(scene.myproxy.asked.length / 20).toBeGreaterThan(3)
  })

  it('W21: is seen: who shares what can be listed, and that one was dropped is said', async () => {
    const { proxyFile } = await scene.register('a', await scene.hand('ann', { hours: 1 }))
    const { directory } = scene.paths
    const listed = await readJobs({ files: scene.files, directory, owners: [1000] })
    expect([...listed.proxies.keys()]).toEqual([nameOf(proxyFile)])
    scene.myproxy.down.add('px.example.org')
    await scene.pass(1.1)
    expect(await codeOf(scene.get('a'))).toBe(1908)
    expect(scene.events('job-proxy-dropped')).toHaveLength(1)
  })
})
