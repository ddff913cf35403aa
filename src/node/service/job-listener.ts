/**
 * Listening on a unix socket where nobody else can stand in for us.
 *
 * Node cannot ask who is at the other end (`SO_PEERCRED`), and no maintained library does: so the
 * rights of the directory and of the socket decide who may connect. What lies in the place of the
 * socket is looked at before: somebody else's file, or a socket where somebody answers, is squatting,
 * and clients would speak to whoever that is.
 */
import { chmodSync, lstatSync, type Stats, unlinkSync } from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { dirname } from 'node:path'
import { printable, VoboxError } from '../../errors.js'

export interface SocketPlace {
  path: string
  mode: number
  /** Whose everything there must be. */
  uid: number
  /** `/tmp`, where others write too, but cannot remove or replace what is ours; default false. */
  sticky?: boolean
}

const CONNECT_MS = 2000

/** `sun_path` of unix(7), without the NUL. */
const MOST_BYTES = 107

const SHARED_DIRECTORY = 0o022
const STICKY = 0o1000

/**
 * @throws VoboxError `SOCKET_TAKEN` with what is there, and the cure; `FILE_UNSAFE` of the directory;
 *   `CONFIG_INVALID` for a path that is too long.
 */
export async function listenOnSocket(place: SocketPlace): Promise<Server> {
  checkLength(place)
  checkDirectory(place)
  await clearPlace(place)
  const server = createServer({ allowHalfOpen: true })
  await listening(server, place)
  const now = lstatSync(place.path, { throwIfNoEntry: false })
  if (now === undefined || !now.isSocket() || now.uid !== place.uid) {
    server.close()
    throw taken(place, 'it was replaced at the moment it was made', now)
  }
  return server
}

/** Without a word a longer path is cut off, and the socket lies elsewhere. */
function checkLength({ path }: SocketPlace): void {
  const bytes = Buffer.byteLength(path)
  if (bytes <= MOST_BYTES) return
  const message = `the path of the job socket has ${bytes} bytes, and unix(7) allows ${MOST_BYTES}`
  throw new VoboxError('CONFIG_INVALID', `${message}: ${printable(path)}`, {
    hint: 'Set jobs.socket to a shorter one, in a directory of the VO admin',
    data: { path, bytes, mostBytes: MOST_BYTES },
  })
}

/** Whoever can write the directory can put another socket there. */
function checkDirectory({ path, uid, sticky = false }: SocketPlace): void {
  const directory = dirname(path)
  const facts = lstatSync(directory, { throwIfNoEntry: false })
  const owned = facts !== undefined && (facts.uid === uid || facts.uid === 0)
  const open = facts !== undefined && (facts.mode & SHARED_DIRECTORY) !== 0
  const safe = open ? sticky && (facts.mode & STICKY) !== 0 && facts.uid === 0 : owned
  if (facts?.isDirectory() && safe) return
  const shown = printable(directory)
  throw new VoboxError('FILE_UNSAFE', `${shown} is no directory that only its owner can write`, {
    hint: facts === undefined ? `mkdir -m 700 ${shown}` : `chmod go-w ${shown}`,
    data: { path: directory, reason: facts === undefined ? 'missing' : 'mode', mode: facts?.mode },
  })
}

/** Removes what an earlier process of ours left; we hold the lock of the service. */
async function clearPlace(place: SocketPlace): Promise<void> {
  const { path, uid } = place
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) throw taken(place, `it is ${kindOf(found)}`, found)
  if (found.uid !== uid) throw taken(place, `it belongs to the user ${found.uid}`, found)
  if (await isAnswered(path)) throw taken(place, 'another process of ours listens there', found)
  unlinkSync(path)
}

function kindOf(found: Stats): string {
  if (found.isSymbolicLink()) return 'a symbolic link'
  return found.isDirectory() ? 'a directory' : 'no socket'
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    socket.setTimeout(CONNECT_MS, () => end(true))
    const end = (answered: boolean) => {
      socket.destroy()
      resolve(answered)
    }
    socket.once('connect', () => end(true))
    socket.once('error', ({ code }: NodeJS.ErrnoException) => end(code !== 'ECONNREFUSED'))
  })
}

function listening(server: Server, place: SocketPlace): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) =>
      reject(taken(place, `the system says ${cause.code}`, undefined, cause)),
    )
    // Made with nobody else's rights, and opened to others then.
    const before = process.umask(0o177)
    try {
      server.listen(place.path, () => {
        server.removeAllListeners('error')
        if (place.mode !== 0o600) chmodSync(place.path, place.mode)
        resolve()
      })
    } finally {
      process.umask(before)
    }
  })
}

function taken({ path }: SocketPlace, why: string, found?: Stats, cause?: Error): VoboxError {
  const shown = printable(path)
  return new VoboxError('SOCKET_TAKEN', `the job socket ${shown} is taken: ${why}`, {
    hint: `See whose it is with ls -l ${shown}; stop the glite-proxy-renewd that listens there, or remove what has no business there`,
    data: { path, ...(found && { uid: found.uid, mode: found.mode & 0o7777 }) },
    cause,
  })
}
