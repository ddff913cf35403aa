/** The command that makes a credential renewable, for machines with unusual names, at a real server. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { requestRenewal } from '../../src/myproxy/client.js'
import type { Credential } from '../../src/proxy/credential.js'
import { uploadCommand } from '../../src/registry/cure-commands.js'
import { type AttributeText, buildName, type Name } from '../../src/x509/name.js'
import { rejectionOf } from '../support/failure.js'
import { dialerWithNames, myproxyContext } from '../support/myproxy-context.js'
import { paste } from '../support/pasted.js'
import { addProxy } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'

const named = (...last: AttributeText[]): Name =>
  buildName([['DC', 'org'], ['DC', 'example'], ['OU', 'Hosts'], last])

describeWithPrograms('the upload command that names a machine', MYPROXY_PROGRAMS, () => {
  let grid: RealGrid
  beforeAll(async () => {
    grid = await startRealGrid()
  })
  afterAll(() => grid?.stop())

  const upload = async (renewer: string) => {
    const servers = [`localhost:${grid.server.port}`]
    const command = uploadCommand({ servers, lifetimeSeconds: 3600 }, renewer)
    const pasted = await paste(grid, command, { as: grid.users.alice })
    expect([pasted.exitCode, pasted.stderr], pasted.stdout).toEqual([0, ''])
  }
  const renew = (machine: Credential) =>
    requestRenewal(
      myproxyContext(grid.ca, { dialer: dialerWithNames({ localhost: ['127.0.0.1'] }) }),
      {
        servers: [grid.server],
        username: grid.users.alice.dn,
        lifetimeSeconds: 3600,
        machine: addProxy(machine),
        current: addProxy(grid.users.alice.credential),
      },
    )

  it.each([
    ['a service before the host', named(['CN', 'host/vobox.example.org'])],
    ['a plus', named(['CN', 'a+b.example.org'])],
    ['two attributes in one part', named(['CN', 'c.example.org'], ['UID', 'c'])],
    ['a letter outside ASCII', named(['CN', 'Zoë'])],
    ['brackets', named(['CN', 'vobox (new) [1] {2} a|b^c$'])],
    ['what a shell would read', named(['CN', "o'brien `id` $HOME"])],
  ])('lets it renew where its name has %s, and no other', async (_what, name) => {
    await upload(name.oneLine)
    const { credential } = await renew(grid.ca.issueHost('vobox.example.org', { name }))
    expect(credential.chain[0]?.subject.oneLine).toContain(grid.users.alice.dn)
    const other = await rejectionOf(renew(grid.hosts.voboxEc.credential))
    expect(other.code).toBe('MYPROXY_NOT_AUTHORISED_RENEWER')
  })
})
