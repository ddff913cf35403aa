/**
 * One VOMS server, asked in the form it speaks: REST first, then XML on a connection of its own.
 * Which form it was is remembered for as long as the context lives; when that one fails one day,
 * the server was replaced, and the other is tried again.
 */
import { isVoboxError, VoboxError } from '../errors.js'
import { withFirstReachable } from '../gsi/reach.js'
import type { SecureChannel } from '../gsi/secure-channel.js'
import { type ServerAddress, showAddress } from '../gsi/server-address.js'
import type { Credential } from '../proxy/credential.js'
import { encodeRestRequest, isWholeRestAnswer, parseRestAnswer } from './rest-form.js'
import { MAX_ANSWER_BYTES, type VomsAnswer } from './voms-answer.js'
import type { VomsContext } from './voms-context.js'
import type { VomsQuestion } from './voms-question.js'
import type { VomsServer } from './vomses.js'
import { encodeXmlRequest, isWholeXmlAnswer, parseXmlAnswer } from './xml-form.js'

type FormName = 'rest' | 'xml'

interface Form {
  encode(question: VomsQuestion, server: ServerAddress): Buffer
  isWhole(received: Buffer): boolean
  /** @throws VoboxError `PROTOCOL_VIOLATION`. */
  parse(answer: Buffer): VomsAnswer
}

const FORMS: Readonly<Record<FormName, Form>> = {
  rest: { encode: encodeRestRequest, isWhole: isWholeRestAnswer, parse: parseRestAnswer },
  xml: { encode: encodeXmlRequest, isWhole: isWholeXmlAnswer, parse: parseXmlAnswer },
}

/** An answer, and the server as it shows in messages. */
export interface LabelledAnswer {
  label: string
  answer: VomsAnswer
}

/** What is worth another form: the server was reached, is the right one, and made nothing of it. */
type FormResult = LabelledAnswer | { notSpoken: VoboxError }

const knownForms = new WeakMap<VomsContext, Map<string, FormName>>()

export interface ServerCall {
  server: VomsServer
  question: VomsQuestion
  credential: Credential
  /** Whether another server of the VO is asked when this one fails. */
  othersFollow: boolean
  signal?: AbortSignal | undefined
}

/**
 * Asks one server.
 *
 * @throws VoboxError `ALL_SERVERS_FAILED` of `gsi/reach` when no address of it could be reached;
 *   `PROTOCOL_VIOLATION`, `CONNECTION_CLOSED` or `MESSAGE_TOO_LARGE` when it speaks neither form.
 */
export async function askServer(context: VomsContext, call: ServerCall): Promise<LabelledAnswer> {
  const known = knownForms.get(context) ?? new Map<string, FormName>()
  knownForms.set(context, known)
  const name = showAddress(call.server)
  const failures: VoboxError[] = []
  const order: FormName[] = known.get(name) === 'xml' ? ['xml', 'rest'] : ['rest', 'xml']
  for (const form of order) {
    const result = await askInForm(context, call, FORMS[form])
    if ('answer' in result) {
      known.set(name, form)
      return result
    }
    failures.push(result.notSpoken)
  }
  // A server that closes has said nothing; one that answers something else has.
  throw failures.find(({ code }) => code !== 'CONNECTION_CLOSED') ?? failures.at(-1)
}

function askInForm(
  context: VomsContext,
  { server, question, credential, othersFollow, signal }: ServerCall,
  form: Form,
): Promise<FormResult> {
  const reach = {
    servers: [server],
    othersFollow,
    credential,
    serverDn: server.dn,
    dnSetting: `the DN of ${server.host} in the vomses file`,
    signal,
  }
  return withFirstReachable(context, reach, (channel) => converse(channel, server, question, form))
}

async function converse(
  channel: SecureChannel,
  server: VomsServer,
  question: VomsQuestion,
  form: Form,
): Promise<FormResult> {
  try {
    await channel.write(form.encode(question, server))
    const answer = form.parse(await channel.readToEnd(MAX_ANSWER_BYTES, form.isWhole))
    return { label: channel.label, answer }
  } catch (error) {
    if (!isVoboxError(error, 'CONNECTION_CLOSED', 'PROTOCOL_VIOLATION', 'MESSAGE_TOO_LARGE')) {
      throw error
    }
    return { notSpoken: naming(error, channel.label) }
  }
}

/** The same failure with the server in its sentence; codecs do not know it. */
function naming(error: VoboxError, label: string): VoboxError {
  if (error.message.includes(label)) return error
  return new VoboxError(error.code, `${label} ${error.message}`, {
    data: { ...error.data, peer: label },
    hint: error.hint,
    persistence: error.persistence,
    cause: error,
  })
}
