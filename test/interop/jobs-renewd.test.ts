/** Jobs on the real service process, renewed from Debian's `myproxy-server`. */
import { rmSync, statSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { addProxy, realNow } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import { ask, registerLines } from '../support/raw-jobs.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'
import { RenewdVo, type RunningRenewd } from '../support/renewd-process.js'
import { HOUR } from '../support/time.js'

describeWithPrograms('jobs of vobox-renewd and Debian’s myproxy-server', MYPROXY_PROGRAMS, () => {
  let grid: RealGrid
  let vo: RenewdVo
  let server: string
  const running: RunningRenewd[] = []
  const start = async () => {
    const renewd = await vo.start()
    running.push(renewd)
    return renewd
  }
  const stop = async (renewd: RunningRenewd, signal: NodeJS.Signals) => {
    renewd.child.kill(signal)
    return renewd.ended
  }
  const config = (more = '') => `
[keys]
kind = "p256"
[trust]
directory = "${grid.trustDirectory}"
[mail]
transport = "none"
[jobs]
enabled = true
${more}`

  beforeAll(async () => {
    grid = await startRealGrid()
    await grid.upload({ as: grid.users.alice })
    vo = await RenewdVo.make(grid.directory, 'jobs', config())
    await vo.putMachineProxy(addProxy(grid.hosts.vobox.credential, { hours: 24, pathLength: 0 }))
    server = `${grid.server.host}:${grid.server.port}`
  })
  afterEach(async () => {
    for (const renewd of running.splice(0)) await stop(renewd, 'SIGKILL')
  })
  afterAll(async () => {
    vo?.cleanUp()
    await grid?.stop()
  })

  it('registers, renews what is due, answers where it lies, and forgets it with its last job', async () => {
    const renewd = await start()
    const socket = vo.paths.jobSocket
    expect(statSync(dirname(socket)).mode & 0o777).toBe(0o700)
    expect(statSync(socket).mode & 0o777).toBe(0o600)
    const due = addProxy(grid.users.alice.credential, { hours: 0.45, key: 'rsa2048' })
    const handed = await grid.writeProxy('due', due)
    const answer = await ask(socket, registerLines('https://lb/1', handed, server))
    expect(answer.code).toBe(0)
    expect(answer.renewalAt).toBeLessThanOrEqual(realNow())
    await vo.until(() => vo.events('renewed').length > 0)
    const again = await ask(socket, registerLines('https://lb/2', handed, server))
    expect(again.proxyFile).toBe(answer.proxyFile)
    expect(again.end - realNow()).toBeGreaterThan(11 * HOUR)
    await stop(renewd, 'SIGKILL')
    const next = await start()
    expect((await ask(socket, 'Command=3\nJobid=https://lb/2\n')).proxyFile).toBe(answer.proxyFile)
    expect(await readFile(answer.proxyFile, 'utf8')).not.toBe(await readFile(handed, 'utf8'))
    for (const job of ['1', '2']) {
      expect((await ask(socket, `Command=2\nJobid=https://lb/${job}\n`)).code).toBe(0)
    }
    await vo.until(() => statSync(answer.proxyFile, { throwIfNoEntry: false }) === undefined)
    expect(await stop(next, 'SIGTERM')).toBe(0)
    expect(statSync(socket, { throwIfNoEntry: false })).toBeUndefined()
  })

  it('goes on as before when a reload names a socket that is taken, and takes it once it is free', async () => {
    const renewd = await start()
    const before = vo.paths.jobSocket
    const other = join(dirname(before), 'other.sock')
    const codeFrom = async (socket: string) => (await ask(socket, 'Command=3\nJobid=none\n')).code
    writeFileSync(other, '')
    vo.configure(config(`socket = "${other}"\n`))
    renewd.child.kill('SIGHUP')
    await vo.until(() => renewd.output().includes('"event":"reload-failed"'))
    await vo.until(() => statSync(before, { throwIfNoEntry: false }) !== undefined)
    expect(await codeFrom(before)).toBe(1908)
    expect(vo.events('warning').at(-1)).toContain('going on as before: the job socket')
    rmSync(other)
    renewd.child.kill('SIGHUP')
    await vo.until(() => statSync(other, { throwIfNoEntry: false }) !== undefined)
    expect(await codeFrom(other)).toBe(1908)
    vo.configure(config())
    expect(await stop(renewd, 'SIGTERM')).toBe(0)
  })
})
