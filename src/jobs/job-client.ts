/** Asks a running service, as the C library does: one request a connection, one budget for it all. */
import { connect, type Socket } from 'node:net'
import { isVoboxError, printable, VoboxError } from '../errors.js'
import type { Clock } from '../ports/clock.js'
import { withDeadline } from '../ports/deadline.js'
import { JOB_CODES, jobCodeText } from './protocol/codes.js'
import { encodeFrame, FrameReader } from './protocol/frame.js'
import { encodeJobRequest, type JobRequest } from './protocol/request.js'
import { type JobResponse, parseJobResponse } from './protocol/response.js'

export interface JobCall {
  clock: Clock
  /** Path of the service's socket. */
  socket: string
  /** For connecting, asking and the answer together, in milliseconds. */
  deadlineMs: number
  signal?: AbortSignal
}

/** An answer that is a success. */
export type JobAnswer = Extract<JobResponse, { code: 0 }>

/**
 * @throws VoboxError `JOB_SERVICE_UNREACHABLE` (transient) when nobody listens; `JOB_REQUEST_INVALID`;
 *   `JOB_REQUEST_REFUSED` with `data.jobCode`, also where the answer cannot be understood;
 *   `DEADLINE_EXCEEDED`; `call.signal.reason`.
 */
export async function askJobService(call: JobCall, request: JobRequest): Promise<JobAnswer> {
  const frame = encodeFrame(encodeJobRequest(request))
  const { clock, socket: path, deadlineMs, signal } = call
  const late = () =>
    new VoboxError('DEADLINE_EXCEEDED', `no answer on ${path} within ${deadlineMs / 1000} s`, {
      data: { socket: path, deadlineMs },
    })
  const socket = connect(path)
  try {
    const work = () => exchange(socket, path, frame)
    const payload = await withDeadline(clock, deadlineMs, signal, late, work)
    const response = parseJobResponse(payload)
    if (response.proxyFile !== undefined) return response
    throw refused(response.code, request)
  } finally {
    socket.destroy()
  }
}

function exchange(socket: Socket, path: string, frame: Buffer): Promise<Buffer> {
  const reader = new FrameReader()
  return new Promise((resolve, reject) => {
    socket.once('error', (cause) => reject(unreachable(path, cause)))
    socket.once('connect', () => socket.write(frame))
    socket.on('data', (piece: Buffer) => {
      try {
        const payload = reader.push(piece)
        if (payload !== undefined) resolve(payload)
      } catch (error) {
        reject(error)
      }
    })
    socket.once('close', () =>
      reject(
        new VoboxError('JOB_REQUEST_REFUSED', jobCodeText(JOB_CODES.UNEXPECTED_EOF), {
          data: { jobCode: JOB_CODES.UNEXPECTED_EOF },
        }),
      ),
    )
  })
}

function unreachable(path: string, cause: NodeJS.ErrnoException): VoboxError {
  return new VoboxError('JOB_SERVICE_UNREACHABLE', `nobody listens on ${printable(path)}`, {
    data: { socket: path, errno: cause.code },
    cause,
  })
}

function refused(code: number, { command, jobId }: JobRequest): VoboxError {
  const meaning = jobCodeText(code)
  return new VoboxError('JOB_REQUEST_REFUSED', `${command} of ${printable(jobId)}: ${meaning}`, {
    data: { jobCode: code, meaning },
  })
}

/** Whether somebody answers on a socket: anything but silence or nobody there. */
export async function isAnswered(call: JobCall): Promise<boolean> {
  try {
    await askJobService(call, { command: 'get', jobId: 'is-anybody-there' })
    return true
  } catch (error) {
    if (isVoboxError(error, 'JOB_REQUEST_REFUSED', 'DEADLINE_EXCEEDED')) return true
    if (isVoboxError(error, 'JOB_SERVICE_UNREACHABLE')) return false
    throw error
  }
}
