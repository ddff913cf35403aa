/** What every exchange of the server needs; made once by {@link MyProxyServer}. */
import type { ByteStream } from '../../gsi/byte-stream.js'
import type { Clock } from '../../ports/clock.js'
import type { Journal } from '../../ports/journal.js'
import type { KeyGenerator, KeyKind } from '../../ports/key-generator.js'
import type { Random } from '../../ports/random.js'
import { type ValidatedChain, validateProxyChain } from '../../proxy/validate-proxy-chain.js'
import type { Certificate } from '../../x509/certificate.js'
import type { CertificateCache } from '../../x509/certificate-cache.js'
import type { TrustAnchors } from '../../x509/trust-anchors.js'
import type { RequestAudit } from './audit.js'
import type { CertificateAuthority } from './authority/certificate-authority.js'
import type { ProxyExtensions } from './exchanges/proxy-extensions.js'
import type { AttributeRequests } from './exchanges/requested-attributes.js'
import type { TrustRootsSource } from './exchanges/trust-roots-directory.js'
import type { AcceptedNames } from './policy/accepted-names.js'
import { ANONYMOUS, type DnForms } from './policy/dn-pattern.js'
import type { GuessBrake } from './policy/guess-brake.js'
import type { PassPhrasePolicy } from './policy/pass-phrase-policy.js'
import { type MyProxyPolicy, mayStore } from './policy/policy.js'
import { notAccepted, notAuthenticated } from './refusals.js'
import type { CredentialRepository } from './store/credential-repository.js'

/**
 * What the administrator's file decides. Replaced as a whole when the file is read again; requests
 * that run keep what they began with.
 */
export interface ServerSettings {
  policy: MyProxyPolicy
  /** Longest delegated proxy, in seconds; 0: no cap. */
  maxProxyLifetimeSeconds: number
  /** Longest stored credential, in seconds; 0: no cap. */
  maxCredentialLifetimeSeconds: number
  /** Deadline of a whole request, in milliseconds. */
  requestMs: number
  /** Deepest delegation accepted. */
  maxDelegationDepth: number
  /** Offer the SHA-1 challenge too. */
  allowSha1Challenge: boolean
  /** The CA files that clients are given; undefined: none. */
  trustRoots: TrustRootsSource | undefined
  /** Under which names somebody may store; undefined: under any. */
  acceptedNames: AcceptedNames | undefined
  /** What every proxy of a stored credential is given; undefined: nothing. */
  proxyExtensions: ProxyExtensions | undefined
  /** VOMS attributes for clients that ask for them; undefined: they are given none. */
  attributeRequests: AttributeRequests | undefined
  /** Issues certificates under names where nothing is stored; undefined: there is none. */
  authority: CertificateAuthority | undefined
  /** Most that is taken from one client, in bytes. */
  requestSizeLimitBytes: number
  /** What a guess at a pass phrase costs; see `KeyGuard`. */
  passPhraseCost: number
  /** Judges new pass phrases; undefined: their length alone counts. */
  passPhrasePolicy: PassPhrasePolicy | undefined
}

/** Of an empty file; with no policy nobody may do anything. */
export const DEFAULT_SETTINGS: ServerSettings = {
  policy: {},
  maxProxyLifetimeSeconds: 0,
  maxCredentialLifetimeSeconds: 0,
  requestMs: 120_000,
  maxDelegationDepth: 10,
  allowSha1Challenge: false,
  trustRoots: undefined,
  acceptedNames: undefined,
  proxyExtensions: undefined,
  attributeRequests: undefined,
  authority: undefined,
  requestSizeLimitBytes: 1_048_576,
  passPhraseCost: 5,
  passPhrasePolicy: undefined,
}

export interface ServerContext extends ServerSettings {
  clock: Clock
  random: Random
  keys: KeyGenerator
  /** Kind of the key of a stored credential. */
  keyKind: KeyKind
  journal: Journal
  anchors(): Promise<TrustAnchors>
  repository: CredentialRepository
  guesses: GuessBrake
  certificates: CertificateCache
}

/** Who is connected. */
export interface Client {
  /** Identity DN in one-line form, or {@link ANONYMOUS}. */
  dn: string
  /** The same as patterns meet it. */
  forms: DnForms
  /** Numeric address. */
  address: string
  /** Absent for a client without a certificate. */
  chain?: ValidatedChain
}

/** One conversation: the stream to the client, who it is, and the end of all waiting. */
export interface Exchange {
  stream: ByteStream
  client: Client
  signal: AbortSignal
  audit: RequestAudit
}

/**
 * Validates a chain as it must be for anything that this server does with it.
 *
 * @param purpose `client` for the one that a connection was made with.
 */
export async function validateChain(
  context: ServerContext,
  chain: readonly Certificate[],
  purpose?: 'client',
): Promise<ValidatedChain> {
  return validateProxyChain(chain, await context.anchors(), {
    now: context.clock.now(),
    allowLegacyProxies: false,
    maxDelegationDepth: context.maxDelegationDepth,
    ...(purpose && { purpose }),
  })
}

/**
 * Whether a chain speaks for its end-entity: an independent or restricted proxy has rights of its
 * own, or other ones, and not its owner's (RFC 3820 §3.8.2).
 */
export function speaksForOwner({ facts }: ValidatedChain): boolean {
  return facts.policy !== 'independent' && facts.policy !== 'restricted'
}

/**
 * Whoever stores or removes must be among the `accepted_credentials`, have a certificate, and may do so
 * under the names that its DN is mapped to, where the administrator has such a map. The C server takes
 * who has none for an owner like any other, and asks the map's program about `<anonymous>`.
 */
export async function requireMayStore(
  { policy, acceptedNames }: ServerContext,
  { client, signal }: Exchange,
  username: string,
): Promise<void> {
  if (!mayStore(policy, client.forms)) throw notAccepted(client.dn)
  requireChain(client)
  await acceptedNames?.require(client.forms, username, signal)
}

/** The validated chain of a client that must have one. */
export function requireChain({ dn, chain }: Client): ValidatedChain {
  if (chain === undefined || dn === ANONYMOUS) throw notAuthenticated()
  return chain
}
