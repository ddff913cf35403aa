/**
 * `register` against Debian's `myproxy-server`, with credentials stored by the C `myproxy-init`:
 * the ways in which people get an upload wrong, each provoked for real and told from the others.
 */
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { encodeCredential } from '../../src/proxy/credential.js'
import type { RegisterRequest } from '../../src/renewal/registering/register.js'
import { registerProxy } from '../../src/renewal/registering/register.js'
import { rejectionOf } from '../support/failure.js'
import { commandOf, paste } from '../support/pasted.js'
import { addProxy, realNow } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import {
  MYPROXY_PROGRAMS,
  type RealGrid,
  startRealGrid,
  type UploadOptions,
} from '../support/real-peers.js'
import { realRegistering } from '../support/real-registering.js'
import { DAY, HOUR } from '../support/time.js'

type Policy = Readonly<Record<string, string>>

/** Who is not said to renew may not: as Debian's template recommends. */
const STRICT: Policy = { default_renewers: '"none"' }
/**
 * Whatever is stored, listed machines may renew it: as big sites have it, so that `-d -n` is
 * enough.
 */
const LENIENT: Policy = { default_renewers: '"*"' }
/** We are not among the listed machines. */
const WITHOUT_US: Policy = { ...LENIENT, authorized_renewers: '"/DC=org/DC=example/CN=other"' }

describeWithPrograms('register and Debian’s myproxy-server', MYPROXY_PROGRAMS, () => {
  /** Whose server takes what the C client stores, once for each way to store it. */
  let depot: RealGrid
  const kept = new Map<string, Map<string, Buffer>>()

  beforeAll(async () => {
    depot = await startRealGrid()
  })
  afterAll(() => depot?.stop())

  /** What the C client stores when it is called so: the names of the files in the store, and the files. */
  async function storedBy(given: UploadOptions): Promise<Map<string, Buffer>> {
    const key = JSON.stringify([given.as.dn, given.options, given.passPhrase])
    const known = kept.get(key)
    if (known !== undefined) return known
    await empty(depot.storeDirectory)
    await depot.upload(given)
    const files = new Map<string, Buffer>()
    for (const name of await readdir(depot.storeDirectory)) {
      files.set(name, await readFile(join(depot.storeDirectory, name)))
    }
    kept.set(key, files)
    return files
  }

  describe.each([
    ['a server that lets listed machines renew by default', LENIENT],
    ['a server that wants a renewer named', STRICT],
    ['a server that does not list this machine', WITHOUT_US],
  ] as const)('with %s', (_name, policy) => {
    let grid: RealGrid
    let registering: Awaited<ReturnType<typeof realRegistering>>

    beforeAll(async () => {
      grid = { ...depot, ...(await depot.another({ policy })) }
      registering = await realRegistering(grid, { name: `root-of-${grid.server.port}` })
    })
    beforeEach(async () => {
      await empty(grid.storeDirectory)
      await registering.login(addProxy(grid.users.alice.credential, { key: 'rsa2048', hours: 24 }))
    })

    async function put(given: UploadOptions): Promise<void> {
      for (const [name, bytes] of await storedBy(given)) {
        await writeFile(join(grid.storeDirectory, name), bytes, { mode: 0o600 })
      }
    }
    const upload = (...options: string[]) =>
      put({ as: grid.users.alice, options: ['-c', '720', ...options] })
    const withPassPhrase = (...options: string[]) =>
      put({
        as: grid.users.alice,
        options: ['-c', '720', ...options],
        passPhrase: 'secret-pass',
      })
    const register = (request: Partial<RegisterRequest> = {}) =>
      registerProxy(registering.context, { ...registering.request, ...request })
    const failure = (request: Partial<RegisterRequest> = {}) => rejectionOf(register(request))
    const command = () => `vobox-proxy myproxy init --for-vobox -s localhost:${grid.server.port}`
    const renewable = () => `${command()} --vobox-dn ${grid.hosts.vobox.dn}`

    it('tells that nothing is stored', async () => {
      const error = await failure()
      expect(error.code).toBe('MYPROXY_NO_CREDENTIAL')
      expect(error.hint).toContain(command())
    })

    it('tells that it is stored under the login name (-d forgotten)', async () => {
      await upload('-n', '-l', 'asm001')
      const error = await failure({ callerName: 'asm001' })
      expect(error).toMatchObject({
        code: 'CREDENTIAL_UNDER_LOGIN_NAME',
        data: { foundAs: 'asm001', expected: grid.users.alice.dn },
      })
      expect(error.hint).toContain(command())
    })

    it('tells that it is stored under the CN', async () => {
      await upload('-n', '-l', 'alice')
      expect((await failure()).data).toMatchObject({ foundAs: 'alice' })
    })

    it('tells that it is stored under another name of its own (-k)', async () => {
      await upload('-d', '-n', '-k', 'grid')
      const error = await failure()
      expect(error).toMatchObject({ code: 'MYPROXY_NO_CREDENTIAL', data: { names: ['grid'] } })
      expect(error.hint).toContain('--credname, one of: grid')
    })

    it('tells that it has expired', async () => {
      await upload('-d', '-n')
      await expireStored(grid)
      const error = await failure()
      expect(error.code).toBe('MYPROXY_CREDENTIAL_EXPIRED')
      expect(error.hint).toContain(command())
    })

    it('tells nothing about a credential of somebody else', async () => {
      await put({ as: grid.users.eve, options: ['-d', '-n', '-A', '-c', '24'] })
      expect((await failure({ username: grid.users.eve.dn })).code).toBe('MYPROXY_NO_CREDENTIAL')
    })

    if (policy === WITHOUT_US) {
      it.each([
        ['one that names us (-R)', ['-d', '-R', 'vobox.example.org']],
        ['one that names nobody', ['-d', '-n']],
      ])('tells that the server does not let us renew %s', async (_kind, options) => {
        await upload(...options)
        const error = await failure()
        expect(error).toMatchObject({
          code: 'MYPROXY_NOT_AUTHORISED_RENEWER',
          data: { reason: 'not-by-server', machineDn: grid.hosts.vobox.dn },
        })
        expect(error.hint).toContain(`authorized_renewers "${grid.hosts.vobox.dn}"`)
      })
      return
    }

    it('tells that another machine may renew it (-R other)', async () => {
      await upload('-d', '-R', 'other.example.org')
      const error = await failure()
      expect(error).toMatchObject({
        code: 'CREDENTIAL_RENEWER_NOT_US',
        data: { renewer: '*/CN=other.example.org', machineDn: grid.hosts.vobox.dn },
      })
      expect(error.hint).toContain(renewable())
    })

    it('tells that it has a pass phrase (-n forgotten), where the server lets that be seen', async () => {
      await withPassPhrase('-d', '-a')
      const error = await failure()
      expect(error.code).toBe('CREDENTIAL_HAS_PASS_PHRASE')
      expect(error.hint).toContain(command())
    })

    if (policy === STRICT) {
      it('tells that no renewer is named', async () => {
        await upload('-d', '-n')
        const error = await failure()
        expect(error).toMatchObject({
          code: 'CREDENTIAL_HAS_NO_RENEWER',
          data: { reason: 'no-renewer-set', machineDn: grid.hosts.vobox.dn },
        })
        expect(error.hint).toContain(renewable())
      })

      it('cannot tell a pass phrase from a missing renewer here, and says both', async () => {
        await withPassPhrase('-d')
        const error = await failure()
        expect(error.code).toBe('CREDENTIAL_HAS_NO_RENEWER')
        expect(error.message).toContain('pass phrase looks the same')
        expect(error.hint).toContain(renewable())
      })

      it('registers after the very command that it named was run', async () => {
        await upload('-d', '-n')
        const { hint = '' } = await failure()
        const pasted = await paste(grid, commandOf(hint), { as: grid.users.alice })
        expect(pasted).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/ok +renewers/) })
        const { stored, warnings } = await register({ lifetimeSeconds: 48 * HOUR })
        expect(stored?.renewer).toBe(grid.hosts.vobox.dn)
        expect(warnings).toEqual([])
      })

      it('registers after the command for one that has expired, which knows whom the old one named', async () => {
        await upload('-d', '-n', '-R', 'vobox.example.org')
        await expireStored(grid)
        const { hint = '', code } = await failure()
        expect([code, commandOf(hint)]).toEqual(['MYPROXY_CREDENTIAL_EXPIRED', command()])
        expect(await paste(grid, command(), { as: grid.users.alice })).toMatchObject({
          exitCode: 0,
          stderr: '',
        })
        expect((await register()).stored?.renewer).toBe('*/CN=vobox.example.org')
      })

      it('registers what the C tool stored as the manual tells who has nothing else', async () => {
        const words = ['-d', '-n', '-t', '48', '-c', '3000', '-R', 'vobox.example.org']
        const result = await grid.run('myproxy-init', words, {
          as: grid.users.alice,
          env: { MYPROXY_SERVER_PORT: String(grid.server.port) },
        })
        expect(result).toMatchObject({ exitCode: 0 })
        const { stored, warnings } = await register({ lifetimeSeconds: 48 * HOUR })
        expect(stored?.renewer).toBe('*/CN=vobox.example.org')
        expect(warnings).toEqual([])
      })
      return
    }

    it('tells that it has a pass phrase though nothing else is wrong with it', async () => {
      await withPassPhrase('-d')
      expect((await failure()).code).toBe('CREDENTIAL_HAS_PASS_PHRASE')
    })

    it('registers what was stored with -d -n -t 48, with nothing to warn of', async () => {
      await upload('-d', '-n', '-t', '48')
      const result = await register({ lifetimeSeconds: 48 * HOUR })
      expect(result).toMatchObject({
        outcome: 'registered',
        stored: { server: `localhost:${grid.server.port}`, owner: grid.users.alice.dn },
        warnings: [],
      })
      const granted = result.stored?.grantedSeconds ?? 0
      expect(granted).toBeGreaterThan(48 * HOUR - 120)
      expect(granted).toBeLessThanOrEqual(48 * HOUR + 60)
      const left = (result.stored?.end ?? 0) - realNow()
      expect(Math.abs(left - 30 * DAY)).toBeLessThan(120)
    })

    it('warns of one that was stored without -t 48', async () => {
      await upload('-d', '-n')
      const { warnings, stored } = await register({ lifetimeSeconds: 48 * HOUR })
      expect(stored?.shortGrant).toBe('stored-lifetime')
      expect(warnings.map(({ code }) => code)).toEqual(['short-grant'])
      expect(warnings[0]?.hint).toContain(command())
    })

    it('warns of one that ends before the proxy would', async () => {
      await put({ as: grid.users.alice, options: ['-d', '-n', '-t', '48', '-c', '20'] })
      const { warnings } = await register({ lifetimeSeconds: 48 * HOUR })
      expect(warnings.map(({ code }) => code)).toEqual([
        'short-grant',
        'stored-credential-ends-soon',
      ])
      expect(warnings[0]?.data).toMatchObject({ limit: 'stored-credential-ends' })
    })

    it('takes one under --username and --credname', async () => {
      await upload('-n', '-l', 'asm001', '-k', 'grid', '-t', '48')
      const { registration, stored } = await register({
        username: 'asm001',
        credentialName: 'grid',
      })
      expect(registration).toMatchObject({ username: 'asm001', credentialName: 'grid' })
      expect(stored).toMatchObject({ username: 'asm001', credentialName: 'grid' })
    })
  })
})

async function empty(directory: string): Promise<void> {
  for (const name of await readdir(directory)) await rm(join(directory, name))
}

/** Puts a proxy that ended a minute ago where the server keeps the stored credential. */
async function expireStored(grid: RealGrid): Promise<void> {
  const stored = (await readdir(grid.storeDirectory)).find((name) => name.endsWith('.creds'))
  const ended = addProxy(grid.users.alice.credential, {
    key: 'rsa2048',
    notBefore: realNow() - 3600,
    notAfter: realNow() - 60,
  })
  await writeFile(join(grid.storeDirectory, stored ?? ''), encodeCredential(ended), { mode: 0o600 })
}
