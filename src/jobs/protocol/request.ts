/** What a workload manager asks: commands 1, 2 and 3 of the gLite proxy renewal protocol. */
import { JOB_CODES } from './codes.js'
import { encodeLines, JOB_PROTOCOL_VERSION, parseLines, required } from './lines.js'
import { jobRefusal } from './refusal.js'

export type JobRequest =
  | {
      command: 'register'
      /** Path of a proxy file, which must be absolute. */
      proxyFile: string
      jobId: string
      /** `host` or `host:port` of a MyProxy server. */
      server: string
    }
  /** With `proxyFile`, the path that `register` answered: that proxy's job and no other's. */
  | { command: 'unregister'; jobId: string; proxyFile?: string }
  | { command: 'get'; jobId: string }

const COMMANDS: Readonly<Record<string, JobRequest['command']>> = {
  '1': 'register',
  '2': 'unregister',
  '3': 'get',
}

/**
 * Reads a request. `LIST` and `STATUS` (4 and 5) never were served by anybody; `UPDATE_DB` (6) was
 * the C daemon talking to itself, and let any client rename and remove files.
 *
 * @throws a refusal: `EINVAL` without a job id, as the C daemon answers; `ELEMENT_NOT_FOUND` for
 *   anything else that is missing; `UNKNOWN_COMMAND`; what `parseLines` says.
 */
export function parseJobRequest(payload: Uint8Array): JobRequest {
  const values = parseLines(payload)
  const number = required(values, 'Command')
  const command = Object.hasOwn(COMMANDS, number) ? COMMANDS[number] : undefined
  if (command === undefined) {
    throw jobRefusal(JOB_CODES.UNKNOWN_COMMAND, `command ${number} is not served`)
  }
  if (!values.has('Jobid')) throw jobRefusal(JOB_CODES.EINVAL, 'no Jobid in the message')
  const jobId = required(values, 'Jobid')
  if (command === 'get') return { command, jobId }
  const proxyFile = values.get('Proxy_name')
  if (command === 'unregister') return { command, jobId, ...(proxyFile && { proxyFile }) }
  const server = required(values, 'Myproxy_server')
  return { command, jobId, server, proxyFile: required(values, 'Proxy_name') }
}

/** @throws VoboxError `JOB_REQUEST_INVALID` for a value that cannot be sent. */
export function encodeJobRequest(request: JobRequest): string {
  const number = Object.keys(COMMANDS).find((key) => COMMANDS[key] === request.command) ?? ''
  const lines: [string, string][] = [
    ['Version', JOB_PROTOCOL_VERSION],
    ['Command', number],
  ]
  if (request.command === 'register') lines.push(['Myproxy_server', request.server])
  if (request.command !== 'get' && request.proxyFile !== undefined) {
    lines.push(['Proxy_name', request.proxyFile])
  }
  lines.push(['Jobid', request.jobId])
  return encodeLines(lines)
}
