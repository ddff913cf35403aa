/** The real service killed at any moment, again and again: what is on disk is whole every time. */
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestPut } from '../../src/myproxy/client.js'
import { systemRandom } from '../../src/node/ports/random.js'
import { validateProxyChain } from '../../src/proxy/validate-proxy-chain.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../support/embedded-myproxy.js'
import { addProxy, realNow } from '../support/pki.js'
import { RenewdVo } from '../support/renewd-process.js'
import { DAY, HOUR } from '../support/time.js'

const NAMES = ['a', 'b', 'c', 'd', 'e', 'f']
const KILLS = 8

describe('vobox-renewd, killed', () => {
  let grid: EmbeddedGrid
  let vo: RenewdVo
  beforeAll(async () => {
    grid = await startEmbeddedGrid()
    const { alice } = grid.users
    await requestPut(grid.myproxy, {
      servers: grid.servers,
      username: alice.dn,
      credential: alice.credential,
      storedSeconds: 7 * DAY,
      lifetimeSeconds: 12 * HOUR,
      policies: { renewer: '*' },
      random: systemRandom,
    })
    const config = [
      '[limits]',
      'min_interval_seconds = 1',
      '[keys]',
      'kind = "p256"',
      'pool = 4',
      '[trust]',
      `directory = "${grid.trustDirectory}"`,
      '[mail]',
      'transport = "none"',
    ].join('\n')
    vo = await RenewdVo.make(grid.directory, 'renewd-kill', config)
    await vo.putMachineProxy(addProxy(grid.hosts.vobox.credential, { pathLength: 0, hours: 24 }))
    for (const name of NAMES) {
      await vo.register(name, addProxy(alice.credential, { hours: 1 }), {
        servers: [`localhost:${grid.port}`],
        lifetimeSeconds: 12 * HOUR,
        refreshSeconds: 1,
      })
    }
  })
  afterAll(async () => {
    vo?.cleanUp()
    await grid?.stop()
  })

  it(`leaves six whole and valid proxies and the registry after each of ${KILLS} kills`, async () => {
    const anchors = await grid.myproxy.anchors()
    for (let kill = 0; kill < KILLS; kill++) {
      const service = await vo.start()
      // Spread over the first renewals of a run, which all six begin at once.
      await sleep(40 * kill)
      service.child.kill('SIGKILL')
      expect(await service.ended).toBe('SIGKILL')
      for (const name of NAMES) {
        const { chain } = await vo.repository.read(name)
        const options = { now: realNow(), allowLegacyProxies: false, maxDelegationDepth: 10 }
        const { facts } = validateProxyChain(chain, anchors, options)
        expect(facts.identity.oneLine).toBe(grid.users.alice.dn)
      }
      expect([...(await vo.registry.all()).keys()].sort()).toEqual(NAMES)
      expect(vo.registry.takeWarnings()).toEqual([])
      expect((await vo.repository.list()).sort()).toEqual(NAMES)
    }
  })

  it('renews all six after that, and ends in order', async () => {
    const before = vo.events('renewed').length
    const service = await vo.start()
    const renewed = () => vo.events('renewed').slice(before)
    // One that was renewed in this very second cannot end later, and waits a minute.
    await vo.until(
      () => NAMES.every((name) => renewed().some((line) => line.includes(`file=${name} `))),
      90_000,
    )
    service.child.kill('SIGTERM')
    expect(await service.ended).toBe(0)
    expect(vo.events('renewal-failed')).toEqual([])
    for (const name of NAMES) expect((await vo.registry.state(name)).failures).toBe(0)
  }, 120_000)
})
