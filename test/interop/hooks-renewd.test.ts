/** The real service, started by root, tells the site's hook as the VO admin. */
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { RenewdVo } from '../support/renewd-process.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'

/** An account that every system has, of uid and gid 1. */
const ADMIN = 'daemon'
const UID = 1

describe.runIf(process.getuid?.() === 0)('vobox-renewd with hooks', () => {
  let directory: Awaited<ReturnType<typeof makeTemporaryDirectory>>
  let vo: RenewdVo
  beforeAll(async () => {
    directory = await makeTemporaryDirectory()
    const hooks = join(directory.path, 'hooks')
    const config = `[mail]\ntransport = "none"\n[keys]\npool = 0\n[hooks]\ndirectory = "${hooks}"\n`
    vo = await RenewdVo.make(directory.path, 'renewd-hooks', config)
    mkdirSync(hooks)
    writeFileSync(
      join(hooks, 'alert'),
      '#!/bin/sh\necho "$(id -u) $VOBOX_VO $VOBOX_ALERT $VOBOX_STATE"; env | grep -c SECRET; sleep 600\n',
    )
    for (const path of [
      directory.path,
      join(directory.path, 'root'),
      hooks,
      join(hooks, 'alert'),
    ]) {
      chmodSync(path, 0o755)
    }
    chmodSync(join(directory.path, 'config.toml'), 0o644)
    const inside = readdirSync(vo.paths.directory, { recursive: true, encoding: 'utf8' })
    for (const name of ['.', ...inside]) chownSync(join(vo.paths.directory, name), UID, UID)
  })
  afterAll(async () => {
    vo?.cleanUp()
    await directory.remove()
  })

  it('runs alert for the missing machine proxy, with no mail, and ends it within 5 s of its own end', async () => {
    const service = await vo.start({ admin: ADMIN, env: { SECRET: 'x' } })
    const log = () => {
      try {
        return readFileSync(vo.paths.agentsLog, 'utf8')
      } catch {
        return ''
      }
    }
    for (let tries = 0; tries < 200 && log().split('\n').length < 3; tries++) await sleep(100)
    expect(log()).toContain(`Z hooks/alert: ${UID} ${vo.vo} machine-proxy-missing begins\n`)
    expect(log()).toContain('Z hooks/alert: 0\n')
    service.child.kill('SIGTERM')
    expect(await service.ended).toBe(0)
    expect(log()).toContain('Z hooks/alert was killed because the service stops\n')
    const events = readFileSync(vo.paths.eventsLog, 'utf8')
    expect(events).toMatch(/ hook-failed hook=alert alert=machine-proxy-missing code=HOOK_FAILED /)
  })
})
