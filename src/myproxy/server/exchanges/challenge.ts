/**
 * The second half of authorising a renewal: the client shows that it holds a living proxy of the owner
 * of the stored credential, by signing a challenge with the key of that proxy.
 */
import { isVoboxError } from '../../../errors.js'
import type { ValidatedChain } from '../../../proxy/validate-proxy-chain.js'
import type { Name } from '../../../x509/name.js'
import {
  type AuthorizationMethod,
  parseAuthorizationHead,
  SHA1_METHOD,
  SHA256_METHOD,
  verifyChallenge,
} from '../../authorization.js'
import { readCertificateList } from '../../conversation.js'
import { encodeResponse } from '../../response.js'
import { authenticationFailed, isAboutTheClient } from '../refusals.js'
import {
  type Exchange,
  type ServerContext,
  speaksForOwner,
  validateChain,
} from '../server-context.js'

/** Random ones; a challenge is their hexadecimal form, twice as many characters. */
const CHALLENGE_BYTES = 16

/**
 * Sends a challenge and judges the answer. A limited proxy authorises too; the caller then gives a
 * limited one for it.
 *
 * Each method has a challenge of its own, so that a signature over the weaker hash is worth nothing
 * for the stronger one.
 *
 * @param isOwner whether the stored credential is of this identity.
 * @returns the chain of the proxy that signed.
 * @throws a refusal that says what was wrong.
 */
export async function challengeForRenewal(
  context: ServerContext,
  { stream }: Exchange,
  isOwner: (identity: Name) => boolean,
): Promise<ValidatedChain> {
  const methods = context.allowSha1Challenge ? [SHA1_METHOD, SHA256_METHOD] : [SHA256_METHOD]
  const challenges = methods.map((method) => ({
    method,
    text: Buffer.from(context.random.bytes(CHALLENGE_BYTES)).toString('hex'),
  }))
  await stream.write(
    encodeResponse({
      kind: 'authorization',
      challenges: challenges.map(({ method, text }) => ({ method: method.name, text })),
    }),
  )
  const { method, signature, certificates } = await readAnswer(stream)
  const challenge = challenges.find(({ method: offered }) => offered === method)
  if (challenge === undefined) throw authenticationFailed('Unsupported authorization method')
  const chain = certificates.map(context.certificates.parse)
  const [leaf] = chain
  if (leaf === undefined || !verifyChallenge(challenge, leaf.publicKey, signature)) {
    throw authenticationFailed(
      'certificate verification failed: its key did not sign the challenge',
    )
  }
  const authorising = await validateAuthorising(context, chain)
  checkRenewed(authorising, isOwner)
  return authorising
}

async function readAnswer(stream: Exchange['stream']): Promise<{
  method: AuthorizationMethod
  signature: Buffer
  certificates: Buffer[]
}> {
  const { method, signatureLength } = parseAuthorizationHead(await stream.readExactly(8))
  const signature = await stream.readExactly(signatureLength)
  return { method, signature, certificates: await readCertificateList(stream) }
}

async function validateAuthorising(
  context: ServerContext,
  chain: Parameters<typeof validateChain>[1],
): Promise<ValidatedChain> {
  try {
    return await validateChain(context, chain)
  } catch (error) {
    if (!isVoboxError(error) || !isAboutTheClient(error)) throw error
    // OpenSSL's words, by which clients tell this case from the others.
    const reason = error.code === 'CHAIN_EXPIRED' ? 'certificate has expired' : error.message
    throw authenticationFailed(`certificate chain verification failed: ${reason}`)
  }
}

/** The proxy to be renewed must be the owner's. */
function checkRenewed(authorising: ValidatedChain, isOwner: (identity: Name) => boolean): void {
  if (!isOwner(authorising.facts.identity)) {
    throw authenticationFailed('certificate subject does not match credential to be renewed')
  }
  if (!speaksForOwner(authorising)) {
    throw authenticationFailed('an independent or restricted proxy does not speak for its owner')
  }
}
