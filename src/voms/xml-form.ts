/**
 * The older form of a request, in XML straight on TLS, and its answer. Debian's server, which closes
 * the connection on the REST form, still speaks it.
 *
 * The commands are granted all or none, and in the order they have here (no `<order>` is needed).
 * An answer that refuses still carries an `<ac>`, of one dummy byte, so errors are looked at first;
 * numbers below 1000 are warnings beside an attribute certificate that is real.
 */
import { contentOf, contentsOf, plainText } from './tagged-text.js'
import { decodeAcs, notVoms, type VomsAnswer } from './voms-answer.js'
import type { VomsQuestion } from './voms-question.js'

/** Numbers from here on refuse. */
const FIRST_REFUSAL = 1000

const END = Buffer.from('</vomsans>')

/** `B` is a role in a group, `G` a group. */
export function encodeXmlRequest({ fqans, lifetimeSeconds, targets }: VomsQuestion): Buffer {
  const commands = fqans.map(({ group, role }) =>
    role === undefined ? `G${group}` : `B${group}:${role}`,
  )
  const elements = [
    ...commands.map((command) => `<command>${command}</command>`),
    ...(targets.length === 0 ? [] : [`<targets>${targets.join(',')}</targets>`]),
    '<base64>1</base64>',
    '<version>4</version>',
    `<lifetime>${lifetimeSeconds}</lifetime>`,
  ]
  return Buffer.from(
    `<?xml version="1.0" encoding="US-ASCII"?><voms>${elements.join('')}</voms>`,
    'latin1',
  )
}

/** Whether all of the answer is there, though the server may not have ended the connection. */
export function isWholeXmlAnswer(received: Buffer): boolean {
  return received.subarray(Math.max(0, received.length - END.length - 8)).includes(END)
}

/** @throws VoboxError `PROTOCOL_VIOLATION` for what is not such an answer, or is cut off. */
export function parseXmlAnswer(bytes: Buffer): VomsAnswer {
  const answer = contentOf(bytes.toString('utf8'), 'vomsans')
  if (answer === undefined) throw notVoms('sent something else than the answer of a VOMS server')
  const messages = contentsOf(answer, 'item').map((item) => ({
    code: plainText(contentOf(item, 'number') ?? ''),
    text: plainText(contentOf(item, 'message') ?? ''),
  }))
  const refusals = messages.filter(({ code }) => !isWarning(code))
  if (refusals.length > 0) return { kind: 'refused', refusals }
  const acs = contentsOf(answer, 'ac')
  if (acs.length === 0) throw notVoms('sent neither attributes nor a reason')
  const warnings = messages.map(({ text }) => text)
  return { kind: 'granted', acs: decodeAcs(acs), warnings }
}

function isWarning(code: string): boolean {
  return /^\d{1,3}$/.test(code) && Number(code) < FIRST_REFUSAL
}
