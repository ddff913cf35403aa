/** What `MyProxyClient` leaves on Debian's `myproxy-server`: put, info, destroy, change, store, retrieve. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MyProxyClient } from '../../src/index.js'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { encodePem, parsePem } from '../../src/x509/pem.js'
import { parsePrivateKey } from '../../src/x509/private-key.js'
import { rejectionOf } from '../support/failure.js'
import { addProxy, realNow } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import { OPEN_POLICY, openClient } from '../support/real-client.js'
import {
  type GridIdentity,
  MYPROXY_PROGRAMS,
  type RealGrid,
  startRealGrid,
} from '../support/real-peers.js'

const HOUR = 3600
const passPhrase = 'correct horse'
const PROGRAMS = [...MYPROXY_PROGRAMS, 'myproxy-store', 'myproxy-retrieve'] as const

/** As a CA delivers it and `openssl` encrypts it. */
function filesOf({ credential }: GridIdentity, type: 'pkcs8' | 'pkcs1' = 'pkcs8') {
  const cipher = type === 'pkcs8' ? 'aes-256-cbc' : 'aes-128-cbc'
  const { privateKey, chain } = credential
  const keyPem = privateKey.export({ type, format: 'pem', cipher, passphrase: passPhrase })
  const certificatesPem = chain.map(({ der }) => encodePem('CERTIFICATE', der)).join('')
  return { certificatesPem, keyPem: keyPem.toString() }
}

describeWithPrograms('MyProxyClient leaves on a server', PROGRAMS, () => {
  let grid: RealGrid
  let client: MyProxyClient
  let alice: GridIdentity
  let proxyPath: string
  beforeAll(async () => {
    grid = await startRealGrid({ policy: OPEN_POLICY })
    client = await openClient(grid)
    alice = grid.users.alice
    proxyPath = await grid.writeProxy('alice.proxy', addProxy(alice.credential, { key: 'rsa2048' }))
  })
  afterAll(() => grid?.stop())

  const owner = (username: string) => ({ username, credential: alice.credential })

  describe('by delegation', () => {
    const terms = { storedSeconds: 100 * HOUR, lifetimeSeconds: 20 * HOUR }

    it('each of four policies and a description, as its owner sees them', async () => {
      const policies = {
        retriever: '*/CN=a',
        renewer: '*/CN=b',
        trustedRetriever: '*/CN=c',
        keyRetriever: '*/CN=d',
      }
      const description = 'for the VO-Box, and = signs'
      await client.put({ ...owner('all'), ...terms, passPhrase, policies, description })
      const { credentials } = await client.info(owner('all'))
      const [first] = credentials
      expect(first).toMatchObject({ ...policies, description, owner: alice.dn })
      expect(Math.abs((first?.end ?? 0) - realNow() - 100 * HOUR)).toBeLessThan(120)
      const seen = await grid.run('myproxy-info', ['-l', 'all'], { proxy: proxyPath })
      for (const text of [description, ...Object.values(policies)])
        expect(seen.stdout).toContain(text)
    })

    it('what the C client fetches: signed by a certificate, and by a proxy', async () => {
      const proxy = addProxy(alice.credential, { key: 'rsa2048' })
      for (const [username, signer] of [
        ['by-certificate', alice.credential],
        ['by-proxy', proxy],
      ] as const) {
        await client.put({ ...owner(username), ...terms, signer, passPhrase })
        const out = join(grid.directory, `${username}.pem`)
        const args = ['-l', username, '-S', '-o', out]
        const got = await grid.run('myproxy-logon', args, { input: passPhrase })
        expect(got).toMatchObject({ exitCode: 0 })
      }
    })

    it('nothing but two named ones, when the default one of three was destroyed', async () => {
      const call = { ...owner('three'), ...terms, passPhrase }
      await client.put(call)
      for (const credentialName of ['one', 'two']) await client.put({ ...call, credentialName })
      expect((await client.info(owner('three'))).credentials).toHaveLength(3)
      await client.destroy(owner('three'))
      const { credentials } = await client.info(owner('three'))
      expect(credentials.map(({ name }) => name).sort()).toEqual(['one', 'two'])
      await client.destroy({ ...owner('three'), credentialName: 'one' })
      await client.destroy({ ...owner('three'), credentialName: 'two' })
      const none = await rejectionOf(client.info(owner('three')))
      expect(none.code).toBe('MYPROXY_NO_CREDENTIAL')
    })

    it('a key that only the new pass phrase opens', async () => {
      const newPassPhrase = 'battery staple'
      await client.put({ ...owner('changed'), ...terms, passPhrase })
      await client.changePassPhrase({ ...owner('changed'), passPhrase, newPassPhrase })
      const get = (phrase: string) =>
        client.get({ username: 'changed', passPhrase: phrase, lifetimeSeconds: HOUR })
      expect((await rejectionOf(get(passPhrase))).code).toBe('MYPROXY_PASS_PHRASE_WRONG')
      const { credential } = await get(newPassPhrase)
      expect(describeChain(credential.chain).identity.oneLine).toBe(alice.dn)
    })
  })

  describe('as it is on disk', () => {
    const terms = { lifetimeSeconds: 12 * HOUR, policies: { keyRetriever: '*/CN=alice' } }

    it.each([
      ['PKCS#8', 'pkcs8'],
      ['the older form', 'pkcs1'],
    ] as const)('a key in %s, which comes back encrypted as it was', async (_name, type) => {
      const stored = filesOf(alice, type)
      await client.store({ ...owner(type), ...terms, stored })
      const { chain, keyPem } = await client.retrieve({ ...owner(type), passPhrase })
      expect(keyPem).toBe(stored.keyPem)
      expect(chain[0]?.der).toEqual(alice.credential.chain[0]?.der)
      const [block] = parsePem(keyPem)
      if (block === undefined) throw new Error('no key')
      const key = parsePrivateKey(block, Buffer.from(passPhrase))
      expect(key.equals(alice.credential.privateKey)).toBe(true)
    })

    it('what the C client retrieves, and the C client what it retrieves', async () => {
      await client.store({ ...owner('ours'), ...terms, stored: filesOf(alice) })
      const cert = join(grid.directory, 'ours.cert')
      const words = ['-l', 'ours', '-S', '-c', cert, '-y', join(grid.directory, 'ours.key')]
      const got = await grid.run('myproxy-retrieve', words, { proxy: proxyPath, input: passPhrase })
      expect(got).toMatchObject({ exitCode: 0 })
      expect(await readFile(cert, 'utf8')).toContain(filesOf(alice).certificatesPem)

      const { keyPem: encrypted } = filesOf(alice, 'pkcs1')
      const key = join(grid.directory, 'encrypted.key')
      await writeFile(key, encrypted, { mode: 0o600 })
      const files = ['-c', alice.certificatePath, '-y', key]
      const store = ['-l', 'theirs', ...files, '-E', 'alice']
      expect(await grid.run('myproxy-store', store, { proxy: proxyPath })).toMatchObject({
        exitCode: 0,
      })
      const { keyPem } = await client.retrieve({ ...owner('theirs'), passPhrase })
      expect(keyPem).toBe(encrypted)
    })

    it('with the server’s CA files, when they are asked for', async () => {
      await client.store({ ...owner('roots'), ...terms, stored: filesOf(alice) })
      const answer = await client.retrieve({ ...owner('roots'), passPhrase, trustRoots: true })
      expect(answer.trustRoots.length).toBeGreaterThan(4)
    })

    it('nothing where the key is not the certificate’s, and asks no server', async () => {
      const nowhere = await openClient(grid, { servers: 'localhost:1' })
      const { certificatesPem } = filesOf(alice)
      const keyPem = await readFile(grid.users.eve.keyPath)
      const stored = { certificatesPem, keyPem }
      const refused = await rejectionOf(nowhere.store({ ...owner('mixed'), ...terms, stored }))
      expect(refused.code).toBe('PROXY_KEY_MISMATCH')
    })
  })

  it('nothing on the second server, when the first one cannot be reached', async () => {
    const both = await openClient(grid, { servers: `localhost:1,localhost:${grid.server.port}` })
    const call = { ...owner('secondary'), storedSeconds: HOUR, lifetimeSeconds: HOUR }
    const failure = await rejectionOf(both.put(call))
    expect(failure.code).toBe('ALL_SERVERS_FAILED')
    const none = await rejectionOf(client.info(owner('secondary')))
    expect(none.code).toBe('MYPROXY_NO_CREDENTIAL')
    expect((await both.info(owner('all'))).server).toEqual(grid.server)
    // A look before a change must not be at a server that the change does not go to.
    const look = await rejectionOf(both.info({ ...owner('all'), primaryOnly: true }))
    expect(look.code).toBe('ALL_SERVERS_FAILED')
  })
})
