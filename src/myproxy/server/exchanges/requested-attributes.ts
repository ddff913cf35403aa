/**
 * VOMS attributes that a client asks for with GET (`VONAME`, and `VOMSES` for servers of its own),
 * where `allow_voms_attribute_requests` lets it; else both are passed over, as the C server does.
 *
 * They are asked for with the stored credential, since they must name its owner, and go into the very
 * proxy that the client is given. A client that names servers decides whom this one talks to; so it
 * must have been admitted to the credential first, and the server must prove the DN of its line.
 */
import { isVoboxError, VoboxError } from '../../../errors.js'
import type { Dialer } from '../../../ports/dialer.js'
import { parseAttributeRequest } from '../../../voms/attribute-request.js'
import { requestExtension } from '../../../voms/request-extension.js'
import type { VomsContext, VomsesSource } from '../../../voms/voms-context.js'
import { parseVomses, serversNamed } from '../../../voms/vomses.js'
import type { CertificateExtension } from '../../../x509/certificate.js'
import type { MyProxyRequest } from '../../request.js'
import type { Admitted } from '../policy/authorise-access.js'
import { attributesNotGiven } from '../refusals.js'
import type { Exchange, ServerContext } from '../server-context.js'

/** What asking VOMS servers needs beside the context of the server. */
export interface AttributeRequests {
  dialer: Dialer
  /** Of the site: `voms_userconf`. */
  vomses: VomsesSource
  /** Deadlines of VOMS servers, in milliseconds. */
  connectMs: number
  answerMs: number
}

/** One client may name so many VOs and servers. */
const MAX_NAMES = 20

/**
 * The extension that carries the attributes; none where none were asked for, or may be.
 *
 * @param lifetimeSeconds of the proxy.
 * @throws a refusal with what the VOMS servers say; `signal.reason`.
 */
export async function requestedAttributes(
  context: ServerContext,
  { signal }: Exchange,
  { voNames = [], vomses = [] }: MyProxyRequest,
  { signer }: Admitted,
  lifetimeSeconds: number,
): Promise<CertificateExtension[]> {
  const { attributeRequests } = context
  if (attributeRequests === undefined || voNames.length === 0) return []
  try {
    const { extension, warnings } = await requestExtension(
      vomsContextOf(context, attributeRequests, vomses),
      {
        credential: signer,
        requests: atMost(voNames).map(parseAttributeRequest),
        lifetimeSeconds,
        allowCarried: true,
        signal,
      },
    )
    for (const { kind, vo, message } of warnings) {
      context.journal.write('warn', 'voms-attributes', message, { kind, vo })
    }
    return [extension]
  } catch (error) {
    signal.throwIfAborted()
    throw isVoboxError(error) ? attributesNotGiven(error) : error
  }
}

function vomsContextOf(
  context: ServerContext,
  { dialer, vomses, connectMs, answerMs }: AttributeRequests,
  lines: readonly string[],
): VomsContext {
  const { clock, random, keys, keyKind, journal, maxDelegationDepth } = context
  return {
    ...{ clock, random, keys, keyKind, journal, dialer, connectMs, answerMs, maxDelegationDepth },
    anchors: () => context.anchors(),
    tlsMaxVersion: 'TLSv1.3',
    allowLegacyProxies: false,
    vomses: lines.length === 0 ? vomses : vomsesOfRequest(atMost(lines)),
  }
}

/** Instead of those of the site, as in the C server. */
function vomsesOfRequest(lines: readonly string[]): VomsesSource {
  const where = 'the VOMSES of the request'
  return {
    paths: [where],
    async serversOf(voOrAlias) {
      const { servers, problems } = parseVomses(lines.join('\n'), where)
      const [problem] = problems
      if (problem !== undefined) throw problem
      const named = serversNamed(servers, voOrAlias)
      if (named.length > 0) return named
      throw new VoboxError('VOMS_VO_UNKNOWN', `${where} name no server of that VO`, {
        hint: 'The client names one of that VO, as in a line of a vomses file',
        data: { paths: [where] },
      })
    },
  }
}

function atMost(values: readonly string[]): readonly string[] {
  if (values.length <= MAX_NAMES) return values
  throw new VoboxError('PROTOCOL_VIOLATION', `a request that names more than ${MAX_NAMES} VOs`, {
    data: { count: values.length },
  })
}
