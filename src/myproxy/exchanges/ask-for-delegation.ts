/**
 * The first half of GET: asking, and proving that we may.
 *
 * Authorised by a pass phrase, by the TLS credential alone (a trusted retriever), or by the signature
 * of whoever holds the proxy that is to be renewed.
 */
import type { SecureChannel } from '../../gsi/secure-channel.js'
import type { Credential } from '../../proxy/credential.js'
import { chooseChallenge, encodeAuthorization, signChallenge } from '../authorization.js'
import { encodeCertificateList } from '../certificate-list.js'
import { challengeUnanswered } from '../classify-refusal.js'
import type { MyProxyContext } from '../context.js'
import { type OkResponse, readOk, readResponse, sendRequest } from '../conversation.js'
import type { Challenge } from '../response.js'
import type { AnonymousCall, TrustRootsWish } from './call.js'
import { askerOf, askForTrustRoots, plainRequest } from './converse.js'

/** Which proxy is asked for, and what proves that the caller may have it. */
export interface DelegationCall extends AnonymousCall, TrustRootsWish {
  /** Lifetime asked for, in seconds; 0: as much as the server gives. */
  lifetimeSeconds: number
  /** Authorises a renewal by signing the server's challenge: the proxy as it is now. */
  authorization?: Credential | undefined
  /** VOMS attributes that a server shall ask for that does so: `VO`, or `VO:FQAN`. */
  voNames?: readonly string[] | undefined
  /** `vomses` lines of servers to ask, instead of those that the MyProxy server knows. */
  vomses?: readonly string[] | undefined
}

/**
 * The server's yes, which carries its CA files where they were asked for.
 *
 * @throws the `MYPROXY_…` codes for a refusal; `MYPROXY_CHALLENGE_REFUSED` when the server wants
 *   something else signed than a challenge; `MYPROXY_PASS_PHRASE_REQUIRED` or
 *   `CREDENTIAL_HAS_NO_PASS_PHRASE` when it sends a challenge and there is nothing to answer it with.
 */
export async function askForDelegation(
  context: MyProxyContext,
  channel: SecureChannel,
  call: DelegationCall,
): Promise<OkResponse> {
  await sendRequest(channel, {
    ...plainRequest(call),
    ...askForTrustRoots(call.trustRoots),
    command: 'get',
    passPhrase: call.passPhrase ?? '',
    lifetimeSeconds: call.lifetimeSeconds,
    ...(call.voNames && { voNames: call.voNames }),
    ...(call.vomses && { vomses: call.vomses }),
  })
  const asker = askerOf(call)
  const expected = { trustRoots: call.trustRoots, asker }
  const response = await readResponse(channel, expected)
  if (response.kind === 'ok') return response
  if (call.authorization === undefined) throw challengeUnanswered(channel.label, asker)
  await authorise(context, channel, response.challenges, call.authorization)
  return readOk(channel, expected)
}

/** Answers the challenge: method, signature and chain go out as one message. */
async function authorise(
  context: MyProxyContext,
  channel: SecureChannel,
  challenges: readonly Challenge[],
  current: Credential,
): Promise<void> {
  const challenge = chooseChallenge(challenges, context.allowSha1Challenge)
  const signature = signChallenge(challenge, current.privateKey)
  await channel.write(
    Buffer.concat([
      encodeAuthorization(challenge.method, signature),
      encodeCertificateList(current.chain.map(({ der }) => der)),
    ]),
  )
}
