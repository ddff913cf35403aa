/** Two servers on one directory, as sites run them behind one name. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  requestChangePassPhrase,
  requestDestroy,
  requestGet,
  requestInfo,
  requestStore,
} from '../../../src/myproxy/client.js'
import { MyProxyServer } from '../../../src/myproxy/server/server.js'
import { CredentialRepository } from '../../../src/myproxy/server/store/credential-repository.js'
import { systemClock } from '../../../src/node/ports/clock.js'
import { nodeFiles } from '../../../src/node/ports/files.js'
import { systemRandom } from '../../../src/node/ports/random.js'
import { silentJournal } from '../../../src/ports/journal.js'
import { encodePem } from '../../../src/x509/pem.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../../support/embedded-myproxy.js'
import { rejectionOf } from '../../support/failure.js'
import { testKey } from '../../support/pki.js'

const OLD = 'old pass phrase'
const NEW = 'new pass phrase'

let grid: EmbeddedGrid
let second: MyProxyServer
let ports: Record<'a' | 'b', number>

beforeAll(async () => {
  grid = await startEmbeddedGrid({ maxPerOwner: 3 })
  second = new MyProxyServer({
    settings: grid.settings,
    host: '127.0.0.1',
    port: 0,
    credential: grid.hosts.server.credential,
    anchors: grid.myproxy.anchors,
    repository: new CredentialRepository({
      ...{ files: nodeFiles, clock: systemClock, journal: silentJournal, maxPerOwner: 3 },
      ...{ directory: grid.storeDirectory, owners: [process.getuid?.() ?? 0] },
    }),
    clock: systemClock,
    random: systemRandom,
    keys: { generate: async () => testKey('p256', 'stored') },
    journal: silentJournal,
  })
  ports = { a: grid.port, b: (await second.start()).port }
})
afterAll(async () => {
  await second.stop()
  await grid.stop()
})

const at = (server: 'a' | 'b', username: string, who: 'alice' | 'eve' = 'alice') => ({
  servers: [{ host: 'localhost', port: ports[server] }],
  username,
  credential: grid.users[who].credential,
})

const store = (server: 'a' | 'b', username: string, who: 'alice' | 'eve' = 'alice') => {
  const { chain, privateKey } = grid.users[who].credential
  return requestStore(grid.myproxy, {
    ...{ ...at(server, username, who), lifetimeSeconds: 3600 },
    stored: {
      certificatesPem: chain.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
      keyPem: privateKey
        .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: OLD })
        .toString(),
    },
  })
}

const get = (server: 'a' | 'b', username: string, passPhrase: string) => {
  const { servers } = at(server, username)
  return requestGet(grid.myproxy, { servers, username, passPhrase, lifetimeSeconds: 600 })
}

describe('two servers on one directory', () => {
  it('each give, change and remove at once what the other has stored', async () => {
    await store('a', 'shared')
    expect((await get('b', 'shared', OLD)).credential.chain).not.toHaveLength(0)
    await requestChangePassPhrase(grid.myproxy, {
      ...at('b', 'shared'),
      passPhrase: OLD,
      newPassPhrase: NEW,
    })
    expect((await rejectionOf(get('a', 'shared', OLD))).code).toBe('MYPROXY_PASS_PHRASE_WRONG')
    expect((await get('a', 'shared', NEW)).credential.chain).not.toHaveLength(0)
    expect((await requestInfo(grid.myproxy, at('a', 'shared'))).credentials).toHaveLength(1)
    await requestDestroy(grid.myproxy, at('b', 'shared'))
    const gone = await rejectionOf(requestInfo(grid.myproxy, at('a', 'shared')))
    expect(gone.code).toBe('MYPROXY_NO_CREDENTIAL')
  })

  it('give a name to 1 of 2 owners who store under it at the same time', async () => {
    const outcomes = await Promise.allSettled([
      store('a', 'wanted', 'alice'),
      store('b', 'wanted', 'eve'),
    ])
    const [refused] = outcomes.filter((outcome) => outcome.status === 'rejected')
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(refused?.reason.code).toBe('MYPROXY_NOT_OWNER')
    const owner = (await grid.repository.find('wanted', undefined))?.data.owner
    const winner = outcomes[0].status === 'fulfilled' ? 'alice' : 'eve'
    expect(owner).toBe(grid.users[winner].dn)
    await requestDestroy(grid.myproxy, at('a', 'wanted', winner))
  })

  it('take 3 of 6 credentials that one owner stores through both at the same time', async () => {
    const names = ['one', 'two', 'three', 'four', 'five', 'six']
    const outcomes = await Promise.allSettled(
      names.map((name, index) => store(index % 2 === 0 ? 'a' : 'b', name)),
    )
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(3)
    expect(await grid.repository.stamps()).toHaveProperty('size', 3)
  })
})
