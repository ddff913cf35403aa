import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestPut, requestRenewal } from '../../../../src/myproxy/client.js'
import { systemRandom } from '../../../../src/node/ports/random.js'
import { describeChain } from '../../../../src/proxy/chain-facts.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../../../support/embedded-myproxy.js'
import { rejectionOf } from '../../../support/failure.js'
import { addProxy } from '../../../support/pki.js'

const HOUR = 3600

describe.each([
  ['as it is without a line', ''],
  ['with the flag of limited proxies ignored', 'ignore_globus_limited_proxy_flag true\n'],
  [
    'with patterns that only an expression can say',
    'accepted_credentials "/DC=org/DC=(test|example)/O[U]=Users/CN=[[:alpha:]]\\*"\n',
  ],
])('a server of ours, %s', (_name, config) => {
  let grid: EmbeddedGrid
  beforeAll(async () => {
    grid = await startEmbeddedGrid({ config })
    const { alice } = grid.users
    await requestPut(grid.myproxy, {
      servers: grid.servers,
      username: alice.dn,
      credential: alice.credential,
      storedSeconds: 24 * HOUR,
      lifetimeSeconds: 0,
      policies: { renewer: '/DC=*/(OU=Hosts|OU=Robots)/CN=vobox\\.example\\.(org|com)' },
      random: systemRandom,
    })
  })
  afterAll(() => grid?.stop())

  const renew = (machine = addProxy(grid.hosts.vobox.credential)) =>
    requestRenewal(grid.myproxy, {
      servers: grid.servers,
      username: grid.users.alice.dn,
      lifetimeSeconds: HOUR,
      machine,
      current: addProxy(grid.users.alice.credential),
    })

  it('renews for the host that the pattern of the credential names, and for no other', async () => {
    expect((await renew()).credential.chain.length).toBeGreaterThan(1)
    const other = await rejectionOf(renew(addProxy(grid.hosts.portal.credential)))
    expect(other.code).toBe('MYPROXY_NOT_AUTHORISED_RENEWER')
  })

  it(`renews with a ${config.startsWith('ignore') ? 'full' : 'limited'} proxy for a limited one`, async () => {
    const limited = addProxy(grid.hosts.vobox.credential, { policy: 'limited' })
    const { chain } = (await renew(limited)).credential
    expect(describeChain(chain).limited).toBe(!config.startsWith('ignore'))
  })
})
