import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readConfig } from '../../../src/config/read-config.js'
import { nodeFiles } from '../../../src/node/ports/files.js'
import { type Credential, encodeCredential } from '../../../src/proxy/credential.js'
import {
  judgeLoginProxy,
  loginWarnings,
  readLoginProxy,
} from '../../../src/renewal/registering/register-login-proxy.js'
import type { VomsTrust } from '../../../src/voms/voms-trust.js'
import { TestVoms, vomsTrustOf } from '../../support/ac.js'
import { failureOf, rejectionOf } from '../../support/failure.js'
import {
  addProxies,
  addProxy,
  anchorsOf,
  realNow,
  TestAuthority,
  testKey,
} from '../../support/pki.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { MINUTE } from '../../support/time.js'
import { registeringWorld } from './fixtures.js'

const ca = new TestAuthority()
const alice = ca.issueUser('alice')
const now = realNow()
const config = readConfig({})

const judge = (credential: Credential, allowLimited = false, trust?: VomsTrust) =>
  judgeLoginProxy(credential, {
    anchors: anchorsOf(ca),
    now,
    config,
    allowLimited,
    path: '/tmp/x509up_u1',
    ...(trust && { attributes: { trust, anchors: anchorsOf(ca), now } }),
  })

const ending = (seconds: number) => addProxy(alice, { now, notAfter: now + seconds })

describe('judgeLoginProxy', () => {
  it('takes a proxy of a trusted user, and gives identity and effective end', () => {
    const { facts, end, identityDer } = judge(addProxy(addProxy(alice, { now, hours: 6 }), { now }))
    expect(facts.identity.oneLine).toBe('/DC=org/DC=example/OU=Users/CN=alice')
    expect(end).toBe(now + 6 * 3600)
    expect(identityDer).toBe(Buffer.from(facts.identity.der).toString('base64'))
  })

  it.each<[string, () => Credential, string, Record<string, unknown>]>([
    ['a bare end-entity certificate', () => alice, 'NOT_A_PROXY', {}],
    ['one that ended a second ago', () => ending(-1), 'PROXY_EXPIRED', { end: now - 1 }],
    ['one that ends this second', () => ending(0), 'PROXY_EXPIRED', { end: now }],
    [
      'one with 1199 s left',
      () => ending(1199),
      'PROXY_LIFE_TOO_SHORT',
      { leftSeconds: 1199, neededSeconds: 1200 },
    ],
    [
      'one of a CA that nobody knows, though it has the same name',
      () => addProxy(new TestAuthority().issueUser('alice'), { now }),
      'SIGNATURE_INVALID',
      {},
    ],
    [
      'a legacy proxy',
      () => addProxy(alice, { now, kind: 'legacy' }),
      'PROXY_KIND_REFUSED',
      { kind: 'legacy' },
    ],
    [
      'a draft proxy',
      () => addProxy(alice, { now, kind: 'draft' }),
      'PROXY_KIND_REFUSED',
      { kind: 'draft' },
    ],
    [
      'a limited one',
      () => addProxy(alice, { now, policy: 'limited' }),
      'PROXY_LIMITED',
      { policy: 'limited' },
    ],
    [
      'an independent one, which has no rights at all',
      () => addProxy(alice, { now, policy: 'independent' }),
      'PROXY_LIMITED',
      { policy: 'independent' },
    ],
    [
      'a full one below a limited one',
      () => addProxy(addProxy(alice, { now, policy: 'limited' }), { now }),
      'PROXY_LIMITED',
      {},
    ],
    [
      'one that was delegated eleven times',
      () => addProxies(alice, 11, { now }),
      'PROXY_TOO_DEEP',
      { depth: 11, limit: 10 },
    ],
    [
      'one that is signed with another key',
      () => addProxy(alice, { now, signWith: testKey() }),
      'SIGNATURE_INVALID',
      {},
    ],
  ])('refuses %s', (_name, make, code, data) => {
    const error = failureOf(() => judge(make()))
    expect(error.code).toBe(code)
    expect(error.data).toMatchObject({ path: '/tmp/x509up_u1', ...data })
    expect(error.message).toContain('/tmp/x509up_u1')
  })

  it('takes one with exactly 1200 s left', () => {
    expect(judge(ending(1200)).end).toBe(now + 1200)
  })

  it('takes a limited one when that is allowed', () => {
    expect(judge(addProxy(alice, { now, policy: 'limited' }), true).facts.limited).toBe(true)
  })
})

describe('loginWarnings', () => {
  const warn = (credential: Credential) => loginWarnings(judge(credential), config, now)

  it('has nothing to say about a good one with exactly 30 min left', () => {
    expect(warn(ending(30 * MINUTE))).toEqual([])
  })

  it('warns of one with a second less', () => {
    expect(warn(ending(30 * MINUTE - 1))).toMatchObject([
      { code: 'proxy-life-short', data: { leftSeconds: 1799, warnBelowSeconds: 1800 } },
    ])
  })

  it('warns from the sixth delegation of ten on', () => {
    expect(warn(addProxies(alice, 5, { now }))).toEqual([])
    expect(warn(addProxies(alice, 6, { now }))).toMatchObject([
      { code: 'delegation-deep', data: { depth: 6, limit: 10 } },
    ])
  })

  it('names attributes that no .lsc file vouches for, where they are wanted', () => {
    const voms = new TestVoms(ca)
    const proxy = voms.addProxyTo(alice, { now, proxy: { now } })
    const believed = judge(proxy, false, vomsTrustOf(voms))
    expect(loginWarnings(believed, config, now)).toEqual([])
    expect(loginWarnings(judge(proxy, false, vomsTrustOf()), config, now)).toMatchObject([
      { code: 'attributes-unverified', data: { code: 'VOMS_TRUST_MISSING' } },
    ])
    expect(loginWarnings(judge(proxy), config, now)).toEqual([])
  })

  it('ends with attributes of 2 h, and is not refused when these have 19 min left', () => {
    const voms = new TestVoms(ca)
    const of = (seconds: number) =>
      judge(
        voms.addProxyTo(alice, { now, notAfter: now + seconds, proxy: { now } }),
        false,
        vomsTrustOf(voms),
      )
    expect(of(7200).end).toBe(now + 7200)
    expect(loginWarnings(of(19 * MINUTE), config, now)).toMatchObject([
      { code: 'proxy-life-short', data: { leftSeconds: 19 * MINUTE } },
    ])
  })
})

describe('readLoginProxy', () => {
  const uid = process.getuid?.() ?? 0

  async function fileWith(mode: number, bytes?: Buffer) {
    const world = await registeringWorld()
    const directory = await temporaryDirectory()
    const path = join(directory, 'x509up')
    const proxy = addProxy(world.user, { now: world.clock.now() })
    await writeFile(path, bytes ?? encodeCredential(proxy))
    await chmod(path, mode)
    const read = (proxyFile = path, callerUid = uid) =>
      readLoginProxy({ ...world.context, files: nodeFiles }, { proxyFile, callerUid })
    return { path, directory, read }
  }

  it.each([0o600, 0o400])('takes the caller’s own file with mode %o', async (mode) => {
    const { read } = await fileWith(mode)
    expect((await read()).facts.depth).toBe(1)
  })

  it.each([0o640, 0o604, 0o620, 0o700, 0o644])('refuses mode %o', async (mode) => {
    const { path, read } = await fileWith(mode)
    const error = await rejectionOf(read())
    expect(error).toMatchObject({ code: 'FILE_UNSAFE', data: { path, reason: 'mode' } })
  })

  it('refuses a file of another user, and says whose it must be', async () => {
    const { path, read } = await fileWith(0o600)
    const error = await rejectionOf(read(path, uid + 1))
    expect(error).toMatchObject({ code: 'PROXY_NOT_OWNED', data: { path, callerUid: uid + 1 } })
  })

  it('refuses a link, even to a good file', async () => {
    const { path, directory, read } = await fileWith(0o600)
    const link = join(directory, 'link')
    await symlink(path, link)
    const error = await rejectionOf(read(link))
    expect(error).toMatchObject({ code: 'FILE_UNSAFE', data: { reason: 'symlink' } })
  })

  it('refuses a directory', async () => {
    const { directory, read } = await fileWith(0o600)
    await mkdir(join(directory, 'sub'), { mode: 0o700 })
    expect((await rejectionOf(read(join(directory, 'sub')))).code).toBe('FILE_UNSAFE')
  })

  it('says how to name another file when there is none', async () => {
    const { directory, read } = await fileWith(0o600)
    const error = await rejectionOf(read(join(directory, 'nothing')))
    expect(error.code).toBe('FILE_MISSING')
    expect(error.hint).toContain('$X509_USER_PROXY')
  })

  it.each([
    ['an empty one', Buffer.alloc(0), 'PROXY_FILE_MALFORMED'],
    ['a binary one', Buffer.from([0x30, 0x82, 0, 1, 2]), 'PROXY_FILE_MALFORMED'],
    ['one of 600 kB', Buffer.alloc(600 * 1024, 0x41), 'FILE_TOO_LARGE'],
  ])('refuses %s', async (_name, bytes, code) => {
    const { path, read } = await fileWith(0o600, bytes)
    const error = await rejectionOf(read())
    expect(error.code).toBe(code)
    expect(error.data.path).toBe(path)
  })

  it('refuses one that ends in the middle of its last certificate', async () => {
    const world = await registeringWorld()
    const bytes = encodeCredential(addProxy(world.user, { now: world.clock.now() }))
    const { read } = await fileWith(0o600, bytes.subarray(0, bytes.length - 200))
    expect((await rejectionOf(read())).code).toBe('PROXY_FILE_MALFORMED')
  })
})
