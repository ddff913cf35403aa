import { createPrivateKey } from 'node:crypto'
import { rm, writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { VoboxError } from '../../../../src/errors.js'
import type { ByteStream } from '../../../../src/gsi/byte-stream.js'
import { requestPut, requestRetrieval, requestStore } from '../../../../src/myproxy/client.js'
import type { AccessPolicies } from '../../../../src/myproxy/request.js'
import { RequestAudit } from '../../../../src/myproxy/server/audit.js'
import { serveRetrieve } from '../../../../src/myproxy/server/exchanges/serve-retrieve.js'
import { plainDn } from '../../../../src/myproxy/server/policy/dn-pattern.js'
import type { ServerContext } from '../../../../src/myproxy/server/server-context.js'
import { systemClock } from '../../../../src/node/ports/clock.js'
import { nodeFiles } from '../../../../src/node/ports/files.js'
import { systemRandom } from '../../../../src/node/ports/random.js'
import type { Credential } from '../../../../src/proxy/credential.js'
import { CertificateCache } from '../../../../src/x509/certificate-cache.js'
import { encodePem } from '../../../../src/x509/pem.js'
import { TrustDirectory } from '../../../../src/x509/trust-anchors.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../../../support/embedded-myproxy.js'
import { rejectionOf } from '../../../support/failure.js'
import { addProxy } from '../../../support/pki.js'

const PASS_PHRASE = 'correct horse'

let grid: EmbeddedGrid

beforeAll(async () => {
  grid = await startEmbeddedGrid({
    config: `authorized_key_retrievers "*"
default_key_retrievers "none"
trusted_retrievers "*"
`,
  })
  await store('locked-in', { keyRetriever: '*' }, PASS_PHRASE)
  await store('not-named', {}, PASS_PHRASE)
  await store('for-alice', { keyRetriever: '*/CN=alice' }, PASS_PHRASE)
  await store('others-only', { keyRetriever: '*', retriever: '*/CN=alice' }, PASS_PHRASE)
  await store('trusting', { keyRetriever: '*', trustedRetriever: '*' })
  await store('guarded', { keyRetriever: '*', trustedRetriever: '*' }, PASS_PHRASE)
})
afterAll(() => grid.stop())

const pemOf = ({ chain, privateKey }: Credential, passphrase?: string) => ({
  certificatesPem: chain.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
  keyPem: privateKey
    .export({
      ...{ type: 'pkcs8', format: 'pem' },
      ...(passphrase !== undefined && { cipher: 'aes-256-cbc', passphrase }),
    } as never)
    .toString(),
})

const store = (username: string, policies: AccessPolicies, passPhrase?: string) =>
  requestStore(grid.myproxy, {
    ...{ servers: grid.servers, username, policies, lifetimeSeconds: 3600 },
    credential: grid.users.alice.credential,
    stored: pemOf(grid.users.alice.credential, passPhrase),
  })

const retrieve = (username: string, passPhrase = PASS_PHRASE, as?: Credential) =>
  requestRetrieval(grid.myproxy, {
    ...{ servers: grid.servers, username, passPhrase },
    ...(as !== undefined && { credential: as }),
  })

describe('RETRIEVE', () => {
  it('gives an encrypted key as it was stored to whoever knows its pass phrase', async () => {
    const { credential } = grid.users.alice
    const { chain, keyPem } = await retrieve('locked-in')
    expect(chain.map(({ der }) => der)).toEqual(credential.chain.map(({ der }) => der))
    const key = createPrivateKey({ key: keyPem, passphrase: PASS_PHRASE })
    expect(key.equals(credential.privateKey)).toBe(true)
  })

  it('gives a plain key to a trusted retriever', async () => {
    const { keyPem } = await retrieve('trusting', '', addProxy(grid.hosts.vobox.credential))
    expect(createPrivateKey(keyPem).equals(grid.users.alice.credential.privateKey)).toBe(true)
  })

  it('gives what was stored by PUT, leaf, encrypted key and chain', async () => {
    await requestPut(grid.myproxy, {
      ...{ servers: grid.servers, username: 'put', passPhrase: PASS_PHRASE },
      credential: grid.users.alice.credential,
      ...{ storedSeconds: 3600, lifetimeSeconds: 3600, random: systemRandom },
      policies: { keyRetriever: '*' },
    })
    const { chain, keyPem } = await retrieve('put')
    expect(chain).toHaveLength(2)
    expect(keyPem).toContain('BEGIN ENCRYPTED PRIVATE KEY')
  })
})

describe('RETRIEVE refuses', () => {
  const vobox = () => addProxy(grid.hosts.vobox.credential)

  it.each([
    [
      'a key that names nobody',
      ['not-named', PASS_PHRASE, vobox],
      `"/DC=org/DC=example/OU=Hosts/CN=vobox.example.org" not authorized by server's default authorized_key_retrievers policy`,
    ],
    [
      'somebody whom the credential does not name',
      ['for-alice', PASS_PHRASE, vobox],
      `"/DC=org/DC=example/OU=Hosts/CN=vobox.example.org" not authorized by credential's authorized_key_retrievers policy`,
    ],
    ...(['for-alice', 'not-named', 'nothing-there'] as const).map(
      (username) =>
        [
          `an anonymous client the key of ${username}, as if its pass phrase were wrong`,
          [username, PASS_PHRASE, undefined],
          'invalid credential passphrase',
        ] as const,
    ),
    [
      'a key retriever that is no retriever',
      ['others-only', PASS_PHRASE, vobox],
      'retrievers policy',
    ],
    ['a wrong pass phrase', ['locked-in', 'wrong horse', vobox], 'invalid credential passphrase'],
    [
      'a trusted retriever without the pass phrase of an encrypted key',
      ['guarded', '', vobox],
      'invalid credential passphrase',
    ],
  ] as const)('%s', async (_whom, [username, passPhrase, as], said) => {
    const failure = await rejectionOf(retrieve(username, passPhrase, as?.()))
    expect(failure.data.serverMessage).toContain(said)
    expect(grid.log.at(-1)?.event).toBe('myproxy-refused')
  })

  it('the key itself to a limited proxy, to which a proxy could be limited', async () => {
    const limited = addProxy(grid.hosts.vobox.credential, { policy: 'limited' })
    const failure = await rejectionOf(retrieve('trusting', '', limited))
    expect(failure.data.serverMessage).toContain(
      'Client with limited proxy may not retrieve full credentials.',
    )
  })

  it('everybody what an administrator has locked, and says why', async () => {
    const lock = `${grid.storeDirectory}/locked-in.lock`
    await writeFile(lock, 'seen elsewhere', { mode: 0o600 })
    const failure = await rejectionOf(retrieve('locked-in'))
    await rm(lock)
    expect(failure).toMatchObject({ code: 'MYPROXY_CREDENTIAL_LOCKED' })
    expect(failure.data.serverMessage).toContain('seen elsewhere')
  })

  it('everybody where the server has no line of key retrievers', async () => {
    const closed = await startEmbeddedGrid()
    const failure = await rejectionOf(
      requestRetrieval(closed.myproxy, { servers: closed.servers, username: 'x', passPhrase: 'y' }),
    ).finally(() => closed.stop())
    expect(failure.data.serverMessage).toBe(
      `"<anonymous>" not authorized by server's authorized_key_retrievers policy`,
    )
  })
})

describe('the line about RETRIEVE', () => {
  it('says granted of a client that hangs up once it may have the key', async () => {
    const trust = new TrustDirectory(nodeFiles, systemClock, grid.trustDirectory, {
      allowMissingSigningPolicy: false,
    })
    const context = {
      ...{ ...grid.settings, repository: grid.repository, anchors: () => trust.current() },
      ...{ clock: systemClock, certificates: new CertificateCache() },
    } as unknown as ServerContext
    let writes = 0
    const stream = {
      async write() {
        // The OK is taken; of the files, nobody knows how much.
        writes += 1
        if (writes > 1) throw new VoboxError('CONNECTION_CLOSED', 'the client is gone')
      },
    } as unknown as ByteStream
    const { dn } = grid.hosts.vobox
    const written: object[] = []
    const journal = {
      write: (_level: string, event: string, _message: string, fields?: object) =>
        void written.push({ event, ...fields }),
    }
    const audit = new RequestAudit(journal, '192.0.2.1:4711')
    const asked = { username: 'trusting', passPhrase: '', lifetimeSeconds: 0 }
    const request = { command: 'retrieve', ...asked } as const
    audit.asks(request)
    const client = { dn, forms: plainDn(dn), address: '192.0.2.1' }
    const { signal } = new AbortController()
    const failure = await rejectionOf(
      serveRetrieve(context, { stream, client, signal, audit }, request),
    )
    audit.refused(failure)
    expect(writes).toBe(2)
    expect(written).toMatchObject([
      { event: 'myproxy-served', decision: 'granted', code: 'CONNECTION_CLOSED' },
    ])
  })
})
