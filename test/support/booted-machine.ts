/**
 * A clean machine that systemd has booted: Debian's own, as process 1 of namespaces of its own, with a
 * tree of control groups below ours. It can be rebooted; its disk stays, for as long as the test lives.
 * The network is this machine's, or one of its own with nobody else in it.
 *
 * Only for tests that are root; see `describeOnBootedMachine`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import {
  CLEAN,
  describeOnMachine,
  MAKE_DISK,
  MAKE_ROOT,
  type MachineResult,
  mustWork,
  runInside,
} from './clean-machine.js'
import { leaveOut } from './programs.js'
import { makeTemporaryDirectory } from './temporary-directory.js'

const SYSTEMD = '/lib/systemd/systemd'

/** Of the kernel's business, which is not this machine's alone; and what only takes time. */
const MASKED = [
  'systemd-journald-audit.socket',
  'systemd-modules-load.service',
  'systemd-sysctl.service',
  'systemd-udevd.service',
  'sys-kernel-debug.mount',
  'sys-kernel-tracing.mount',
  'sys-fs-fuse-connections.mount',
  'dev-hugepages.mount',
  'dev-mqueue.mount',
]

/** One life of the machine, until it is switched off or rebooted. */
const BOOT = `${MAKE_ROOT}
mount --bind -o ro /proc/sys proc/sys
mount -t sysfs -o ro none sys
mount -t cgroup2 none sys/fs/cgroup
mount -t tmpfs -o mode=0755 none dev
for each in null zero full random urandom tty; do : >dev/$each; mount --bind /dev/$each dev/$each; done
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 none dev/pts
mount -t tmpfs -o mode=1777 none dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin chroot . ${SYSTEMD} \\
  --log-target=journal --unit=multi-user.target </dev/null >/dev/null 2>&1
`

/** The disk, and one life after the other: the kernel ends a process 1 that reboots with SIGHUP (1). */
const KEEP = `${MAKE_DISK}
(${MAKE_ROOT}${CLEAN}
  rm -rf etc/systemd/system/*.wants etc/rc?.d/S* var/log/journal
  mkdir -p etc/systemd/journald.conf.d && printf '[Journal]\\nAudit=no\\nStorage=volatile\\n' \\
    >etc/systemd/journald.conf.d/test.conf
  for each in ${MASKED.join(' ')}; do ln -sf /dev/null etc/systemd/system/$each; done
  echo test >etc/hostname; : >etc/machine-id
  umount "$root/mnt" "$root/run" "$root/tmp" "$root/proc"; cd /; umount "$root")
while :; do
  status=0
  { setpriv --pdeathsig KILL unshare -m -u -i -C -p $4 -f --kill-child sh -c "exec 2>&3; $3" sh "$1" "$2" || status=$?; } \\
    3>&2 2>/dev/null
  [ "$status" = 129 ] || exit "$status"
done
`

/** Booting, and ending what runs, in milliseconds. */
const DEADLINE_MS = 60_000

/** `describe` for tests that need such a machine, and programs besides: see `describeWithPrograms`. */
export function describeOnBootedMachine(
  title: string,
  programs: readonly string[],
  body: () => void,
): void {
  if (existsSync(SYSTEMD) && cgroupRoot() !== undefined) {
    describeOnMachine(title, ['systemctl', 'journalctl', 'setpriv', ...programs], body)
  } else leaveOut(title, 'systemd and control groups of the second version', body)
}

function cgroupRoot(): string | undefined {
  return ['/sys/fs/cgroup', '/sys/fs/cgroup/unified'].find((directory) =>
    existsSync(join(directory, 'cgroup.controllers')),
  )
}

export class BootedMachine {
  /** `/mnt` of the machine, as we see it. */
  readonly shared: string
  readonly #keeper: ChildProcess
  readonly #group: string
  readonly #remove: () => Promise<void>
  readonly #namespaces: readonly string[]

  private constructor(
    { path, remove }: Awaited<ReturnType<typeof makeTemporaryDirectory>>,
    keeper: ChildProcess,
    group: string,
    ownNetwork: readonly string[],
  ) {
    this.#namespaces = ['-m', '-u', '-i', '-p', '-C', ...ownNetwork]
    this.shared = path
    this.#remove = remove
    this.#keeper = keeper
    this.#group = group
  }

  /** Up and running. The caller calls {@link end}. */
  static async boot({ ownNetwork = false } = {}): Promise<BootedMachine> {
    const shared = await makeTemporaryDirectory()
    chmodSync(shared.path, 0o755)
    const group = join(cgroupRoot() ?? '', `vobox-test-${process.pid}`)
    mkdirSync(group)
    const enter = `echo $$ >"${group}/cgroup.procs"`
    const script = `${enter}; exec unshare -m sh -c "$1" sh /media "$2" "$3" "$4"`
    // Whatever ends the test ends the machine: nobody else would.
    const network = ownNetwork ? ['-n'] : []
    const words = [
      '--pdeathsig',
      'KILL',
      'sh',
      '-c',
      script,
      'sh',
      KEEP,
      shared.path,
      BOOT,
      ...network,
    ]
    const keeper = spawn('setpriv', words, {
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    const machine = new BootedMachine(shared, keeper, group, network)
    await machine.#untilUp()
    return machine
  }

  /** As somebody at the machine would; what it had in memory is gone. */
  async reboot(): Promise<void> {
    const before = this.#pid()
    this.sh('systemctl reboot --no-wall')
    await this.until(() => this.#pid() !== before)
    await this.#untilUp()
  }

  sh(script: string, env: Readonly<Record<string, string>> = {}): MachineResult {
    const pid = this.#pid()
    if (pid === undefined) return { status: null, stdout: '', stderr: 'it is off' }
    return runInside(pid, this.#namespaces, script, env)
  }

  ok(script: string, env?: Readonly<Record<string, string>>): string {
    return mustWork(script, this.sh(script, env))
  }

  async until(holds: () => boolean, deadlineMs = DEADLINE_MS): Promise<void> {
    for (const end = performance.now() + deadlineMs; !holds(); await sleep(100)) {
      if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${holds}`)
    }
  }

  async end(): Promise<void> {
    const first = this.#pid()
    await new Promise<void>((resolve) => {
      this.#keeper.once('exit', () => resolve())
      this.#keeper.kill('SIGKILL')
      // All others of its namespace end with it, and none may boot again.
      if (first !== undefined) process.kill(first, 'SIGKILL')
    })
    await this.until(() => removeGroups(this.#group))
    await this.#remove()
  }

  /** Of its process 1, as we see it: the child of unshare, which is that of the keeper. */
  #pid(): number | undefined {
    const [unshare] = childrenOf(this.#keeper.pid)
    const [first] = unshare === undefined ? [] : childrenOf(unshare)
    return first
  }

  async #untilUp(): Promise<void> {
    await this.until(() => {
      const { stdout } = this.sh('systemctl is-system-running')
      return stdout === 'running\n' || stdout === 'degraded\n'
    })
  }
}

function childrenOf(pid: number | undefined): number[] {
  try {
    const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
    return text.trim().split(' ').filter(Boolean).map(Number)
  } catch {
    return []
  }
}

/** @returns whether they are gone: a group that still holds a process cannot be removed. */
function removeGroups(directory: string): boolean {
  if (!existsSync(directory)) return true
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    if (entry.isDirectory()) removeGroups(join(directory, entry.name))
  }
  try {
    rmdirSync(directory)
    return true
  } catch {
    return false
  }
}
