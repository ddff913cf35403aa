/** The real service, three dead servers first in the list, and Debian's `myproxy-server` at its end. */
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { addProxy } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'
import { RenewdVo, type RunningRenewd } from '../support/renewd-process.js'
import { type ScriptedPeer, startTcpPeer } from '../support/scripted-peer.js'
import { HOUR } from '../support/time.js'

describeWithPrograms('vobox-renewd and dead servers', MYPROXY_PROGRAMS, () => {
  let grid: RealGrid
  let vo: RenewdVo
  let dead: ScriptedPeer[]
  let renewd: RunningRenewd | undefined
  beforeAll(async () => {
    grid = await startRealGrid()
    await grid.upload({ as: grid.users.alice })
    const config = `
[limits]
min_interval_seconds = 1
[keys]
kind = "p256"
[myproxy]
connect_seconds = 1
[trust]
directory = "${grid.trustDirectory}"
[log]
level = "debug"
syslog = false
[mail]
transport = "none"
`
    vo = await RenewdVo.make(grid.directory, 'renewd-dead', config)
    await vo.putMachineProxy(addProxy(grid.hosts.vobox.credential, { hours: 24, pathLength: 0 }))
    dead = await Promise.all([1, 2, 3].map(() => startTcpPeer((socket) => socket.resume())))
  })
  afterEach(async () => {
    renewd?.child.kill('SIGKILL')
    await renewd?.ended
  })
  afterAll(async () => {
    for (const peer of dead ?? []) await peer.stop()
    vo?.cleanUp()
    await grid?.stop()
  })

  /** Entries of its log about the dead servers. */
  const logged = (event: string) =>
    (renewd?.output() ?? '')
      .split('\n')
      .filter((line) => line.includes(`"${event}"`))
      .map((line) => JSON.parse(line))

  it('waits for each of three once, gives them 0.25 s from then on, and ends at once', async () => {
    const real = `${grid.server.host}:${grid.server.port}`
    const login = addProxy(grid.users.alice.credential, { hours: 1, key: 'rsa2048' })
    await vo.register('behind', login, {
      servers: [...dead.map(({ port }) => `127.0.0.1:${port}`), real] as [string],
      lifetimeSeconds: 12 * HOUR,
      refreshSeconds: 1,
    })
    renewd = await vo.start()
    await vo.until(() => vo.events('renewed').length >= 3)
    for (const line of vo.events('renewed')) expect(line).toContain(`server=${real}`)

    const names = dead.map(({ port }) => `127.0.0.1:${port}`)
    expect(logged('server-silent').map(({ server }) => server)).toEqual(names)
    const reasons = logged('server-not-reached').map(({ message }) => String(message))
    const within = (seconds: string) => reasons.filter((text) => text.endsWith(`${seconds} s`))
    expect(within('no TLS within 1').length).toBeGreaterThanOrEqual(3)
    expect(within('no TLS within 0.25').length).toBeGreaterThanOrEqual(6)

    renewd.child.kill('SIGTERM')
    expect(await renewd.ended).toBe(0)
  })
})
