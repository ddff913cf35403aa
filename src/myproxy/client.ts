/**
 * The MyProxy client. Each command is one exchange, to be read from top to bottom; `reach` finds the
 * server to have it with.
 */

import type { GsiContext } from '../gsi/context.js'
import { answerDelegation, credentialFromDelegation } from '../gsi/delegation.js'
import { withFirstReachable } from '../gsi/reach.js'
import type { SecureChannel } from '../gsi/secure-channel.js'
import type { KeyGenerator, KeyKind } from '../ports/key-generator.js'
import type { Random } from '../ports/random.js'
import type { Credential } from '../proxy/credential.js'
import { createRequest } from '../x509/request.js'
import { chooseChallenge, encodeAuthorization, signChallenge } from './authorization.js'
import { encodeCertificateList } from './certificate-list.js'
import { noCredential } from './classify-refusal.js'
import {
  readCertificateList,
  readCertificationRequest,
  readOk,
  readResponse,
  sendCertificateList,
  sendRequest,
} from './conversation.js'
import type { Challenge, StoredCredential } from './messages.js'
import type { MyProxyServer } from './server-list.js'

export type { StoredCredential } from './messages.js'

export interface MyProxyContext extends GsiContext {
  keys: KeyGenerator
  /** Kind of the key of a delegated proxy. */
  keyKind: KeyKind
  /** Sign a SHA-1 challenge where a server offers no other. */
  allowSha1Challenge: boolean
  /** Expected server DN in one-line form instead of the host name check; null: none. */
  serverDn: string | null
}

/** What all requests have. */
export interface MyProxyCall {
  /** Tried strictly in this order. */
  servers: readonly MyProxyServer[]
  /** Name the credential is stored under; for renewal the identity DN in one-line form. */
  username: string
  signal?: AbortSignal
}

export interface InfoCall extends MyProxyCall {
  /** Of the owner: nobody else gets an answer. */
  credential: Credential
}

/**
 * What is stored under a name.
 *
 * @throws `MYPROXY_NO_CREDENTIAL` when nothing is, or nothing of this owner's;
 *   `ALL_SERVERS_FAILED`.
 */
export function requestInfo(
  context: MyProxyContext,
  call: InfoCall,
): Promise<{ server: MyProxyServer; credentials: readonly StoredCredential[] }> {
  return converse(context, call, call.credential, async (channel, server) => {
    await sendRequest(channel, { ...plainRequest(call), command: 'info' })
    const { credentials } = await readOk(channel)
    if (credentials.length === 0) throw noCredential(channel.label)
    return { server, credentials }
  })
}

export interface RenewalCall extends MyProxyCall {
  /** Absent: the default credential. */
  credentialName?: string
  /** Lifetime asked for; 0: as much as the server gives. */
  lifetimeSeconds: number
  /** Authenticates us: the machine proxy. */
  machine: Credential
  /** Authorises the renewal by signing the server's challenge: the user proxy as it is now. */
  current: Credential
}

/**
 * A fresh proxy of a stored credential, for a renewer.
 *
 * The credential that comes back holds a fresh key of ours and a chain that reaches an end-entity
 * certificate; whether it is trusted, and is what was promised, the caller must check.
 *
 * @throws the `MYPROXY_…` codes for a refusal, `MYPROXY_CHALLENGE_REFUSED` when the server wants
 *   something else signed than a challenge, `PROXY_KEY_MISMATCH`, `CHAIN_BROKEN`,
 *   `ALL_SERVERS_FAILED`.
 */
export function requestRenewal(
  context: MyProxyContext,
  call: RenewalCall,
): Promise<{ server: MyProxyServer; credential: Credential }> {
  return converse(context, call, call.machine, async (channel, server) => {
    await sendRequest(channel, {
      ...plainRequest(call),
      command: 'get',
      lifetimeSeconds: call.lifetimeSeconds,
    })
    const response = await readResponse(channel)
    if (response.kind === 'authorization') {
      await authorise(context, channel, response.challenges, call.current)
      await readOk(channel)
    }
    return { server, credential: await receiveDelegation(context, channel, call.signal) }
  })
}

export interface PutCall extends MyProxyCall {
  credentialName?: string
  credentialDescription?: string
  /** Signs the stored credential. */
  credential: Credential
  /** How long the stored credential lives; the signer's end may make it shorter. */
  storedSeconds: number
  /** Longest proxy that the server may delegate from it (`-t` of `myproxy-init`). */
  lifetimeSeconds: number
  /** Empty: none (`-n`), as renewal needs it. */
  passPhrase?: string
  /** DN patterns of who may renew and retrieve; absent: the server's default. */
  renewer?: string
  retriever?: string
  random: Random
}

/** Stores a credential: delegates a proxy of `credential` to the server. */
export function requestPut(
  context: MyProxyContext,
  call: PutCall,
): Promise<{ server: MyProxyServer }> {
  const { credentialDescription, renewer, retriever } = call
  return converse(context, call, call.credential, async (channel, server) => {
    await sendRequest(channel, {
      ...plainRequest(call),
      command: 'put',
      lifetimeSeconds: call.lifetimeSeconds,
      passPhrase: call.passPhrase ?? '',
      ...(credentialDescription === undefined ? {} : { credentialDescription }),
      ...(renewer === undefined ? {} : { renewer }),
      ...(retriever === undefined ? {} : { retriever }),
    })
    await readOk(channel)
    const request = await readCertificationRequest(channel)
    const delegated = answerDelegation({
      request,
      signer: call.credential,
      lifetimeSeconds: call.storedSeconds,
      now: context.clock.now(),
      random: call.random,
    })
    await sendCertificateList(channel, delegated)
    await readOk(channel)
    return { server }
  })
}

export interface DestroyCall extends MyProxyCall {
  credentialName?: string
  /** Of the owner. */
  credential: Credential
}

/** Removes a stored credential. */
export function requestDestroy(
  context: MyProxyContext,
  call: DestroyCall,
): Promise<{ server: MyProxyServer }> {
  return converse(context, call, call.credential, async (channel, server) => {
    await sendRequest(channel, { ...plainRequest(call), command: 'destroy' })
    await readOk(channel)
    return { server }
  })
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

/** The second half of GET. The key is made only now: a refused request must not cost one. */
async function receiveDelegation(
  context: MyProxyContext,
  channel: SecureChannel,
  signal: AbortSignal | undefined,
): Promise<Credential> {
  const privateKey = await context.keys.generate(context.keyKind, signal)
  await channel.write(createRequest(privateKey))
  const certificates = await readCertificateList(channel)
  await readOk(channel)
  return credentialFromDelegation(privateKey, certificates)
}

function plainRequest(call: MyProxyCall & { credentialName?: string }) {
  return {
    username: call.username,
    passPhrase: '',
    lifetimeSeconds: 0,
    ...(call.credentialName === undefined ? {} : { credentialName: call.credentialName }),
  }
}

function converse<T>(
  context: MyProxyContext,
  call: MyProxyCall,
  credential: Credential,
  exchange: (channel: SecureChannel, server: MyProxyServer) => Promise<T>,
): Promise<T> {
  const reach = {
    servers: call.servers,
    credential,
    serverDn: context.serverDn ?? undefined,
    dnSetting: 'MYPROXY_SERVER_DN (server_dn in the configuration)',
    services: ['host', 'myproxy'],
    signal: call.signal,
  }
  return withFirstReachable(context, reach, exchange)
}
