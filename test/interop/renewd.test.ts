/** The real service process, renewing from Debian's `myproxy-server`. */

import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { addProxy, realNow } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'
import { RenewdVo, type RunningRenewd } from '../support/renewd-process.js'
import { DAY, HOUR } from '../support/time.js'

describeWithPrograms('vobox-renewd and Debian’s myproxy-server', MYPROXY_PROGRAMS, () => {
  let grid: RealGrid
  let vo: RenewdVo
  let settings: { servers: string[]; lifetimeSeconds: number; refreshSeconds: number | null }
  const running: RunningRenewd[] = []
  const start = async () => {
    const renewd = await vo.start()
    running.push(renewd)
    return renewd
  }
  const login = (hours: number) => addProxy(grid.users.alice.credential, { hours, key: 'rsa2048' })
  /** Registers one that is renewed every second, and forgets it after so many renewals. */
  const renewsAnother = async (name: string, times: number) => {
    await vo.register(name, login(1), { ...settings, refreshSeconds: 1 })
    const renewed = () => vo.events('renewed').filter((line) => line.includes(`file=${name} `))
    await vo.until(() => renewed().length >= times)
    await vo.registry.update(name, () => undefined)
  }
  const end = async (name: string) =>
    describeChain((await vo.repository.read(name)).chain).effectiveEnd

  const config = (more = '') => `
[limits]
min_interval_seconds = 1
[keys]
kind = "p256"
[trust]
directory = "${grid.trustDirectory}"
[mail]
transport = "none"
${more}`

  beforeAll(async () => {
    grid = await startRealGrid()
    await grid.upload({ as: grid.users.alice })
    vo = await RenewdVo.make(grid.directory, 'renewd', config())
    await vo.putMachineProxy(addProxy(grid.hosts.vobox.credential, { hours: 24, pathLength: 0 }))
    settings = {
      servers: [`${grid.server.host}:${grid.server.port}`],
      lifetimeSeconds: 12 * HOUR,
      refreshSeconds: 2,
    }
  })
  afterEach(async () => {
    for (const { child, ended } of running.splice(0)) {
      child.kill('SIGKILL')
      await ended
    }
  })
  afterAll(async () => {
    vo?.cleanUp()
    await grid?.stop()
  })

  it('renews a proxy of an hour twice in a row, to 12 h each, mode 0600', async () => {
    await vo.register('twice', login(1), settings)
    await start()
    await vo.until(() => vo.events('renewed').filter((line) => line.includes('twice')).length >= 2)
    const left = (await end('twice')) - realNow()
    expect(left).toBeGreaterThan(12 * HOUR - 60)
    expect(left).toBeLessThanOrEqual(12 * HOUR)
    expect(vo.mode('twice')).toBe(0o600)
    expect(await vo.registry.state('twice')).toMatchObject({
      failures: 0,
      renewedFrom: settings.servers[0],
      // Which of the two looks came last is a matter of milliseconds.
      storedEnd: { from: expect.stringMatching(/^(chain|info)$/) },
    })
    await vo.registry.update('twice', () => undefined)
  })

  it('takes up a registration while it runs, and forgets one that is gone', async () => {
    await start()
    await vo.register('later', login(1), { ...settings, refreshSeconds: 1 })
    const later = () => vo.events('renewed').filter((line) => line.includes('later')).length
    await vo.until(() => later() > 0)
    await vo.registry.update('later', () => undefined)
    // What the service does for another one afterwards shows that it had the time.
    await renewsAnother('other', 1)
    const renewed = later()
    await renewsAnother('third', 3)
    expect(later()).toBe(renewed)
  })

  it('says that less was granted because of a shorter -t, and how to cure it', async () => {
    await vo.register('greedy', login(1), { ...settings, lifetimeSeconds: 72 * HOUR })
    await start()
    await vo.until(() => vo.events('warning').length > 0)
    expect(vo.events('renewed').find((line) => line.includes('greedy'))).toMatch(
      /asked=259200 granted=172[78]\d\d limit=stored-lifetime$/,
    )
    expect(vo.events('warning')[0]).toContain('because the credential was stored with a shorter -t')
    expect(vo.events('warning')[0]).toMatch(
      /vobox-proxy myproxy init --for-vobox -s localhost:\d+ -t 72"/,
    )
    await vo.registry.update('greedy', () => undefined)
  })

  it('learns where the stored credential ends before any renewal', async () => {
    await vo.register('young', login(12), { ...settings, refreshSeconds: null })
    await start()
    await vo.until(async () => (await vo.registry.state('young')).storedEnd !== undefined)
    const { storedEnd } = await vo.registry.state('young')
    expect(storedEnd?.from).toBe('info')
    expect((storedEnd?.at ?? 0) - realNow()).toBeGreaterThan(6 * DAY)
    await vo.registry.update('young', () => undefined)
  })

  it('keeps the back-off of an hour over kill -9 and restart', async () => {
    // Nothing is stored under this name: only a person can cure it.
    await vo.register('nobody', login(12), { ...settings, username: 'nobody' })
    const first = await start()
    await vo.until(() => vo.events('renewal-failed').some((line) => line.includes('nobody')))
    const before = await vo.registry.state('nobody')
    expect(before).toMatchObject({ failures: 1, lastFailure: { persistence: 'permanent' } })
    expect((before.retryAt ?? 0) - realNow()).toBeGreaterThan(50 * 60)
    first.child.kill('SIGKILL')
    expect(await first.ended).toBe('SIGKILL')

    await start()
    await renewsAnother('somebody', 2)
    expect(await vo.registry.state('nobody')).toMatchObject({
      failures: 1,
      attemptedAt: before.attemptedAt,
      retryAt: before.retryAt,
    })
    await vo.registry.update('nobody', () => undefined)
  })

  describe('as a process', () => {
    it('lets no second instance run, and says who runs', async () => {
      const first = await start()
      const second = vo.run()
      expect(await second.ended).toBe(1)
      expect(second.errors()).toBe(
        `vobox-renewd: the service of ${vo.vo} is running already in pid ${first.child.pid}\n`,
      )
      const status = vo.run({ action: ['status'] })
      expect(await status.ended).toBe(0)
      expect(status.output()).toBe(`Service running in pid ${first.child.pid}\n`)
    })

    it('ends in order on SIGTERM in the middle of renewals, and leaves nothing half-written', async () => {
      for (let index = 0; index < 6; index++) {
        await vo.register(`busy${index}`, login(1), { ...settings, refreshSeconds: 1 })
      }
      // What an earlier service, killed by its test, left is too young to be cleared away.
      const before = vo.leftovers()
      const service = await start()
      await vo.until(() => vo.events('renewed').some((line) => line.includes('busy')))
      service.child.kill('SIGTERM')
      expect(await service.ended).toBe(0)
      expect(vo.leftovers()).toEqual(before)
      expect(service.errors()).toBe('')
      for (let index = 0; index < 6; index++) {
        expect((await vo.repository.read(`busy${index}`)).chain.length).toBeGreaterThan(1)
        expect((await vo.registry.state(`busy${index}`)).failures).toBe(0)
        await vo.registry.update(`busy${index}`, () => undefined)
      }
      const status = vo.run({ action: ['status'] })
      expect(await status.ended).toBe(1)
      expect(status.output()).toBe('Service not running\n')
    })

    it('is stopped by its own stop, which says nothing and ends 0, also when nothing runs', async () => {
      const service = await start()
      const stop = vo.run({ action: ['stop'] })
      expect([await stop.ended, stop.output(), stop.errors()]).toEqual([0, '', ''])
      expect(await service.ended).toBe(0)
      expect(await vo.run({ action: ['stop'] }).ended).toBe(0)
    })

    it('reads a changed configuration on SIGHUP, and keeps the old one when the new is wrong', async () => {
      const service = await start()
      const since = vo.events('service-started').length
      vo.configure(config('[renewal]\nworkers = 3\n'))
      service.child.kill('SIGHUP')
      await vo.until(() => vo.events('service-started').length > since)
      vo.configure('nonsense')
      service.child.kill('SIGHUP')
      await vo.until(() => service.output().includes('reload-failed'))
      vo.configure(config())
      expect(service.child.exitCode).toBeNull()
    })

    it('writes less from a SIGHUP on after which log.level is error', async () => {
      const service = await start()
      const since = vo.events('service-started').length
      vo.configure(config('[log]\nlevel = "error"\n'))
      service.child.kill('SIGHUP')
      await vo.until(() => vo.events('service-started').length > since)
      vo.configure('nonsense')
      service.child.kill('SIGHUP')
      await vo.until(() => service.output().includes('reload-failed'))
      vo.configure(config())
      // The first one was still told of; what the second one found is an error.
      expect(service.output().match(/"event":"reloading"/g)).toHaveLength(1)
      service.child.kill('SIGHUP')
      await vo.until(() => vo.events('service-started').length > since + 1)
      service.child.kill('SIGHUP')
      await vo.until(() => service.output().match(/"event":"reloading"/g)?.length === 2)
    })

    it('opens no debugger on SIGUSR1', async () => {
      const service = await start()
      for (let count = 0; count < 5; count++) service.child.kill('SIGUSR1')
      service.child.kill('SIGHUP')
      await vo.until(() => service.output().includes('reading everything again'))
      expect(service.errors()).toBe('')
      expect(service.child.exitCode).toBeNull()
      service.child.kill('SIGTERM')
      expect(await service.ended).toBe(0)
    })

    it('refuses to serve as somebody who does not own the directory', async () => {
      const refused = vo.run({ admin: 'daemon' })
      expect(await refused.ended).toBe(1)
      expect(refused.errors()).toMatch(/does not belong to daemon|only root and daemon/)
    })

    it('refuses a VO name that a shell would understand, with status 2', async () => {
      const renewd = vo.run({ admin: '$(id)' })
      expect(await renewd.ended).toBe(2)
      expect(renewd.errors()).toContain("'$(id)' is no admin name")
    })
  })
})
