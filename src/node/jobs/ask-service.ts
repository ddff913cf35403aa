/** What the `job` commands ask of the service that runs, over its socket. */
import { resolve } from 'node:path'
import { cureOf, isVoboxError, printable, VoboxError } from '../../errors.js'
import { askJobService, type JobAnswer, type JobCall } from '../../jobs/job-client.js'
import type { JobRequest } from '../../jobs/protocol/request.js'
import type { JobDone } from '../../report/jobs-text.js'
import type { VoContext } from '../compose/compose.js'
import { jobSocketOf } from '../compose/compose-jobs.js'

export interface JobAsking {
  environment: Readonly<Record<string, string | undefined>>
  signal: AbortSignal
}

const DEFAULT_SECONDS = 120

/** Longer than any job: what a timer of Node can count. */
const MAX_SECONDS = 86_400

/**
 * A relative path of a proxy is taken from where the caller is.
 *
 * @throws VoboxError as `askJobService`; `FILE_UNSAFE` when another account than the VO admin's holds
 *   the place of the socket; `USAGE` for a `GLITE_PR_TIMEOUT` that is no number of seconds.
 */
export async function askJob(
  vo: Pick<VoContext, 'config' | 'paths' | 'files' | 'directory' | 'clock'>,
  request: JobRequest,
  asking: JobAsking,
): Promise<JobDone> {
  const call = await jobCallOf(vo, asking)
  const { proxyFile, end, renewalAt } = await ask(call, absolute(request))
  return { jobId: request.jobId, proxyFile, end: end ?? null, renewalAt: renewalAt ?? null }
}

/** Where and how long. The C client asks whoever listens; we look whose the socket is. */
export async function jobCallOf(
  vo: Pick<VoContext, 'config' | 'paths' | 'files' | 'directory' | 'clock'>,
  { environment, signal }: JobAsking,
): Promise<JobCall> {
  const socket = jobSocketOf(vo)
  const deadlineMs = secondsOf(environment.GLITE_PR_TIMEOUT) * 1000
  const facts = await vo.files.facts(socket)
  const { uid } = vo.directory
  if (facts === undefined || (facts.kind === 'other' && facts.uid === uid)) {
    return { clock: vo.clock, socket, deadlineMs, signal }
  }
  throw new VoboxError('FILE_UNSAFE', `${printable(socket)} is no socket of the VO admin`, {
    hint: `See whose it is with ls -l ${printable(socket)}: who answers there is not the service`,
    data: { path: socket, reason: facts.uid === uid ? 'kind' : 'owner', uid: facts.uid },
  })
}

async function ask(call: JobCall, request: JobRequest): Promise<JobAnswer> {
  try {
    return await askJobService(call, request)
  } catch (error) {
    if (!isVoboxError(error, 'JOB_SERVICE_UNREACHABLE') || error.data.errno !== 'EACCES') {
      throw error
    }
    const message = `you may not connect to ${printable(call.socket)}`
    throw new VoboxError('NOT_PERMITTED', message, {
      hint: 'Call it as the VO admin, or as root; jobs.mode = "0660" lets the group in',
      data: error.data,
      cause: error,
    })
  }
}

function absolute(request: JobRequest): JobRequest {
  if (request.command !== 'register') return request
  return { ...request, proxyFile: resolve(request.proxyFile) }
}

/** As the C library reads it: seconds, which may have a fraction. */
function secondsOf(text: string | undefined): number {
  if (text === undefined || text === '') return DEFAULT_SECONDS
  const seconds = /^\d+(\.\d*)?$|^\.\d+$/.test(text) ? Number(text) : 0
  if (seconds > 0) return Math.min(seconds, MAX_SECONDS)
  throw new VoboxError('USAGE', 'GLITE_PR_TIMEOUT is no number of seconds', {
    hint: `Unset it for ${DEFAULT_SECONDS} seconds`,
    data: { variable: 'GLITE_PR_TIMEOUT', text: printable(text, 60) },
  })
}

const FAILED: Readonly<Record<JobRequest['command'], string>> = {
  register: 'Registering proxy failed',
  unregister: 'Unregistering proxy failed',
  get: 'GET request failed',
}

/** What the C client says on stderr of a failure: its own words, then those of the code. */
export function asCClientSays(command: JobRequest['command'], error: VoboxError): string {
  const { meaning } = error.data
  const cure = cureOf(error)
  const ours = cure === undefined ? error.message : `${error.message}; ${cure}`
  const text = typeof meaning === 'string' ? meaning : ours
  return `${FAILED[command]}: ${printable(text, 2000)}\n`
}
