/**
 * Asking a VO for attributes: its servers in random order, each with its own deadlines, until one
 * grants what was asked for.
 *
 * A refusal is one server's word. Replicas lag behind each other, so the next one is asked as well;
 * when none grants it, the refusal that tells most is the answer, with what the others said beside it.
 */
import { isVoboxError, printable, VoboxError } from '../errors.js'
import { showAddress } from '../gsi/server-address.js'
import { withDeadline } from '../ports/deadline.js'
import type { Random } from '../ports/random.js'
import { describeChain } from '../proxy/chain-facts.js'
import type { Credential } from '../proxy/credential.js'
import { askServer, type ServerCall } from './ask-server.js'
import { type AttributeCertificate, parseAttributeCertificate } from './attribute-certificate.js'
import type { AttributeRequest } from './attribute-request.js'
import { checkGranted } from './check-granted.js'
import { showFqan } from './fqan.js'
import type { VomsContext } from './voms-context.js'
import { allServersFailed, notAsAsked, type ServerFailure, tooLong } from './voms-failures.js'
import { makeQuestion } from './voms-question.js'
import { vomsRefusal } from './voms-refusals.js'
import type { VomsServer } from './vomses.js'

export interface AttributesCall {
  /** Of one VO. */
  servers: readonly VomsServer[]
  /** All to that VO, in the order wanted: the first becomes the primary FQAN. At least one. */
  requests: readonly AttributeRequest[]
  /** Authenticates us; one without attributes, or the server grants only what it carries already. */
  credential: Credential
  /** How long the attributes are to last. Servers have a limit of their own. */
  lifetimeSeconds: number
  /** Hosts that alone may use the attributes; default: any. Debian's server knows no targets. */
  targets?: readonly string[] | undefined
  signal?: AbortSignal | undefined
}

export interface GrantedByServer {
  server: VomsServer
  /** As received, in DER. */
  acs: readonly Uint8Array[]
  /** The same, parsed and not verified. */
  certificates: readonly AttributeCertificate[]
  /** The server's own words, safe to show. */
  warnings: readonly string[]
}

/** All servers of a VO together get that many times what one may take. */
const PATIENCE = 4

/**
 * Asks for attributes.
 *
 * @throws VoboxError `VOMS_SERVERS_FAILED` when none answered (`data.attempts`); the refusal that
 *   tells most (`VOMS_REFUSED`, `VOMS_NO_SUCH_USER`, `VOMS_USER_SUSPENDED`,
 *   `VOMS_ATTRIBUTE_NOT_GRANTED`) with the server's words in its message and `data.serverText`;
 *   `FQAN_INVALID` for one of another VO.
 */
export async function requestAttributes(
  context: VomsContext,
  call: AttributesCall,
): Promise<GrantedByServer> {
  const { servers, credential } = call
  const [first] = servers
  if (first === undefined) throw new TypeError('nobody to ask')
  const question = makeQuestion(first.vo, call.requests, call)
  const identity = describeChain(credential.chain).identity.oneLine
  const failures: ServerFailure[] = []
  let asking = first
  const allMs = PATIENCE * (2 * context.connectMs + context.answerMs)
  return withDeadline(
    context.clock,
    allMs,
    call.signal,
    () =>
      allServersFailed(first.vo, servers, [...failures, { server: asking, error: tooLong(allMs) }]),
    async (signal) => {
      const order = shuffled(servers, context.random)
      for (const server of order) {
        asking = server
        const othersFollow = server !== order.at(-1)
        try {
          const asked = { server, question, credential, othersFollow, signal }
          return await askOne(context, asked, identity)
        } catch (error) {
          signal.throwIfAborted()
          if (!isVoboxError(error) || isOurs(error)) throw error
          failures.push({ server, error })
          context.journal.write('debug', 'voms-server-failed', error.message, {
            server: showAddress(server),
            vo: question.vo,
            code: error.code,
          })
        }
      }
      throw allServersFailed(first.vo, servers, failures)
    },
  )
}

/** What asking another server cannot mend. */
function isOurs(error: VoboxError): boolean {
  return isVoboxError(error, 'TRUST_ANCHORS_UNREADABLE', 'KEY_TOO_WEAK', 'PROXY_KEY_MISMATCH')
}

async function askOne(
  context: VomsContext,
  call: ServerCall,
  identity: string,
): Promise<GrantedByServer> {
  const { server, question } = call
  const { label, answer } = await askServer(context, call)
  const asked = { label, vo: question.vo, identity, fqans: question.fqans.map(showFqan) }
  if (answer.kind === 'refused') throw vomsRefusal(asked, answer.refusals)
  const certificates = answer.acs.map((der) => parseFrom(label, der))
  const foreign = certificates.find(({ vo }) => vo !== server.vo)
  if (foreign !== undefined) {
    throw new VoboxError(
      'PROTOCOL_VIOLATION',
      `${label} sent attributes of VO ${printable(foreign.vo, 100)} where ${server.vo} was asked`,
      { data: { peer: label, vo: server.vo } },
    )
  }
  const warnings = answer.warnings.map((text) => printable(text)).filter((text) => text !== '')
  const verdict = checkGranted(certificates, question.fqans)
  if (verdict.kind !== 'as-asked') throw notAsAsked(asked, verdict, warnings)
  return { server, acs: answer.acs, certificates, warnings }
}

function parseFrom(label: string, der: Uint8Array): AttributeCertificate {
  try {
    return parseAttributeCertificate(der)
  } catch (error) {
    if (!isVoboxError(error)) throw error
    throw new VoboxError(error.code, `${label} sent something unusable: ${error.message}`, {
      data: { ...error.data, peer: label },
      cause: error,
    })
  }
}

function shuffled<T>(items: readonly T[], random: Random): T[] {
  const result = [...items]
  for (let left = result.length; left > 1; left--) {
    const chosen = Math.floor(random.fraction() * left)
    const last = result[left - 1] as T
    result[left - 1] = result[chosen] as T
    result[chosen] = last
  }
  return result
}
