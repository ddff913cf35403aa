/** What the daemon answers: a code, and for success the path of the proxy and its times. */
import { asUnixSeconds, type UnixSeconds } from '../../ports/clock.js'
import { JOB_CODES } from './codes.js'
import { encodeLines, JOB_PROTOCOL_VERSION, parseLines, required } from './lines.js'
import { jobRefusal } from './refusal.js'

/** `proxyFile` always stands with a success: the C client does not look whether it is there. */
export type JobResponse =
  | { code: 0; proxyFile: string; end?: UnixSeconds; renewalAt?: UnixSeconds }
  /** An errno up to 1900, or one of `JOB_CODES`. */
  | { code: number; proxyFile?: undefined }

export function encodeJobResponse(response: JobResponse): string {
  const lines: [string, string][] = [
    ['Version', JOB_PROTOCOL_VERSION],
    ['Response', String(response.code)],
  ]
  if (response.proxyFile !== undefined) {
    const { end, renewalAt, proxyFile } = response
    if (end !== undefined) lines.push(['End_time', String(end)])
    if (renewalAt !== undefined) lines.push(['Renewal_time', String(renewalAt)])
    lines.push(['Proxy_name', proxyFile])
  }
  return encodeLines(lines)
}

/** Reads an answer, for a client. @throws a refusal `PARSE_ERROR` or `ELEMENT_NOT_FOUND`. */
export function parseJobResponse(payload: Uint8Array): JobResponse {
  const values = parseLines(payload)
  const code = count(required(values, 'Response'))
  if (code !== JOB_CODES.OK) return { code }
  const end = values.get('End_time')
  const renewalAt = values.get('Renewal_time')
  return {
    code: JOB_CODES.OK,
    proxyFile: required(values, 'Proxy_name'),
    ...(end !== undefined && { end: asUnixSeconds(count(end)) }),
    ...(renewalAt !== undefined && { renewalAt: asUnixSeconds(count(renewalAt)) }),
  }
}

function count(text: string): number {
  if (/^\d{1,15}$/.test(text)) return Number(text)
  throw jobRefusal(JOB_CODES.PARSE_ERROR, `not a number: ${text.slice(0, 20)}`)
}
