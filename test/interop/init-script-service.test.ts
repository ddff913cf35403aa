/** The init script, run by root, and the service that it starts, finds and stops. */
import { chmodSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { bundleScript } from '../support/bundled-script.js'
import { InitScriptBox } from '../support/init-script.js'
import { mayMount } from '../support/may-mount.js'

const CONFIG = '[mail]\ntransport = "none"\n[keys]\npool = 0\n'

describe.runIf(mayMount)('the init script and its service', () => {
  let box: InitScriptBox
  let starts: string
  const run = (action: string) => box.run(action, { VOBOX_PROXY_CONFIG: '/etc/vobox-proxy.toml' })
  /** How often an interpreter was started for `vobox-renewd`. */
  const interpreters = () => readFileSync(starts, 'utf8').length
  const startService = () => {
    const { stdout, stderr } = run('start')
    const pid = Number(/^Service started in pid (\d+)\n$/.exec(stdout)?.[1])
    if (!(pid > 1)) throw new Error(`no service: ${stdout}${stderr}`)
    onTestFinished(() => endProcess(pid))
    return pid
  }

  beforeEach(async () => {
    box = await InitScriptBox.make()
    writeFileSync(join(box.etc, 'vobox-proxy.toml'), CONFIG)
    starts = join(box.directory, 'starts')
    writeFileSync(starts, '')
    chmodSync(starts, 0o666)
    const bundle = await bundleScript('vobox-renewd.ts', box.directory)
    const daemon = box.putProgram(
      'vobox-renewd',
      `printf x >>'${starts}'\nexec '${process.execPath}' '${bundle}' "$@"`,
    )
    box.set(`VOBOX_RENEWD='${daemon}'`, 'VOBOX_PROXY=/bin/true')
  })

  it('starts it, finds it three times without an interpreter, and says that it stopped it', () => {
    const pid = startService()
    expect(interpreters()).toBe(1)
    for (const action of ['status', 'start', 'status']) {
      expect(run(action)).toMatchObject({ status: 0, stdout: `Service running in pid ${pid}\n` })
    }
    expect(interpreters()).toBe(1)
    expect(run('stop')).toMatchObject({ status: 0, stdout: 'Service stopped\n', stderr: '' })
    expect(run('stop')).toMatchObject({ status: 0, stdout: 'Service not running\n' })
    expect(run('status')).toMatchObject({ status: 3, stdout: 'Service not running\n' })
  })

  it('finds it by its lock when its pid file was removed, starts no second one, and the pid comes back', async () => {
    const pid = startService()
    for (const path of [box.systemPidFile, box.ownPidFile]) rmSync(path, { force: true })
    const running = { status: 0, stdout: `Service running in pid ${pid}\n`, stderr: '' }
    expect(run('status')).toMatchObject(running)
    // What wakes the service makes it look for its pid file as well, as every turn does.
    expect(run('start')).toMatchObject(running)
    await vi.waitUntil(() => existsSync(box.ownPidFile), { timeout: 60_000 })
    const rewritten = () => readFileSync(box.ownPidFile, 'utf8') === `${pid}\n`
    await vi.waitUntil(rewritten, { timeout: 60_000 })
    const before = interpreters()
    expect(run('status')).toMatchObject(running)
    expect(interpreters()).toBe(before)
    expect(run('restart').stdout).toMatch(/^Service stopped\nService started in pid \d+\n$/)
    expect(run('stop').stdout).toBe('Service stopped\n')
  })

  it('is not misled by a pid file in which another process stands', () => {
    const pid = startService()
    writeFileSync(box.systemPidFile, `${process.pid}\n`)
    expect(run('status').stdout).toBe(`Service running in pid ${pid}\n`)
    expect(run('stop').stdout).toBe('Service stopped\n')
  })
})

/** A service that its test did not stop. */
function endProcess(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It has ended, as it should have.
  }
}
