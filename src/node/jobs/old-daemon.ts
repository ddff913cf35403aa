/** Whether a `glite-proxy-renewd` still serves, and not a service of ours in its place. */
import { connect, type Socket } from 'node:net'
import { printable, VoboxError } from '../../errors.js'
import { JOB_CODES } from '../../jobs/protocol/codes.js'
import { encodeFrame, FrameReader } from '../../jobs/protocol/frame.js'
import { encodeLines, JOB_PROTOCOL_VERSION } from '../../jobs/protocol/lines.js'
import { parseJobResponse } from '../../jobs/protocol/response.js'
import { nodeFiles } from '../ports/files.js'

/** `LIST`, which no daemon serves: ours says so, the C daemon closes without a word. */
const QUESTION = encodeFrame(
  encodeLines([
    ['Version', JOB_PROTOCOL_VERSION],
    ['Command', '4'],
  ]),
)

/** Of a machine that does much else; the C daemon may be serving somebody. */
const DEADLINE_MS = 10_000

/**
 * The C daemon ran as the account whose spool this is. What another account has put in its place is not
 * asked anything: it would answer as it likes, and clients of the C library would be its own.
 *
 * @param path where it would listen.
 * @param uid of the VO admin.
 * @throws VoboxError `SERVICE_ALREADY_RUNNING` when somebody listens who is not one of ours;
 *   `SOCKET_TAKEN` when it is another account's.
 */
export async function refuseOldDaemon(path: string, uid: number): Promise<void> {
  const shown = printable(path)
  const found = await nodeFiles.facts(path)
  if (found === undefined) return
  if (found.uid !== uid) {
    throw new VoboxError('SOCKET_TAKEN', `${shown} belongs to the user ${found.uid}`, {
      hint: `See as root what it is with ls -l ${shown}, and remove it: clients of the C library would talk to it`,
      data: { path, uid: found.uid, mode: found.mode },
    })
  }
  if (!(await isForeign(path))) return
  throw new VoboxError('SERVICE_ALREADY_RUNNING', `a daemon still serves ${shown}`, {
    hint: 'Stop glite-proxy-renewd first, and see with pgrep -l glite-proxy-renewd that none is left',
    data: { socket: path },
  })
}

function isForeign(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path)
    const end = (foreign: boolean) => {
      clearTimeout(timer)
      socket.destroy()
      resolve(foreign)
    }
    const timer = setTimeout(() => end(true), DEADLINE_MS)
    socket.once('connect', () => socket.write(QUESTION))
    socket.once('error', ({ code, syscall }: NodeJS.ErrnoException) =>
      end(!(syscall === 'connect' && (code === 'ENOENT' || code === 'ECONNREFUSED'))),
    )
    socket.once('close', () => end(true))
    onCode(socket, (code) => end(code !== JOB_CODES.UNKNOWN_COMMAND))
  })
}

/** Undefined for what is no answer. */
function onCode(socket: Socket, told: (code: number | undefined) => void): void {
  const reader = new FrameReader()
  socket.on('data', (piece: Buffer) => {
    try {
      const payload = reader.push(piece)
      if (payload !== undefined) told(parseJobResponse(payload).code)
    } catch {
      told(undefined)
    }
  })
}
