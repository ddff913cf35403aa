/** GET: a client is given a proxy of a stored credential, for its pass phrase or for a renewal. */
import { isVoboxError } from '../../../errors.js'
import { answerDelegation } from '../../../gsi/delegation.js'
import type { Certificate, CertificateExtension } from '../../../x509/certificate.js'
import { readCertificationRequest, sendCertificateList } from '../../conversation.js'
import type { MyProxyRequest } from '../../request.js'
import { encodeResponse } from '../../response.js'
import {
  authoriseCertificate,
  issueCertificate,
  mayBeIssued,
} from '../authority/serve-certificate.js'
import { type Admitted, authoriseAccess, candidatesFor } from '../policy/authorise-access.js'
import { storedExpired } from '../refusals.js'
import type { Exchange, ServerContext } from '../server-context.js'
import { grantLifetime } from './grant-lifetime.js'
import { requestedAttributes } from './requested-attributes.js'
import { encodeOkWithTrustRoots } from './serve-trust-roots.js'

/** No proxy is issued for less than this, in seconds: it would be over before it arrives. */
const LEAST_LIFETIME_SECONDS = 1

/**
 * Shortest RSA key of a client that is signed for, in bits. Debian's `arcproxy` makes keys of 1024 and
 * nothing else here; they are worth little, and are its user's, who gets them from the C server too.
 */
const LEAST_RSA_BITS = 1024

export async function serveGet(
  context: ServerContext,
  exchange: Exchange,
  request: MyProxyRequest,
): Promise<void> {
  const answer = await authorise(context, exchange, request)
  await exchange.stream.write(await encodeOkWithTrustRoots(context, request, exchange.signal))
  const certificationRequest = await readRequestIfAny(exchange)
  if (certificationRequest === undefined) return exchange.audit.note({ fetchedNothing: true })
  const certificates = await answer(certificationRequest)
  noteIssued(context, exchange, certificates)
  // From here on it may be in the client's hands, even if that hangs up in the middle.
  exchange.audit.done()
  await sendCertificateList(exchange.stream, certificates)
  await exchange.stream.write(encodeResponse({ kind: 'ok', credentials: [] }))
}

function noteIssued(
  { clock }: ServerContext,
  { audit }: Exchange,
  [issued]: readonly Certificate[],
): void {
  if (issued === undefined) return
  audit.note({ serial: issued.serialHex, lifetimeSeconds: issued.notAfter - clock.now() })
}

/** What an admitted client's request is answered with. */
type Answer = (certificationRequest: Buffer) => Promise<Certificate[]> | Certificate[]

async function authorise(
  context: ServerContext,
  exchange: Exchange,
  request: MyProxyRequest,
): Promise<Answer> {
  const candidates = await candidatesFor(context, request)
  const { authority } = context
  if (candidates.length === 0 && authority && mayBeIssued(context.policy, exchange.client)) {
    const subject = await authoriseCertificate(context, authority, exchange, request)
    return (certificationRequest) =>
      issueCertificate(authority, exchange, request, { subject, certificationRequest })
  }
  const admitted = await authoriseAccess(context, exchange, request, candidates)
  const extensions = await furtherExtensions(context, exchange, request, admitted)
  return (asked) => delegate(context, request, admitted, extensions, asked)
}

/**
 * Undefined for a client that hangs up instead: `myproxy-logon -N` authenticates and fetches
 * nothing.
 */
async function readRequestIfAny({ stream }: Exchange): Promise<Buffer | undefined> {
  try {
    return await readCertificationRequest(stream)
  } catch (error) {
    if (isVoboxError(error, 'CONNECTION_CLOSED') && error.data.received === 0) return undefined
    throw error
  }
}

/** How long the proxy may live, in seconds. */
function grantedSeconds(
  context: ServerContext,
  { lifetimeSeconds: askedSeconds }: MyProxyRequest,
  { entry, stored }: Admitted,
): number {
  const granted = grantLifetime({
    askedSeconds,
    storedSeconds: entry.data.lifetimeSeconds,
    serverSeconds: context.maxProxyLifetimeSeconds,
    chainSeconds: stored.effectiveEnd - context.clock.now(),
  })
  if (granted < LEAST_LIFETIME_SECONDS) throw storedExpired()
  return granted
}

/** Asked for before the client is told yes: what goes wrong here is a plain refusal then. */
async function furtherExtensions(
  context: ServerContext,
  exchange: Exchange,
  request: MyProxyRequest,
  admitted: Admitted,
): Promise<readonly CertificateExtension[]> {
  const { proxyExtensions, repository } = context
  const lifetimeSeconds = grantedSeconds(context, request, admitted)
  const attributes = requestedAttributes(context, exchange, request, admitted, lifetimeSeconds)
  const credsPath = repository.credsPath(admitted.entry)
  const ofSite = proxyExtensions?.extensionsFor(request.username, credsPath, exchange.signal)
  const [asked, given = []] = await Promise.all([attributes, ofSite])
  return [...asked, ...given]
}

function delegate(
  context: ServerContext,
  request: MyProxyRequest,
  admitted: Admitted,
  extensions: readonly CertificateExtension[],
  certificationRequest: Buffer,
): Certificate[] {
  const { clock, random } = context
  return answerDelegation({
    request: certificationRequest,
    signer: admitted.signer,
    lifetimeSeconds: grantedSeconds(context, request, admitted),
    now: clock.now(),
    random,
    minRsaBits: LEAST_RSA_BITS,
    policy: admitted.limited ? 'limited' : undefined,
    extensions,
  })
}
