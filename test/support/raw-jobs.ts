/** The job socket as a client of one's own sees it: bytes there, bytes back. */
import { connect } from 'node:net'
import { encodeFrame } from '../../src/jobs/protocol/frame.js'

export const JOB_VERSION = 'Version=EDG Proxy Renewal 1.0\n'

/** A request as the C client writes it. */
export const jobFrame = (lines: string): Buffer => encodeFrame(JOB_VERSION + lines)

export interface TalkOptions {
  /** Ends our half behind the request; default false, as the C client does not. */
  end?: boolean
  /** Default 20,000. */
  deadlineMs?: number
}

/** Everything that comes back until the other end closes; a socket that breaks has said what it said. */
export function talk(path: string, bytes: Uint8Array, options: TalkOptions = {}): Promise<Buffer> {
  const { end = false, deadlineMs = 20_000 } = options
  return new Promise((resolve, reject) => {
    const socket = connect(path)
    const pieces: Buffer[] = []
    const timer = setTimeout(() => {
      socket.destroy()
      reject(new Error(`no end within ${deadlineMs} ms`))
    }, deadlineMs)
    socket.on('data', (piece) => pieces.push(piece))
    let failed: NodeJS.ErrnoException | undefined
    socket.on('error', (error) => {
      failed = error
    })
    socket.on('close', () => {
      clearTimeout(timer)
      const unheard = failed?.syscall === 'connect'
      if (unheard) reject(failed)
      else resolve(Buffer.concat(pieces))
    })
    if (end) socket.end(bytes)
    else socket.write(bytes)
  })
}

export interface JobAnswerText {
  code: number
  proxyFile: string
  end: number
  renewalAt: number
}

/** A whole frame with its NUL, read as the C client does; absent values are '' and NaN. */
export function readAnswer(bytes: Buffer): JobAnswerText {
  const payload = bytes.subarray(4)
  if (bytes.length < 5 || bytes.readUInt32BE() !== payload.length || payload.at(-1) !== 0) {
    throw new Error(`no frame: ${bytes.toString('hex').slice(0, 200)}`)
  }
  const text = payload.toString().slice(0, -1)
  if (!text.startsWith(JOB_VERSION)) throw new Error(`no version: ${text}`)
  const value = (key: string) => new RegExp(`^${key}=(.*)$`, 'm').exec(text)?.[1] ?? ''
  const number = (key: string) => (value(key) === '' ? Number.NaN : Number(value(key)))
  return {
    code: number('Response'),
    proxyFile: value('Proxy_name'),
    end: number('End_time'),
    renewalAt: number('Renewal_time'),
  }
}

/** Asks as the C client does. */
export async function ask(
  path: string,
  lines: string,
  deadlineMs?: number,
): Promise<JobAnswerText> {
  return readAnswer(await talk(path, jobFrame(lines), { ...(deadlineMs && { deadlineMs }) }))
}

export const registerLines = (job: string, proxyFile: string, server: string): string =>
  `Command=1\nMyproxy_server=${server}\nProxy_name=${proxyFile}\nJobid=${job}\n`
