/** Who starts the service at boot: systemd, or the links that sysv-rc and its kin follow. */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { printable, VoboxError } from '../../errors.js'
import type { RootTree } from './root-tree.js'
import { enabledUnits, initScript, serviceName, serviceUnit, temporaryFile } from './setup-files.js'

/** The init script beside a unit of the same name is none of systemd's business. */
const ENVIRONMENT = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', SYSTEMCTL_SKIP_SYSV: '1' }

/** A start makes the machine proxy, starts the service and waits for it, in milliseconds. */
const COMMAND_MS = 120_000

/** Where systemd, running, has its own directory (`sd_booted(3)`). */
export const systemdRuns = () => existsSync('/run/systemd/system')

export interface Place {
  /** Absent: the machine itself. With one, nothing is started. */
  prefix: string
  vo: string
}

/** Enables and starts the units. @param changed whether a unit was written. */
export async function enableUnits(
  tree: RootTree,
  { prefix, vo }: Place,
  changed: boolean,
): Promise<void> {
  const units = enabledUnits(vo)
  if (prefix !== '') {
    if (!has('systemctl')) return
    const off = units.filter((unit) => !says('systemctl', `--root=${prefix}`, 'is-enabled', unit))
    if (off.length > 0) await run(tree, 'systemctl', `--root=${prefix}`, 'enable', ...off)
    return
  }
  if (!systemdRuns()) return
  if (changed) {
    await run(tree, 'systemctl', 'daemon-reload')
    await run(tree, 'systemd-tmpfiles', '--create', temporaryFile(vo))
  }
  const off = units.filter(
    (unit) => !says('systemctl', 'is-enabled', unit) || !says('systemctl', 'is-active', unit),
  )
  if (off.length === 0) return
  // A service that the script started itself would be in the way of the unit's.
  const [service = ''] = units
  if (!says('systemctl', 'is-active', service)) await stopScript(tree, { prefix, vo })
  await run(tree, 'systemctl', 'enable', '--now', ...off)
}

/** Called while the units are still there. */
export async function disableUnits(tree: RootTree, { prefix, vo }: Place): Promise<void> {
  if (!has('systemctl') || !existsSync(join(prefix, serviceUnit(vo)))) return
  const where = prefix === '' ? [] : [`--root=${prefix}`]
  if (prefix === '' && !systemdRuns()) return
  const on = enabledUnits(vo).filter((unit) => says('systemctl', ...where, 'is-enabled', unit))
  if (on.length === 0) return
  await run(tree, 'systemctl', ...where, 'disable', ...(where.length > 0 ? [] : ['--now']), ...on)
}

/** Called when they are gone. */
export async function forgetUnits(tree: RootTree, { prefix }: Place): Promise<void> {
  if (prefix === '' && systemdRuns()) await run(tree, 'systemctl', 'daemon-reload')
}

/** Has the init script run at boot, and now. */
export async function enableScript(tree: RootTree, { prefix, vo }: Place): Promise<void> {
  if (prefix !== '') return
  if (!hasLinks(vo)) {
    if (has('update-rc.d')) await run(tree, 'update-rc.d', serviceName(vo), 'defaults')
    else if (has('chkconfig')) await run(tree, 'chkconfig', '--add', serviceName(vo))
  }
  if (!existsSync(initScript(vo)) || !says(initScript(vo), 'status')) {
    await run(tree, initScript(vo), 'start')
  }
}

/** Called while the script is still there. */
export async function stopScript(tree: RootTree, { prefix, vo }: Place): Promise<void> {
  if (prefix !== '' || !existsSync(initScript(vo)) || !says(initScript(vo), 'status')) return
  await run(tree, initScript(vo), 'stop')
}

/** Called when the script is gone. */
export async function removeLinks(tree: RootTree, { prefix, vo }: Place): Promise<void> {
  if (prefix !== '' || !hasLinks(vo)) return
  if (has('update-rc.d')) await run(tree, 'update-rc.d', serviceName(vo), 'remove')
  else if (has('chkconfig')) await run(tree, 'chkconfig', '--del', serviceName(vo))
}

function hasLinks(vo: string): boolean {
  const pattern = new RegExp(`^S\\d\\d${serviceName(vo).replaceAll('.', '\\.')}$`)
  return [2, 3, 4, 5].some((level) =>
    [`/etc/rc${level}.d`, `/etc/rc.d/rc${level}.d`].some(
      (directory) =>
        existsSync(directory) && readdirSync(directory).some((name) => pattern.test(name)),
    ),
  )
}

const has = (program: string) =>
  ENVIRONMENT.PATH.split(':').some((directory) => existsSync(join(directory, program)))

function says(program: string, ...words: string[]): boolean {
  const options = { env: ENVIRONMENT, stdio: 'ignore', timeout: COMMAND_MS, cwd: '/' } as const
  return spawnSync(program, words, options).status === 0
}

async function run(tree: RootTree, program: string, ...words: string[]): Promise<void> {
  const line = [program, ...words].join(' ')
  await tree.step('run', line, undefined, () => {
    try {
      execFileSync(program, words, {
        cwd: '/',
        env: ENVIRONMENT,
        encoding: 'utf8',
        stdio: ['ignore', 'ignore', 'pipe'],
        timeout: COMMAND_MS,
      })
    } catch (error) {
      throw stepFailed(line, error)
    }
  })
}

function stepFailed(line: string, cause: unknown): VoboxError {
  const { status, stderr } = cause as { status?: number | null; stderr?: string }
  const said = printable((stderr ?? '').trim(), 1000) || 'it said nothing'
  return new VoboxError(
    'SETUP_STEP_FAILED',
    `${line} ended with ${status ?? 'a signal'}: ${said}`,
    {
      hint: 'All steps before it are done: mend what it says, then call setup again',
      data: { command: line, status: status ?? null },
      cause,
    },
  )
}
