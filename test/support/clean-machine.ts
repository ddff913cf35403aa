/**
 * A machine that may be spoilt: a copy-on-write view of this one with process ids of its own, in which
 * root installs packages, sets services up and breaks things. No Node is on it, and none of ours.
 * Whatever runs there ends with it. The network is this machine's.
 *
 * Only for tests that are root and may mount; see `describeOnMachine`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, readFileSync } from 'node:fs'
import { spawnSync } from './bounded.js'
import { describeWithPrograms, leaveOut } from './programs.js'
import { makeTemporaryDirectory } from './temporary-directory.js'

/** A disk of its own. Words: a place to work in, the directory that is to be /mnt on the machine. */
export const MAKE_DISK = `set -e
mount --make-rprivate /
mount -t tmpfs -o mode=0755 none "$1"
mkdir "$1/upper" "$1/work" "$1/root"
`

/** The machine on that disk; the shell is in its root then. */
export const MAKE_ROOT = `set -e
root=$1/root
mount -t overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" none "$root"
mount -t proc none "$root/proc"
mount -t tmpfs -o mode=1777 none "$root/tmp"
mount -t tmpfs -o mode=0755 none "$root/run"
mount --bind "$2" "$root/mnt"
cd "$root"
`

/** What a clean machine does not have. */
export const CLEAN = `rm -rf usr/bin/node usr/local/bin/node usr/local/lib/node_modules \\
  etc/vobox-proxy etc/grid-security var/lib/vobox
`

const MAKE = `${MAKE_DISK}${MAKE_ROOT}${CLEAN}
for each in dev sys; do mount --rbind "/$each" "$each"; done
`

/** A stock of 32 RSA keys for each service that starts would keep the processor busy for minutes. */
export const NO_KEYS_IN_STOCK = "printf '[keys]\\npool = 0\\n' >>/etc/vobox-proxy/config.toml"

/** No step of a test takes longer on a busy machine, in milliseconds. */
const DEADLINE_MS = 120_000

export interface MachineResult {
  status: number | null
  stdout: string
  stderr: string
}

const mayMakeMachines = process.getuid?.() === 0 && overlayWorks()

function overlayWorks(): boolean {
  const script = `${MAKE}\ntrue`
  const words = ['-m', '-p', '-f', 'sh', '-c', script, 'sh', '/media', '/tmp']
  return spawnSync('unshare', words, { stdio: 'ignore' }).status === 0
}

/** `describe` for tests that need such a machine, and programs besides: see `describeWithPrograms`. */
export function describeOnMachine(
  title: string,
  programs: readonly string[],
  body: () => void,
): void {
  if (mayMakeMachines) describeWithPrograms(title, ['nsenter', 'unshare', ...programs], body)
  else leaveOut(title, 'root and an overlay of the file system', body)
}

/** Runs a script of the shell's as root in namespaces of a process, with an environment of its own. */
export function runInside(
  pid: number,
  namespaces: readonly string[],
  script: string,
  env: Readonly<Record<string, string>>,
): MachineResult {
  const inside = ['-t', String(pid), ...namespaces, '-r', '-w', '--', '/bin/sh', '-c', script]
  const { status, stdout, stderr } = spawnSync('nsenter', inside, {
    encoding: 'utf8',
    timeout: DEADLINE_MS,
    killSignal: 'SIGKILL',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8', ...env },
  })
  return { status, stdout, stderr }
}

/** The standard output of what must work. */
export function mustWork(script: string, { status, stdout, stderr }: MachineResult): string {
  if (status === 0) return stdout
  throw new Error(`${script}\nended with ${status}: ${stdout}${stderr}`)
}

export class CleanMachine {
  /** `/mnt` of the machine, as we see it. */
  readonly shared: string
  readonly #keeper: ChildProcess
  readonly #pid: number
  readonly #remove: () => Promise<void>

  private constructor(
    { path, remove }: Awaited<ReturnType<typeof makeTemporaryDirectory>>,
    keeper: ChildProcess,
    pid: number,
  ) {
    this.shared = path
    this.#remove = remove
    this.#keeper = keeper
    this.#pid = pid
  }

  /** The caller calls {@link end}. */
  static async make(): Promise<CleanMachine> {
    const shared = await makeTemporaryDirectory()
    chmodSync(shared.path, 0o755)
    const script = `${MAKE}\nexec chroot . sh -c 'echo made; exec sleep infinity'`
    const words = [
      '-m',
      '-p',
      '-f',
      '--kill-child',
      'sh',
      '-c',
      script,
      'sh',
      '/media',
      shared.path,
    ]
    const keeper = spawn('unshare', words, { stdio: ['ignore', 'pipe', 'inherit'] })
    await new Promise<void>((resolve, reject) => {
      keeper.stdout?.once('data', () => resolve())
      keeper.once('exit', (status) => reject(new Error(`no machine: unshare ended with ${status}`)))
    })
    const children = readFileSync(`/proc/${keeper.pid}/task/${keeper.pid}/children`, 'utf8')
    return new CleanMachine(shared, keeper, Number(children.trim()))
  }

  /** Runs a script of the shell's as root with an environment of its own, to its end. */
  sh(script: string, env: Readonly<Record<string, string>> = {}): MachineResult {
    return runInside(this.#pid, ['-m', '-p'], script, env)
  }

  /** The same for what must work; its standard output. */
  ok(script: string, env?: Readonly<Record<string, string>>): string {
    return mustWork(script, this.sh(script, env))
  }

  async end(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#keeper.once('exit', () => resolve())
      this.#keeper.kill('SIGKILL')
    })
    await this.#remove()
  }
}
