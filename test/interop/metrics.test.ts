/** What the real service tells Prometheus, judged by Prometheus' own tool. */
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { hashOf } from '../../src/report/service-metrics.js'
import { ask } from '../support/http-ask.js'
import { addProxy } from '../support/pki.js'
import { describeWithPrograms, findProgram } from '../support/programs.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'
import { RenewdVo, type RunningRenewd } from '../support/renewd-process.js'

const NEEDED = [...MYPROXY_PROGRAMS, 'promtool']

describeWithPrograms('metrics of the real service', NEEDED, () => {
  let grid: RealGrid
  let vo: RenewdVo
  let textfiles: string
  let socketPath: string
  const running: RunningRenewd[] = []
  const start = async () => {
    const renewd = await vo.start()
    running.push(renewd)
    return renewd
  }
  const configure = (metrics: string) =>
    vo.configure(`[limits]
min_interval_seconds = 1
[keys]
kind = "p256"
[trust]
directory = "${grid.trustDirectory}"
[mail]
transport = "none"
[metrics]
${metrics}`)

  beforeAll(async () => {
    grid = await startRealGrid()
    await grid.upload({ as: grid.users.alice })
    vo = await RenewdVo.make(grid.directory, 'metrics', '')
    textfiles = join(grid.directory, 'textfiles')
    mkdirSync(textfiles)
    socketPath = vo.paths.metricsSocket
    await vo.putMachineProxy(addProxy(grid.hosts.vobox.credential, { hours: 24, pathLength: 0 }))
    const servers = [`${grid.server.host}:${grid.server.port}`]
    const login = addProxy(grid.users.alice.credential, { hours: 1, key: 'rsa2048' })
    await vo.register('counted', login, { servers, lifetimeSeconds: 43_200, refreshSeconds: 2 })
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

  const page = async () => (await ask({ socketPath })).body
  const value = (text: string, name: string) =>
    Number(
      text
        .split('\n')
        .find((line) => line.startsWith(name))
        ?.split(' ')
        .at(-1),
    )

  it('are on a socket of mode 0660 and in a file of mode 0644, and promtool takes both', async () => {
    configure(`textfile_directory = "${textfiles}"`)
    await start()
    await vo.until(
      async () => value(await page(), 'vobox_renewal_attempts_total{outcome="renewed"') > 1,
    )
    const text = await page()
    expect(statSync(socketPath).mode & 0o7777).toBe(0o660)
    const labels = `{registration="${hashOf('counted')}",dn="${hashOf(grid.users.alice.dn)}"`
    expect(value(text, `vobox_user_proxy_seconds_left${labels}`)).toBeGreaterThan(11 * 3600)
    expect(value(text, `vobox_stored_credential_seconds_left${labels}`)).toBeGreaterThan(86_400)
    expect(value(text, 'vobox_machine_proxy_seconds_left')).toBeGreaterThan(20 * 3600)
    expect(value(text, 'vobox_registrations{')).toBe(1)
    expect(value(text, 'vobox_renewal_duration_seconds_sum')).toBeGreaterThan(0)
    expect(text).not.toContain('CN=')

    const file = join(textfiles, `vobox_${vo.vo}.prom`)
    expect(statSync(file).mode & 0o7777).toBe(0o644)
    for (const input of [text, readFileSync(file, 'utf8')]) {
      const checked = await execa(findProgram('promtool') ?? '', ['check', 'metrics'], {
        input,
        reject: false,
        all: true,
      })
      expect(checked.all).toBe('')
      expect(checked.exitCode).toBe(0)
    }
  })

  it('are gone when the service ends in order, and there again after it was killed', async () => {
    configure(`textfile_directory = "${textfiles}"`)
    const first = await start()
    first.child.kill('SIGTERM')
    expect(await first.ended).toBe(0)
    expect(existsSync(socketPath)).toBe(false)
    expect(existsSync(join(textfiles, `vobox_${vo.vo}.prom`))).toBe(false)

    const second = await start()
    await vo.until(() => existsSync(socketPath))
    second.child.kill('SIGKILL')
    await second.ended
    expect(existsSync(socketPath)).toBe(true)
    await start()
    await vo.until(async () => (await ask({ socketPath }).catch(() => undefined))?.status === 200)
  })

  it('are said to be missing where a port is taken or a directory is not ours; renewals go on', async () => {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
    const { port } = other.address() as AddressInfo
    const gone = join(grid.directory, 'no-such-directory')
    configure(`listen = "127.0.0.1:${port}"\ntextfile_directory = "${gone}"`)
    const renewed = vo.events('renewed').length
    await start()
    await vo.until(() => vo.events('renewed').length > renewed)
    await vo.until(() => vo.events('warning').length >= 2)
    const warnings = vo.events('warning').join('\n')
    expect(warnings).toContain(`nobody can ask for metrics at 127.0.0.1:${port}`)
    expect(warnings).toContain(`The VO admin must be able to write in ${gone}`)
    other.close()
  })
})
