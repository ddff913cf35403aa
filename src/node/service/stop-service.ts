/** Ends the running service and waits until it is gone. */
import { setTimeout as sleep } from 'node:timers/promises'
import { VoboxError } from '../../errors.js'
import type { Files } from '../../ports/files.js'
import { findService, type ServiceFacts } from './service-lock.js'

/** The service ends by itself within 15 s of being asked; then it is made to. */
const ASK_MS = 20_000
const KILL_MS = 5_000
const LOOK_MS = 50

/**
 * Asks with `SIGTERM`, after twenty seconds with `SIGKILL`. Only a process that holds the service's
 * lock is sent anything, and by its own user, since root has given itself up by now.
 *
 * @returns whether no service runs any more.
 */
export async function stopService(files: Files, service: ServiceFacts): Promise<boolean> {
  const pid = await findService(files, service)
  if (pid === undefined) return true
  if (pid === 'unknown') {
    throw new VoboxError('FILE_MISSING', 'the service runs, and no file says in which pid', {
      hint: `fuser ${service.lockPath}`,
      data: { path: service.lockPath },
    })
  }
  for (const [signal, deadlineMs] of [
    ['SIGTERM', ASK_MS],
    ['SIGKILL', KILL_MS],
  ] as const) {
    send(pid, signal)
    if (await isGone(files, service, pid, deadlineMs)) return true
  }
  return false
}

function send(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // It has ended meanwhile, or is not ours to end; whether it is gone, the lock says.
  }
}

async function isGone(
  files: Files,
  service: ServiceFacts,
  pid: number,
  deadlineMs: number,
): Promise<boolean> {
  for (let leftMs = deadlineMs; leftMs > 0; leftMs -= LOOK_MS) {
    if ((await findService(files, service)) !== pid) return true
    await sleep(LOOK_MS)
  }
  return false
}
