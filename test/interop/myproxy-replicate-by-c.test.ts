/** A server of ours as the secondary of a C primary, which Debian's `myproxy-replicate` hands on. */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { requestRenewal } from '../../src/myproxy/client.js'
import { CredentialRepository } from '../../src/myproxy/server/store/credential-repository.js'
import { systemClock } from '../../src/node/ports/clock.js'
import { nodeFiles } from '../../src/node/ports/files.js'
import { silentJournal } from '../../src/ports/journal.js'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { type CServer, startCServer } from '../support/c-server.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../support/embedded-myproxy.js'
import { addProxy } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import { secondaryConfig, startOurSecondary } from '../support/replication-grid.js'

const PROGRAMS = ['myproxy-server', 'myproxy-replicate', 'myproxy-init', 'myproxy-destroy']

describeWithPrograms('a secondary of ours, of a C primary', PROGRAMS, () => {
  let grid: EmbeddedGrid
  let primary: CServer
  let ours: Awaited<ReturnType<typeof startOurSecondary>>
  let stored: CredentialRepository
  let configFile: string

  beforeAll(async () => {
    grid = await startEmbeddedGrid({ key: 'rsa2048' })
    ours = await startOurSecondary(grid, 'ours')
    stored = new CredentialRepository({
      ...{ files: nodeFiles, clock: systemClock, journal: silentJournal },
      ...{ directory: ours.storeDirectory, owners: [process.getuid?.() ?? 0] },
    })
    const { dn } = grid.hosts.server
    const config = secondaryConfig(grid).replace(dn, '/DC=org/DC=example/*')
    primary = await startCServer(grid, 'primary', config)
    configFile = join(grid.directory, 'primary.config')
    await writeFile(configFile, `slave_servers localhost:${ours.port}\n`)
  })
  afterAll(async () => {
    primary.stop()
    await ours.stop()
    await grid.stop()
  })

  const asAlice = (port: number, program: string, ...args: string[]) =>
    grid.run(program, args, { as: grid.users.alice, env: { MYPROXY_SERVER_PORT: String(port) } })
  const replicate = () =>
    grid.run('myproxy-replicate', ['-v', '-r', primary.storeDirectory, '-c', configFile], {
      as: grid.hosts.server,
    })

  it('takes from the primary what no user may store there, and lets go what is destroyed', async () => {
    const refused = await asAlice(ours.port, 'myproxy-init', '-d', '-n', '-A')
    expect(refused.stderr + refused.stdout).toContain('not authorized to store credentials')

    const uploads = [
      ['-d', '-n', '-A', '-t', '48'],
      ['-l', 'named', '-k', 'grid', '-n', '-R', 'vobox.example.org'],
    ]
    for (const words of uploads) {
      expect((await asAlice(primary.port, 'myproxy-init', ...words)).exitCode).toBe(0)
    }
    const first = await replicate()
    expect(first).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('complete') })
    const { dn: owner } = grid.hosts.server
    const { dn } = grid.users.alice
    expect((await stored.find(dn, undefined))?.data).toMatchObject({
      ...{ owner, lifetimeSeconds: 48 * 3600, renewer: '*' },
    })
    expect((await stored.find('named', 'grid'))?.data).toMatchObject({
      ...{ owner, renewer: '*/CN=vobox.example.org' },
    })

    const gone = await asAlice(primary.port, 'myproxy-destroy', '-l', 'named', '-k', 'grid')
    expect(gone.exitCode).toBe(0)
    expect((await replicate()).exitCode).toBe(0)
    expect(await stored.find('named', 'grid')).toBeUndefined()
    expect(await stored.find(dn, undefined)).toBeDefined()
  })

  it('renews for 12 h what it was handed while the primary is stopped', async () => {
    primary.stop()
    const [machine, current] = [grid.hosts.vobox, grid.users.alice].map(({ credential }) =>
      addProxy(credential, { key: 'rsa2048' }),
    )
    if (machine === undefined || current === undefined) throw new Error('two proxies were made')
    const { dn: username } = grid.users.alice
    const { server, credential } = await requestRenewal(grid.myproxy, {
      servers: [primary, ours].map(({ port }) => ({ host: 'localhost', port })),
      ...{ username, lifetimeSeconds: 12 * 3600, machine, current },
    })
    expect(server.port).toBe(ours.port)
    expect(describeChain(credential.chain).identity.oneLine).toBe(username)
  })
})
