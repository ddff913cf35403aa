/**
 * The init script run by root over a VO directory whose owner means no good. Runs only where the tests
 * are root and may have an `/etc` of their own.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { temporaryDirectory } from '../support/temporary-directory.js'

const SCRIPT = resolve('init.d/vo-box-proxyrenewal')
/** An account that every system has. */
const ADMIN = 'daemon'
const ADMIN_UID = 1
const ACCOUNTS = ['passwd', 'group', 'nsswitch.conf', 'ld.so.cache']
/** No service of this VO runs here, whatever else does. */
const VO = `init-${process.pid}`
const mayMount = process.getuid?.() === 0 && spawnSync('unshare', ['-m', 'true']).status === 0

let etc: string
let root: string
let voDirectory: string

beforeEach(async () => {
  const directory = await temporaryDirectory()
  chmodSync(directory, 0o755)
  etc = join(directory, 'etc')
  root = join(directory, 'root')
  voDirectory = join(root, VO)
  for (const path of [join(etc, 'vobox-proxy/vo'), voDirectory])
    mkdirSync(path, { recursive: true })
  for (const name of ACCOUNTS) {
    if (existsSync(join('/etc', name))) copyFileSync(join('/etc', name), join(etc, name))
  }
  copyFileSync(SCRIPT, join(directory, `${VO}-box-proxyrenewal`))
  chownSync(voDirectory, ADMIN_UID, ADMIN_UID)
  writeFileSync(
    join(etc, `vobox-proxy/vo/${VO}.sh`),
    `VO_ADMIN=${ADMIN}\nVOBOX_PROXY_ROOT='${root}'\n`,
  )
})

/** Runs the script with `etc` in the place of `/etc`, for 20 s at most. */
function run(action: string) {
  const script = join(etc, '..', `${VO}-box-proxyrenewal`)
  const inside = 'mount --bind "$1" /etc && exec sh "$2" "$3"'
  const words = ['-m', 'sh', '-c', inside, 'sh', etc, script, action]
  return spawnSync('unshare', words, { encoding: 'utf8', timeout: 20_000, killSignal: 'SIGKILL' })
}

describe.runIf(mayMount)('the init script, run by root', () => {
  it('says within 20 s that nothing runs, though a FIFO stands where the pid file would', () => {
    execFileSync('mkfifo', [join(voDirectory, `vobox_${VO}_renewd.pid`)])
    const { status, stdout, stderr } = run('status')
    expect(stderr).toBe('')
    expect(stdout).toBe('Service not running\n')
    expect(status).toBe(3)
  })

  it('opens no pid file of the VO admin as root', () => {
    const secret = join(etc, '..', 'secret')
    writeFileSync(secret, `${process.pid}\n`, { mode: 0o600 })
    symlinkSync(secret, join(voDirectory, `vobox_${VO}_renewd.pid`))
    // Says what it reads: the process of the test, which is no service.
    const script = readFileSync(SCRIPT, 'utf8')
    const look = '[ -r "/proc/$pid/cmdline" ]'
    expect(script).toContain(look)
    const telling = script.replace(look, () => `echo "read $pid" >&2 && ${look}`)
    writeFileSync(join(etc, '..', `${VO}-box-proxyrenewal`), telling)
    expect(run('status').stderr).toBe('')
    chmodSync(secret, 0o644)
    expect(run('status').stderr).toBe(`read ${process.pid}\n`)
  })

  it('does not source a file of root’s through a directory that the VO admin can write', () => {
    const file = join(voDirectory, 'settings.sh')
    writeFileSync(file, 'echo sourced\n')
    symlinkSync(file, join(etc, `${ADMIN}-box-proxyrenewal`))
    const { status, stdout, stderr } = run('status')
    expect(stdout).toBe('')
    expect(stderr).toContain('can be written by others than root')
    expect(status).toBe(4)
  })

  it('sources a file of root’s through a link of root’s', () => {
    const file = join(etc, 'site.sh')
    writeFileSync(file, 'echo sourced\n')
    symlinkSync('/etc/site.sh', join(etc, `${ADMIN}-box-proxyrenewal`))
    expect(run('status').stdout).toBe('sourced\nService not running\n')
  })
})
