/**
 * A server of ours that adds VOMS attributes to what it delegates (`allow_voms_attribute_requests`),
 * with Debian's VOMS server behind it.
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { requestGet, requestPut } from '../../src/myproxy/client.js'
import { parseServerConfig } from '../../src/myproxy/server/config/parse-server-config.js'
import { MyProxyServer } from '../../src/myproxy/server/server.js'
import { CredentialRepository } from '../../src/myproxy/server/store/credential-repository.js'
import { composeSettings } from '../../src/node/myproxy-server/compose-settings.js'
import { systemClock } from '../../src/node/ports/clock.js'
import { nodeFiles } from '../../src/node/ports/files.js'
import { systemRandom } from '../../src/node/ports/random.js'
import { silentJournal } from '../../src/ports/journal.js'
import { TrustDirectory } from '../../src/x509/trust-anchors.js'
import { rejectionOf } from '../support/failure.js'
import { dialerWithNames, myproxyContext } from '../support/myproxy-context.js'
import { testKey } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'
import { type RealVoms, startRealVoms, VOMS_PROGRAMS } from '../support/real-voms.js'

const PATH = 'myproxy-server.config'
const CONFIG = `accepted_credentials "*"
authorized_retrievers "*"
`

describeWithPrograms(
  'attributes by way of a server of ours',
  [...MYPROXY_PROGRAMS, ...VOMS_PROGRAMS],
  () => {
    let grid: RealGrid
    let voms: RealVoms
    let server: MyProxyServer
    let port: number
    let fetched = 0

    const settingsFor = (lines: string) =>
      composeSettings(parseServerConfig(Buffer.from(CONFIG + lines), PATH), {
        ...{ path: PATH, uid: process.getuid?.() ?? 0, storageDirectory: grid.storeDirectory },
        ...{ files: nodeFiles, clock: systemClock, random: systemRandom, journal: silentJournal },
      })

    const context = () =>
      myproxyContext(grid.ca, {
        dialer: dialerWithNames({ localhost: ['127.0.0.1'] }),
        keys: { generate: async () => testKey('rsa2048', 'fetched') },
        connectMs: 20_000,
        answerMs: 60_000,
      })

    beforeAll(async () => {
      grid = await startRealGrid()
      voms = await startRealVoms(grid)
      const trust = new TrustDirectory(nodeFiles, systemClock, grid.trustDirectory, {
        allowMissingSigningPolicy: false,
      })
      const owners = [process.getuid?.() ?? 0]
      server = new MyProxyServer({
        settings: await settingsFor(
          `allow_voms_attribute_requests true\nvoms_userconf ${voms.vomses}\n`,
        ),
        host: '127.0.0.1',
        port: 0,
        credential: grid.hosts.server.credential,
        anchors: () => trust.current(),
        repository: new CredentialRepository({
          ...{ files: nodeFiles, clock: systemClock, journal: silentJournal, owners },
          directory: join(grid.directory, 'store-of-ours'),
        }),
        ...{ clock: systemClock, random: systemRandom, journal: silentJournal },
        keys: { generate: async () => testKey('rsa2048', 'stored') },
      })
      ;({ port } = await server.start())
      await requestPut(context(), {
        servers: [{ host: 'localhost', port }],
        username: 'alice',
        credential: grid.users.alice.credential,
        passPhrase: 'secret-pass',
        lifetimeSeconds: 48 * 3600,
        storedSeconds: 24 * 3600,
        policies: {},
        random: systemRandom,
      })
    })
    afterAll(async () => {
      await server?.stop()
      await voms?.stop()
      await grid?.stop()
    })

    const get = (voNames: readonly string[], vomses?: readonly string[]) =>
      requestGet(context(), {
        servers: [{ host: 'localhost', port }],
        username: 'alice',
        passPhrase: 'secret-pass',
        lifetimeSeconds: 3600,
        voNames,
        vomses,
      })

    /** The attributes as the C tool finds them. */
    const shown = async (
      answer: Promise<{ credential: Parameters<RealGrid['writeProxy']>[1] }>,
    ) => {
      fetched += 1
      const file = await grid.writeProxy(`fetched-${fetched}`, (await answer).credential)
      const { stdout } = await voms.run('voms-proxy-info2', ['-file', file, '-all'])
      return stdout
        .split('\n')
        .filter((line) => line.startsWith('attribute : /'))
        .map((line) => line.replace(/attribute : |\/Capability=NULL/g, ''))
    }

    it('gives those of a role, in the proxy itself', async () => {
      const attributes = await shown(get(['alice:/alice/Role=lcgadmin']))
      expect(attributes[0]).toBe('/alice/Role=lcgadmin')
    })

    it('gives those of 2 VOs, and the same by the vomses line of the request', async () => {
      const both = await shown(get(['alice', 'bob.example.org']))
      expect(both).toEqual(
        expect.arrayContaining(['/alice/Role=NULL', '/bob.example.org/Role=NULL']),
      )
      const [file = ''] = await readdir(voms.vomses)
      const line = (await readFile(join(voms.vomses, file), 'utf8')).split('\n')[0] ?? ''
      const [, alias = '', vo = ''] = /^"([^"]+)".*"([^"]+)"$/.exec(line) ?? []
      const own = await shown(get(['mine'], [line.replace(`"${alias}"`, '"mine"')]))
      expect(own).toContain(`/${vo}/Role=NULL`)
    })

    it.each([
      ['a role that she has not', ['alice:/alice/Role=production'], 'Role=production'],
      ['a VO that no line names', ['nosuch'], 'no VOMS server of VO nosuch is known'],
      ['text that names nothing', ['alice:garbage'], 'garbage'],
    ])('refuses %s, and says why', async (_name, voNames, words) => {
      const { data } = await rejectionOf(get(voNames))
      expect(data.serverMessage).toContain(words)
      expect(data.serverMessage).toContain("Couldn't get VOMS User Information.")
    })

    it('passes the wish over where the configuration does not allow it, as the C server does', async () => {
      server.reconfigure(await settingsFor(''))
      expect(await shown(get(['alice']))).toEqual([])
    })
  },
)
