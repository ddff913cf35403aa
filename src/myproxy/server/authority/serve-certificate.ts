/** GET under a name where nothing is stored, on a server that is a certificate authority. */
import type { Certificate } from '../../../x509/certificate.js'
import type { Name } from '../../../x509/name.js'
import type { MyProxyRequest } from '../../request.js'
import { challengeForRenewal } from '../exchanges/challenge.js'
import { decideDelegation } from '../exchanges/decide-delegation.js'
import { ANONYMOUS } from '../policy/dn-pattern.js'
import { type Access, decideAccess, type MyProxyPolicy } from '../policy/policy.js'
import { limitedClient, notAuthorised } from '../refusals.js'
import type { Client, Exchange, ServerContext } from '../server-context.js'
import type { CertificateAuthority, IssueRequest } from './certificate-authority.js'

/**
 * Whether the lines of the server could admit this client to a certificate at all: to nobody else is
 * said which names the CA knows. A pass phrase opens nothing here, as in the C server without PAM.
 */
export function mayBeIssued(policy: MyProxyPolicy, { dn, forms }: Client): boolean {
  if (dn === ANONYMOUS) return false
  const allows = (way: Access) => decideAccess(policy, way, forms, {}).allowed
  return (
    (allows('trusted_retrievers') && allows('authorized_retrievers')) ||
    allows('authorized_renewers')
  )
}

/**
 * Admits a client, or throws a refusal. The subject that the name maps to is the owner of what is not
 * there yet.
 *
 * @returns that subject: asked again, a program might say another.
 */
export async function authoriseCertificate(
  context: ServerContext,
  authority: CertificateAuthority,
  exchange: Exchange,
  { username }: MyProxyRequest,
): Promise<Name> {
  const { client, signal } = exchange
  const owner = await authority.subjectOf(username, signal)
  const decision = decideDelegation(
    context.policy,
    { dn: client.forms, hasPassPhrase: false },
    { identity: owner.oneLine, isProtected: false },
  )
  if (decision.action === 'refuse') {
    throw notAuthorised(decision.because === 'policy' ? decision.reasons : [])
  }
  const isChallenged = decision.action === 'challenge'
  exchange.audit.note({ reason: isChallenged ? 'challenge' : 'certificate' })
  // The map has a text: what CAs of before made of it, in other string types, is the same person.
  const isOwner = (identity: Name) => identity.oneLine === owner.oneLine
  const authorising = isChallenged
    ? await challengeForRenewal(context, exchange, isOwner)
    : undefined
  // A certificate cannot be limited, and a limited proxy may not become more than it is.
  const limited = [client.chain, authorising].some((chain) => chain?.facts.limited === true)
  if (limited && context.policy.ignoreLimitedProxyFlag !== true) throw limitedClient()
  return owner
}

/** The new certificate, and those of the CA that go with it. */
export function issueCertificate(
  authority: CertificateAuthority,
  { client, signal }: Exchange,
  { username, lifetimeSeconds, credentialName, passPhrase }: MyProxyRequest,
  { subject, certificationRequest }: Pick<IssueRequest, 'subject' | 'certificationRequest'>,
): Promise<Certificate[]> {
  return authority.issue({
    username,
    subject,
    certificationRequest,
    lifetimeSeconds,
    credentialName,
    passPhrase,
    client: client.dn,
    signal,
  })
}
