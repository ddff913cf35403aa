/** GET: a client is given a proxy of a stored credential, for its pass phrase or for a renewal. */
import { isVoboxError } from '../../errors.js'
import { answerDelegation } from '../../gsi/delegation.js'
import type { Certificate, CertificateExtension } from '../../x509/certificate.js'
import { readCertificationRequest, sendCertificateList } from '../conversation.js'
import { encodeResponse, type MyProxyRequest } from '../messages.js'
import { type Admitted, authoriseAccess, candidatesFor } from './authorise-access.js'
import {
  authoriseCertificate,
  issueCertificate,
  mayBeIssued,
} from './authority/serve-certificate.js'
import { grantLifetime } from './grant-lifetime.js'
import { storedExpired } from './refusals.js'
import { encodeOkWithTrustRoots } from './serve-trust-roots.js'
import type { Exchange, ServerContext } from './server-context.js'

/** No proxy is issued for less than this, in seconds: it would be over before it arrives. */
const LEAST_LIFETIME_SECONDS = 1

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
  await sendCertificateList(exchange.stream, certificates)
  exchange.audit.done()
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
    await authoriseCertificate(context, authority, exchange, request)
    return (asked) => issueCertificate(authority, exchange, request, asked)
  }
  const admitted = await authoriseAccess(context, exchange, request, candidates)
  const extensions = await furtherExtensions(context, exchange, request, admitted)
  return (asked) => delegate(context, request, { ...admitted, extensions }, asked)
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

/** Before the client is told yes: what goes wrong here is a plain refusal then. */
async function furtherExtensions(
  { proxyExtensions, repository }: ServerContext,
  { signal }: Exchange,
  { username }: MyProxyRequest,
  { entry }: Admitted,
): Promise<readonly CertificateExtension[]> {
  const credsPath = repository.credsPath(entry)
  return (await proxyExtensions?.extensionsFor(username, credsPath, signal)) ?? []
}

interface Delegation extends Admitted {
  extensions: readonly CertificateExtension[]
}

function delegate(
  context: ServerContext,
  request: MyProxyRequest,
  { entry, stored, signer, limited, extensions }: Delegation,
  certificationRequest: Buffer,
): Certificate[] {
  const { random } = context
  const now = context.clock.now()
  const lifetimeSeconds = grantLifetime({
    askedSeconds: request.lifetimeSeconds,
    storedSeconds: entry.data.lifetimeSeconds,
    serverSeconds: context.maxProxyLifetimeSeconds,
    chainSeconds: stored.effectiveEnd - now,
  })
  if (lifetimeSeconds < LEAST_LIFETIME_SECONDS) throw storedExpired()
  return answerDelegation({
    request: certificationRequest,
    signer,
    lifetimeSeconds,
    now,
    random,
    policy: limited ? 'limited' : undefined,
    extensions,
  })
}
