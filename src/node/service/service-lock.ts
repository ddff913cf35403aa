/**
 * One service a VO, and who it is.
 *
 * The lock decides: it is the service's while its process lives, and nobody can leave it behind. Pid
 * files tell people and scripts where to look, and prove nothing: a pid is believed only when that
 * process holds the lock, and belongs to the VO admin.
 */
import { constants, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isVoboxError, VoboxError } from '../../errors.js'
import type { FileLock, Files } from '../../ports/files.js'
import { parseServiceStatus } from '../../renewal/service-status.js'

export interface ServiceFacts {
  vo: string
  admin: string
  adminUid: number
  /** The lock file. */
  lockPath: string
  /** Files that may hold the pid, the likeliest first. */
  pidFiles: readonly string[]
  /** Where the service says how it is, which includes its pid. */
  statusFile: string
}

/** Who asks for `status` holds the lock for an instant; a service holds it for longer than this. */
const LOCK_DEADLINE_MS = 500

/** @throws VoboxError `SERVICE_ALREADY_RUNNING` with `data.pid` where it can be told. */
export async function takeServiceLock(files: Files, service: ServiceFacts): Promise<FileLock> {
  try {
    return await files.lock(service.lockPath, LOCK_DEADLINE_MS)
  } catch (error) {
    throw isVoboxError(error, 'LOCK_TIMEOUT') ? alreadyRunning(service) : error
  }
}

function alreadyRunning(service: ServiceFacts): VoboxError {
  const pid = findHolder(service)
  const where = pid === undefined ? '' : ` in pid ${pid}`
  return new VoboxError(
    'SERVICE_ALREADY_RUNNING',
    `the service of ${service.vo} is running already${where}`,
    { data: { vo: service.vo, pid } },
  )
}

/**
 * The pid of the running service; `unknown` when one runs that no file leads to; undefined when none
 * does.
 */
export async function findService(
  files: Files,
  service: ServiceFacts,
): Promise<number | 'unknown' | undefined> {
  const lock = await lookAtLock(files, service.lockPath)
  if (lock === 'free') return undefined
  const pid = findHolder(service)
  return pid === undefined && lock === 'held' ? 'unknown' : pid
}

/** `hidden`: we may not ask, so that what else is known must decide. */
async function lookAtLock(files: Files, lockPath: string): Promise<'free' | 'held' | 'hidden'> {
  try {
    if ((await files.facts(lockPath)) === undefined) return 'free'
    const lock = await files.tryLock(lockPath)
    await lock?.release()
    return lock === undefined ? 'held' : 'free'
  } catch (error) {
    if (isVoboxError(error)) return 'hidden'
    throw error
  }
}

function findHolder(service: ServiceFacts): number | undefined {
  const pids = [...service.pidFiles.map(readPid), readStatusPid(service.statusFile)]
  return pids.find((pid) => pid !== undefined && isService(pid, service))
}

/** The one number in a pid file. */
function readPid(path: string): number | undefined {
  const text = readOrUndefined(path)?.trim() ?? ''
  return /^[1-9]\d{0,9}$/.test(text) ? Number(text) : undefined
}

function readStatusPid(path: string): number | undefined {
  const text = readOrUndefined(path)
  return text === undefined ? undefined : parseServiceStatus(Buffer.from(text))?.pid
}

function isService(pid: number, service: ServiceFacts): boolean {
  const status = readOrUndefined(`/proc/${pid}/status`)
  const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(status ?? '')?.[1]
  if (uid === undefined || Number(uid) !== service.adminUid) return false
  return holdsLock(pid, service.lockPath) ?? looksLikeService(pid, service)
}

/** Whether a process holds a lock on the file; undefined when its descriptors are not shown to us. */
function holdsLock(pid: number, lockPath: string): boolean | undefined {
  try {
    const wanted = statSync(lockPath)
    return readdirSync(`/proc/${pid}/fd`).some((descriptor) => {
      const info = readOrUndefined(`/proc/${pid}/fdinfo/${descriptor}`)
      if (!/^lock:.*\bWRITE\b/m.test(info ?? '')) return false
      const open = statSync(`/proc/${pid}/fd/${descriptor}`)
      return open.dev === wanted.dev && open.ino === wanted.ino
    })
  } catch {
    return undefined
  }
}

/**
 * A process that has changed its user hides its descriptors. The caller knows that somebody holds
 * the lock; here it is the command line that must be ours.
 */
function looksLikeService(pid: number, { vo, admin }: ServiceFacts): boolean {
  const words = (readOrUndefined(`/proc/${pid}/cmdline`) ?? '').split('\0')
  const at = words.findIndex((word) => /(^|\/)vobox-renewd[\w.-]*$/.test(word))
  return at >= 0 && words[at + 1] === vo && words[at + 2] === admin
}

/** A FIFO or a link in the place of a file must hold nobody up: root waits for the answer. */
const READ_FLAGS = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW

function readOrUndefined(path: string): string | undefined {
  try {
    // Node takes flags as a number too; its types do not know.
    return readFileSync(path, { encoding: 'utf8', flag: READ_FLAGS as unknown as string })
  } catch {
    return undefined
  }
}

/** Where the pid is written, in the order in which it is looked for. */
export function pidFilesOf(
  vo: string,
  voDirectory: string,
  runDirectory: string = RUN_DIRECTORY,
): string[] {
  const name = `vobox_${vo}_renewd.pid`
  return [join(runDirectory, name), join(voDirectory, name)]
}

const RUN_DIRECTORY = '/var/run'
