/**
 * Telling systemd how we are (sd_notify(3)): ready, status, stopping, and that the watchdog need not
 * bite. Node has no Unix datagram sockets, so `systemd-notify` speaks for us; the unit says
 * `NotifyAccess=all` for that. Without `NOTIFY_SOCKET` nothing happens.
 */
import { spawn } from 'node:child_process'
import type { Journal } from '../../ports/journal.js'

export interface ServiceManager {
  /** A quarter of the time after which the watchdog bites, in milliseconds; undefined: there is none. */
  readonly pingMs: number | undefined
  /** Variables of sd_notify(3), e.g. `READY=1`. Never throws; one message after the other. */
  notify(...variables: string[]): void
  /** Resolves when what was said has been said. */
  settled(): Promise<void>
}

/** One message takes milliseconds; a service manager that hangs must not hang us. */
const DEADLINE_MS = 5000

export function serviceManager(
  environment: Readonly<Record<string, string | undefined>>,
  pid: number,
  journal: Journal,
): ServiceManager {
  const { NOTIFY_SOCKET: socket, WATCHDOG_USEC: usec, WATCHDOG_PID: watched } = environment
  if (!socket) return { pingMs: undefined, notify: () => undefined, settled: async () => undefined }
  let last: Promise<void> = Promise.resolve()
  let complained = false
  const complain = (reason: string) => {
    if (complained) return
    complained = true
    journal.write('warn', 'notify-failed', `systemd was not told: ${reason}`)
  }
  const meant = watched === undefined || watched === '' || Number(watched) === pid
  // Half is what sd_watchdog_enabled(3) recommends; but a message may be lost, or late under load.
  const quarterMs = Number(usec) / 4000
  return {
    pingMs: meant && quarterMs >= 1 ? Math.floor(quarterMs) : undefined,
    notify(...variables) {
      last = last.then(() => send(socket, variables).catch((error) => complain(error.message)))
    },
    settled: () => last,
  }
}

/**
 * Feeds the watchdog, where there is one, for as long as `isWell` says so; a process that hangs says
 * nothing.
 *
 * @returns what ends that.
 */
export function feedWatchdog(
  manager: ServiceManager,
  isWell: () => boolean = () => true,
): () => void {
  if (manager.pingMs === undefined) return () => undefined
  const timer = setInterval(() => {
    if (isWell()) manager.notify('WATCHDOG=1')
  }, manager.pingMs)
  return () => clearInterval(timer)
}

function send(socket: string, variables: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('systemd-notify', variables, {
      env: { NOTIFY_SOCKET: socket, PATH: '/usr/bin:/bin' },
      stdio: 'ignore',
      timeout: DEADLINE_MS,
      killSignal: 'SIGKILL',
    })
    child.once('error', reject)
    child.once('exit', (code, signal) => {
      if (code === 0) resolve()
      else reject(new Error(`systemd-notify ended with ${code ?? signal}`))
    })
  })
}
