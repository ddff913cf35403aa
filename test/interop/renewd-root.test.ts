/** The service started by root: it must not stay root. Runs only where the tests are root. */
import { chmodSync, chownSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RenewdVo } from '../support/renewd-process.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'

/** An account that every system has. */
const ADMIN = 'daemon'
/** A uid that is neither root's nor the VO admin's. */
const NOBODY = 65_534

describe.runIf(process.getuid?.() === 0)('vobox-renewd, started by root', () => {
  let directory: Awaited<ReturnType<typeof makeTemporaryDirectory>>
  let vo: RenewdVo
  beforeAll(async () => {
    directory = await makeTemporaryDirectory()
    const config = '[mail]\ntransport = "none"\n[keys]\npool = 0\n'
    vo = await RenewdVo.make(directory.path, 'renewd-root', config)
    for (const path of [directory.path, join(directory.path, 'root')]) chmodSync(path, 0o755)
    chmodSync(join(directory.path, 'config.toml'), 0o644)
    const [uid = 0, gid = 0] = idsOf(ADMIN)
    const inside = readdirSync(vo.paths.directory, { recursive: true, encoding: 'utf8' })
    for (const name of ['.', ...inside]) chownSync(join(vo.paths.directory, name), uid, gid)
  })
  afterAll(async () => {
    vo?.cleanUp()
    await directory.remove()
  })

  it('becomes the VO admin with uid, gid and groups, and root can stop it', async () => {
    const service = await vo.start({ admin: ADMIN })
    const [uid, gid] = idsOf(ADMIN)
    const status = readFileSync(`/proc/${service.child.pid}/status`, 'utf8')
    expect(status).toMatch(new RegExp(`^Uid:\\t${uid}\\t${uid}\\t${uid}\\t${uid}$`, 'm'))
    expect(status).toMatch(new RegExp(`^Gid:\\t${gid}\\t${gid}\\t${gid}\\t${gid}$`, 'm'))
    expect(status).toMatch(new RegExp(`^Groups:\\t${gid} $`, 'm'))
    expect(status).toMatch(/^CapEff:\t0+$/m)

    expect(readFileSync(vo.systemPidFile, 'utf8')).toBe(`${service.child.pid}\n`)
    const asked = vo.run({ action: ['status'], admin: ADMIN })
    expect(await asked.ended).toBe(0)
    expect(asked.output()).toBe(`Service running in pid ${service.child.pid}\n`)

    expect(await vo.run({ action: ['stop'], admin: ADMIN }).ended).toBe(0)
    expect(await service.ended).toBe(0)
    // The VO admin cannot remove what lies in root's directory, only empty it.
    expect(readFileSync(vo.systemPidFile, 'utf8')).toBe('')
  })

  it('shows its status to everybody, and is stopped by nobody else', async () => {
    const service = await vo.start({ admin: ADMIN })
    const asked = vo.run({ action: ['status'], admin: ADMIN, uid: NOBODY })
    expect(await asked.ended).toBe(0)
    expect(asked.output()).toBe(`Service running in pid ${service.child.pid}\n`)
    const stop = vo.run({ action: ['stop'], admin: ADMIN, uid: NOBODY })
    expect(await stop.ended).toBe(1)
    expect(stop.errors()).toContain(`only root and ${ADMIN} may do this`)
    service.child.kill('SIGTERM')
    expect(await service.ended).toBe(0)
  })

  it('does not signal a process of somebody else whose pid stands in the pid file', async () => {
    const service = await vo.start({ admin: ADMIN })
    writeFileSync(vo.systemPidFile, `${process.pid}\n`)
    const asked = vo.run({ action: ['status'], admin: ADMIN })
    expect(await asked.ended).toBe(0)
    expect(asked.output()).toBe(`Service running in pid ${service.child.pid}\n`)
    // Had it believed the file, this would be our end.
    expect(await vo.run({ action: ['stop'], admin: ADMIN }).ended).toBe(0)
    expect(await service.ended).toBe(0)
  })
})

function idsOf(account: string): number[] {
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${account}:`))
  return (line ?? '').split(':').slice(2, 4).map(Number)
}
