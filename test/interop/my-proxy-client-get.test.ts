/** Every way to fetch a proxy with `MyProxyClient`, from Debian's `myproxy-server`. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Attempt, type MyProxyClient, VoboxError } from '../../src/index.js'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { validateProxyChain } from '../../src/proxy/validate-proxy-chain.js'
import { keysMatch } from '../../src/x509/private-key.js'
import { createRequest } from '../../src/x509/request.js'
import { rejectionOf } from '../support/failure.js'
import { addProxy, anchorsOf, realNow, testKey } from '../support/pki.js'
import { writeCredentialPair } from '../support/pki-files.js'
import { describeWithPrograms } from '../support/programs.js'
import { OPEN_POLICY, openClient } from '../support/real-client.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'

const HOUR = 3600
const passPhrase = 'correct horse'

describeWithPrograms('MyProxyClient fetches', MYPROXY_PROGRAMS, () => {
  let grid: RealGrid
  let client: MyProxyClient
  beforeAll(async () => {
    grid = await startRealGrid({ policy: OPEN_POLICY })
    client = await openClient(grid)
    const { credential } = grid.users.alice
    const terms = { credential, storedSeconds: 100 * HOUR, lifetimeSeconds: 24 * HOUR }
    await client.put({ ...terms, username: 'alice', passPhrase })
    const policies = { renewer: '*', trustedRetriever: '*/CN=vobox.example.org' }
    await client.put({ ...terms, username: 'renewable', policies })
  })
  afterAll(() => grid?.stop())

  const secondsLeft = (chain: Parameters<typeof describeChain>[0]) =>
    describeChain(chain).effectiveEnd - realNow()

  it('a proxy of 12 h without a credential of its own, with the pass phrase', async () => {
    const call = { username: 'alice', passPhrase, lifetimeSeconds: 12 * HOUR }
    const { server, credential, trustRoots } = await client.get(call)
    expect(server).toEqual(grid.server)
    expect(trustRoots).toEqual([])
    const [leaf] = credential.chain
    expect(keysMatch(credential.privateKey, leaf?.publicKey ?? testKey('p256'))).toBe(true)
    expect(describeChain(credential.chain)).toMatchObject({ depth: 2, limited: false })
    expect(Math.abs(secondsLeft(credential.chain) - 12 * HOUR)).toBeLessThan(120)
    const anchors = anchorsOf(grid.ca)
    const rules = { now: realNow(), allowLegacyProxies: false, maxDelegationDepth: 10 }
    const judged = validateProxyChain(credential.chain, anchors, rules)
    expect(judged.facts.identity.oneLine).toBe(grid.users.alice.dn)
  })

  it('the 24 h that were stored when it asks for 0 s, and when it asks for 1,000 h', async () => {
    for (const lifetimeSeconds of [0, 1000 * HOUR]) {
      const { credential } = await client.get({ username: 'alice', passPhrase, lifetimeSeconds })
      expect(Math.abs(secondsLeft(credential.chain) - 24 * HOUR)).toBeLessThan(120)
    }
  })

  it('with a pass phrase of bytes that are no UTF-8, as an old terminal sent it', async () => {
    const bytes = Buffer.from('caf\xe9 au lait', 'latin1')
    const { credential } = grid.users.alice
    const call = { username: 'latin', passPhrase: bytes, lifetimeSeconds: HOUR }
    await client.put({ ...call, credential, storedSeconds: 10 * HOUR })
    await expect(client.get(call)).resolves.toHaveProperty('credential')
    const asText = client.get({ ...call, passPhrase: 'café au lait' })
    expect((await rejectionOf(asText)).code).toBe('MYPROXY_PASS_PHRASE_WRONG')
  })

  it('one of two named credentials beside the default one', async () => {
    const terms = { credential: grid.users.alice.credential, storedSeconds: 10 * HOUR }
    for (const [credentialName, hours] of [
      ['short', 1],
      ['long', 5],
    ] as const) {
      const of = { username: 'alice', passPhrase, credentialName, lifetimeSeconds: hours * HOUR }
      await client.put({ ...terms, ...of })
    }
    const call = { username: 'alice', passPhrase, lifetimeSeconds: 0 }
    const { credential } = await client.get({ ...call, credentialName: 'short' })
    expect(Math.abs(secondsLeft(credential.chain) - HOUR)).toBeLessThan(120)
    const missing = await rejectionOf(client.get({ ...call, credentialName: 'none' }))
    expect(missing.code).toBe('MYPROXY_NO_CREDENTIAL')
  })

  it('without a pass phrase, as a trusted retriever', async () => {
    const { credential } = await client.get({
      username: 'renewable',
      credential: grid.hosts.vobox.credential,
      lifetimeSeconds: HOUR,
    })
    expect(describeChain(credential.chain).identity.oneLine).toBe(grid.users.alice.dn)
  })

  it('by the proxy that is to be renewed, which signs the challenge', async () => {
    const { credential } = await client.get({
      username: 'renewable',
      credential: grid.hosts.voboxEc.credential,
      authorization: addProxy(grid.users.alice.credential),
      lifetimeSeconds: HOUR,
    })
    expect(describeChain(credential.chain).identity.oneLine).toBe(grid.users.alice.dn)
  })

  it('nothing but the server’s yes, when it only authenticates', async () => {
    const call = { username: 'alice', passPhrase }
    expect(await client.authenticate(call)).toEqual({ server: grid.server })
    const wrong = await rejectionOf(client.authenticate({ ...call, passPhrase: 'wrong one' }))
    expect(wrong.code).toBe('MYPROXY_PASS_PHRASE_WRONG')
    expect(`${wrong.message} ${JSON.stringify(wrong.data)}`).not.toContain('wrong one')
  })

  it('a certificate for the key of somebody else’s request, and no key', async () => {
    const key = testKey('rsa2048', 'of a request')
    const call = { username: 'alice', passPhrase, lifetimeSeconds: HOUR }
    const answer = await client.certify({ ...call, request: createRequest(key) })
    expect(answer).not.toHaveProperty('credential')
    const [leaf] = answer.chain
    expect(keysMatch(key, leaf?.publicKey ?? testKey('p256'))).toBe(true)
    const broken = Buffer.from(createRequest(key))
    broken.writeUInt8(broken.readUInt8(broken.length - 1) ^ 1, broken.length - 1)
    expect((await rejectionOf(client.certify({ ...call, request: broken }))).code).toBe(
      'SIGNATURE_INVALID',
    )
  })

  it('a limited proxy of a limited one, and one of 3 steps of a proxy', async () => {
    const { alice } = grid.users
    const terms = { passPhrase, storedSeconds: 10 * HOUR, lifetimeSeconds: HOUR }
    const limited = addProxy(alice.credential, { key: 'rsa2048', policy: 'limited' })
    const proxy = addProxy(alice.credential, { key: 'rsa2048' })
    await client.put({ ...terms, username: 'limited', credential: limited })
    await client.put({ ...terms, username: 'proxy', credential: proxy })
    const facts = async (username: string) =>
      describeChain((await client.get({ ...terms, username })).credential.chain)
    expect(await facts('limited')).toMatchObject({ limited: true, depth: 3 })
    expect(await facts('proxy')).toMatchObject({ limited: false, depth: 3 })
  })

  it('a legacy proxy where one is stored, which says what it is; and signs with none', async () => {
    // OpenSSL takes legacy proxies of certificates alone that leave open what their key is for.
    const old = grid.ca.issueUser('old', { key: 'rsa2048', keyUsage: null })
    const { cert, key } = await writeCredentialPair(grid.directory, 'old', old)
    const env = { GT_PROXY_MODE: 'old', X509_USER_CERT: cert, X509_USER_KEY: key }
    const run = { input: passPhrase, env }
    expect(await grid.run('myproxy-init', ['-l', 'legacy', '-S'], run)).toHaveProperty(
      'exitCode',
      0,
    )
    const call = { username: 'legacy', passPhrase, lifetimeSeconds: HOUR }
    const { credential } = await client.get(call)
    expect(describeChain(credential.chain)).toMatchObject({ kind: 'legacy' })

    const put = client.put({ ...call, credential: old, signer: credential, storedSeconds: HOUR })
    expect((await rejectionOf(put)).code).toBe('PROXY_KIND_REFUSED')
  })

  describe('the server’s CA files', () => {
    const trusted = (name: string) => readFile(join(grid.trustDirectory, name))

    it('with a proxy, with a key, and alone: byte for byte', async () => {
      const call = { username: 'alice', passPhrase, lifetimeSeconds: HOUR, trustRoots: true }
      const { trustRoots } = await client.get(call)
      const { files, serverTrusted } = await client.getTrustRoots()
      expect(serverTrusted).toBe(true)
      expect(trustRoots).toEqual(files)
      expect(files.length).toBeGreaterThan(4)
      for (const { name, content } of files) expect(content).toEqual(await trusted(name))
    })

    it('into a host without any, which is told that nothing proves who sent them', async () => {
      const bare = await openClient(grid, { trustDirectory: join(grid.directory, 'none') })
      expect((await rejectionOf(bare.getTrustRoots())).code).not.toBe('INTERNAL')
      const { files, serverTrusted } = await bare.getTrustRoots({ bootstrap: true })
      expect(serverTrusted).toBe(false)
      expect(files.map(({ name }) => name)).toContainEqual(
        expect.stringMatching(/^[0-9a-f]{8}\.0$/),
      )
    })
  })

  it('from the second server when nothing listens at the first, and says so', async () => {
    const attempts: Attempt[] = []
    const both = await openClient(grid, {
      servers: `localhost:1,localhost:${grid.server.port}`,
      onAttempt: (attempt) => attempts.push(attempt),
    })
    const { server } = await both.get({ username: 'alice', passPhrase, lifetimeSeconds: HOUR })
    expect(server).toEqual(grid.server)
    expect(attempts[0]).toMatchObject({ server: 'localhost:1', outcome: 'failed' })
    expect(attempts.at(-1)).toMatchObject({
      server: `localhost:${grid.server.port}`,
      outcome: 'answered',
    })
  })

  it('nothing once it was cancelled, with the reason that was given', async () => {
    const stop = new AbortController()
    stop.abort(new VoboxError('CANCELLED', 'enough'))
    const call = { username: 'alice', passPhrase, lifetimeSeconds: HOUR, signal: stop.signal }
    expect(await rejectionOf(client.get(call))).toMatchObject({
      code: 'CANCELLED',
      message: 'enough',
    })
  })
})
