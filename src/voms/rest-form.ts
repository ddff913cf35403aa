/**
 * The REST form of a request: `GET /generate-ac?fqans=…&lifetime=…` over TLS, and the answer in it.
 *
 * The classic server reads the values as they stand and knows no `%2F`, so they are not encoded;
 * what could need it never gets here. The status says little: a warning comes with 500 and a valid
 * attribute certificate. Newer servers answer in HTTP/1.1 to a request in HTTP/1.0.
 */
import type { VoboxError } from '../errors.js'
import { type ServerAddress, showAddress } from '../gsi/server-address.js'
import { showFqan } from './fqan.js'
import { type HttpAnswer, isWholeHttpAnswer, parseHttpAnswer } from './http-answer.js'
import { contentOf, contentsOf, plainText } from './tagged-text.js'
import { decodeAcs, notVoms, type VomsAnswer } from './voms-answer.js'
import type { VomsQuestion } from './voms-question.js'

export function encodeRestRequest(question: VomsQuestion, server: ServerAddress): Buffer {
  const { fqans, lifetimeSeconds, targets } = question
  const values = [
    `fqans=${fqans.map(showFqan).join(',')}`,
    `lifetime=${lifetimeSeconds}`,
    ...(targets.length === 0 ? [] : [`targets=${targets.join(',')}`]),
  ]
  const lines = [
    `GET /generate-ac?${values.join('&')} HTTP/1.0`,
    `Host: ${showAddress(server)}`,
    'Connection: close',
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1')
}

/** Whether all of the answer is there, though the server may not have ended the connection. */
export function isWholeRestAnswer(received: Buffer): boolean {
  return isWholeHttpAnswer(received)
}

/**
 * Reads the answer.
 *
 * @throws VoboxError `PROTOCOL_VIOLATION` for what is not HTTP, is cut off, or says nothing of VOMS;
 *   `data.status` is that of HTTP.
 */
export function parseRestAnswer(bytes: Buffer): VomsAnswer {
  const answer = parseHttpAnswer(bytes)
  const text = answer.body.toString('utf8')
  if (!text.includes('</voms>')) throw nothingOfVoms(answer, text)
  const acs = contentsOf(text, 'ac')
  if (acs.length > 0) {
    const warnings = contentsOf(text, 'warning').map((warning) =>
      plainText(contentOf(warning, 'message') ?? warning),
    )
    return { kind: 'granted', acs: decodeAcs(acs), warnings }
  }
  const errors = contentsOf(text, 'error')
  if (errors.length === 0) throw nothingOfVoms(answer, text)
  const refusals = errors.map((error) => ({
    code: plainText(contentOf(error, 'code') ?? ''),
    text: plainText(contentOf(error, 'message') ?? ''),
  }))
  return { kind: 'refused', refusals }
}

function nothingOfVoms({ status, reason }: HttpAnswer, text: string): VoboxError {
  const what = text.includes('<voms') ? 'an answer that is cut off' : 'nothing of VOMS'
  const shown = reason === '' ? '' : ` (${reason})`
  return notVoms(`answered HTTP ${status}${shown} and ${what}`, { status })
}
