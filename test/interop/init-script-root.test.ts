/** The init script run by root over a VO directory whose owner means no good. */
import { chmodSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { execFileSync } from '../support/bounded.js'
import { INIT_ADMIN, INIT_SCRIPT, InitScriptBox } from '../support/init-script.js'
import { mayMount } from '../support/may-mount.js'

describe.runIf(mayMount)('the init script, run by root', () => {
  let box: InitScriptBox
  beforeEach(async () => {
    box = await InitScriptBox.make()
  })

  it('says that nothing runs, though a FIFO stands where the pid file would', () => {
    execFileSync('mkfifo', [box.ownPidFile])
    const { status, stdout, stderr } = box.run('status')
    expect(stderr).toBe('')
    expect(stdout).toBe('Service not running\n')
    expect(status).toBe(3)
  })

  it('opens no pid file of the VO admin as root', () => {
    const secret = join(box.directory, 'secret')
    writeFileSync(secret, `${process.pid}\n`, { mode: 0o600 })
    symlinkSync(secret, box.ownPidFile)
    // Says what it reads: the process of the test, which is no service.
    const script = readFileSync(INIT_SCRIPT, 'utf8')
    const look = '[ -r "/proc/$pid/cmdline" ]'
    expect(script).toContain(look)
    writeFileSync(
      box.script,
      script.replace(look, () => `echo "read $pid" >&2 && ${look}`),
    )
    expect(box.run('status').stderr).toBe('')
    chmodSync(secret, 0o644)
    expect(box.run('status').stderr).toBe(`read ${process.pid}\n`)
  })

  it('does not source a file of root’s through a directory that the VO admin can write', () => {
    const file = join(box.voDirectory, 'settings.sh')
    writeFileSync(file, 'echo sourced\n')
    symlinkSync(file, join(box.etc, `${INIT_ADMIN.name}-box-proxyrenewal`))
    const { status, stdout, stderr } = box.run('status')
    expect(stdout).toBe('')
    expect(stderr).toContain('can be written by others than root')
    expect(status).toBe(4)
  })

  it('sources a file of root’s through a link of root’s', () => {
    const file = join(box.etc, 'site.sh')
    writeFileSync(file, 'echo sourced\n')
    symlinkSync('/etc/site.sh', join(box.etc, `${INIT_ADMIN.name}-box-proxyrenewal`))
    expect(box.run('status').stdout).toBe('sourced\nService not running\n')
  })

  it('finds programs in /usr/local/bin too, after the system’s own', () => {
    box.set('echo "$PATH"')
    expect(box.run('status', { PATH: '/usr/bin:/bin' }).stdout).toBe(
      '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin\nService not running\n',
    )
  })
})
