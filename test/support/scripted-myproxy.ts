/** MyProxy servers for tests that follow a script, whole or with exactly one thing broken. */
import type { KeyObject } from 'node:crypto'
import { expect, onTestFinished } from 'vitest'
import type { FailedAttempt } from '../../src/gsi/reach.js'
import { encodeCertificateList } from '../../src/myproxy/certificate-list.js'
import { type MyProxyContext, requestRenewal } from '../../src/myproxy/client.js'
import { parseRequest } from '../../src/myproxy/request.js'
import { encodeResponse } from '../../src/myproxy/response.js'
import { systemRandom } from '../../src/node/ports/random.js'
import { asUnixSeconds } from '../../src/ports/clock.js'
import type { Credential } from '../../src/proxy/credential.js'
import { issueProxy } from '../../src/proxy/issue-proxy.js'
import { parseRequest as parseCertificationRequest } from '../../src/x509/request.js'
import { rejectionOf } from './failure.js'
import { myproxyContext } from './myproxy-context.js'
import { addProxy, realNow, TestAuthority } from './pki.js'
import { type Conversation, type ScriptedPeer, startScriptedPeer } from './scripted-peer.js'

export const ca = new TestAuthority()
export const host = 'px.example.org'
export const hostCredential = ca.issueHost(host)
export const alice = ca.issueUser('alice')
export const eve = ca.issueUser('eve')
export const machine = addProxy(ca.issueHost('vobox.example.org'))
export const current = addProxy(alice)
/** A challenge as it should be. */
export const hex = '715012fb65aeed0ef4d912ab814ad3e5'

/** Stops a peer when the running test is over. */
export function stopAfterTest(peer: ScriptedPeer): void {
  onTestFinished(() => peer.stop())
}

/** A TLS server that follows a script, by default with the right certificate. */
export async function peerThat(
  script: (conversation: Conversation) => Promise<unknown>,
  credential: Credential = hostCredential,
): Promise<ScriptedPeer> {
  const peer = await startScriptedPeer({ script, credential })
  stopAfterTest(peer)
  return peer
}

export const renewFrom = (
  ports: readonly number[],
  context: MyProxyContext = myproxyContext(ca),
  signal?: AbortSignal,
) =>
  requestRenewal(context, {
    servers: ports.map((port) => ({ host, port })),
    username: '/DC=org/DC=example/OU=Users/CN=alice',
    lifetimeSeconds: 3600,
    machine,
    current,
    ...(signal && { signal }),
  })

/** The one failed attempt of a walk over one server. */
export async function onlyAttempt(failing: Promise<unknown>): Promise<FailedAttempt> {
  const failure = await rejectionOf(failing)
  expect(failure.code).toBe('ALL_SERVERS_FAILED')
  const attempts = failure.data.attempts as FailedAttempt[]
  expect(attempts).toHaveLength(1)
  const [attempt] = attempts
  if (attempt === undefined) throw new Error('no attempt')
  expect(failure.message).toContain(attempt.message)
  return attempt
}

export const ok = encodeResponse({ kind: 'ok', credentials: [] })
export const challenge = encodeResponse({
  kind: 'authorization',
  challenges: [{ method: 'X509_certificate_SHA256', text: hex }],
})

/** Reads up to the request of a GET. */
export async function readRequest({ stream }: Conversation) {
  expect(await stream.readExactly(1)).toEqual(Buffer.from('0'))
  return parseRequest(await stream.readUntilNul(10_000))
}

/** Reads the answer to a challenge, whose signature is another test's matter. */
export async function readAuthorization({ stream }: Conversation): Promise<void> {
  const head = await stream.readExactly(8)
  await stream.readExactly(head.readUInt32BE(4))
  const [count = 0] = await stream.readExactly(1)
  for (let left = count; left > 0; left--) await stream.readDer(10_000)
}

/** Lengths of the TLS records with application data (RFC 8446 §5.1). */
export function applicationRecords(bytes: Buffer): number[] {
  const lengths: number[] = []
  for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) {
    if (bytes[at] === 0x17) lengths.push(bytes.readUInt16BE(at + 3))
  }
  return lengths
}

export interface Delivery {
  /** Made of the key in the client's request. */
  chain?: (publicKey: KeyObject) => Uint8Array[]
  /** Last word; default OK. */
  final?: Buffer
  /** Bytes the server sends in all before it cuts the connection; default: all. */
  cutAfter?: number
  /** The same, counted from the end: signatures differ in length by a byte or two. */
  cutBeforeEnd?: number
  /** Sent instead of the list of certificates. */
  insteadOfList?: Buffer
}

/** A proxy of `signer` for somebody else's key, with its chain, in DER. */
export function chainFor(publicKey: KeyObject, signer: Credential): Uint8Array[] {
  const now = realNow()
  const notAfter = asUnixSeconds(now + 3600)
  const proxy = issueProxy({ signer, publicKey, now, notAfter, random: systemRandom })
  return [proxy, ...signer.chain].map(({ der }) => der)
}

export const rightChain = (publicKey: KeyObject) => chainFor(publicKey, alice)

/** A whole renewal, as far as it is told to be right. Counts what it has sent. */
export async function deliver(
  conversation: Conversation,
  delivery: Delivery = {},
): Promise<number> {
  await readRequest(conversation)
  return deliverAsked(conversation, delivery)
}

/** The same once the request has been read. */
export async function deliverAsked(
  conversation: Conversation,
  delivery: Delivery = {},
): Promise<number> {
  let sent = 0
  let cutAt = delivery.cutAfter ?? Number.POSITIVE_INFINITY
  const { stream, socket } = conversation
  const send = async (bytes: Buffer) => {
    const left = cutAt - sent
    sent += Math.min(left, bytes.length)
    if (left >= bytes.length) return stream.write(bytes)
    if (left > 0) await stream.write(bytes.subarray(0, left))
    await new Promise<void>((resolve) => socket.end(resolve))
    throw new Error('cut')
  }
  await send(challenge)
  await readAuthorization(conversation)
  await send(ok)
  const { publicKey } = parseCertificationRequest(await stream.readDer(10_000))
  const chain = (delivery.chain ?? rightChain)(publicKey)
  const list = delivery.insteadOfList ?? encodeCertificateList(chain)
  const final = delivery.final ?? ok
  if (delivery.cutBeforeEnd !== undefined) {
    cutAt = sent + list.length + final.length - delivery.cutBeforeEnd
  }
  await send(list)
  await send(final)
  return sent
}
