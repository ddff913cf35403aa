/** What our client makes of MyProxy servers that are broken, hostile or not what they say. */
import type { KeyObject } from 'node:crypto'
import { afterEach, describe, expect, it } from 'vitest'
import { isVoboxError, VoboxError } from '../../src/errors.js'
import type { FailedAttempt } from '../../src/gsi/reach.js'
import { encodeCertificateList } from '../../src/myproxy/certificate-list.js'
import { type MyProxyContext, requestInfo, requestRenewal } from '../../src/myproxy/client.js'
import { encodeResponse, parseRequest } from '../../src/myproxy/messages.js'
import { systemRandom } from '../../src/node/random.js'
import { asUnixSeconds } from '../../src/ports/clock.js'
import type { Credential } from '../../src/proxy/credential.js'
import { issueProxy } from '../../src/proxy/issue-proxy.js'
import { parseCrl } from '../../src/x509/crl.js'
import { parseRequest as parseCertificationRequest } from '../../src/x509/request.js'
import { makeTrustAnchors } from '../../src/x509/trust-anchors.js'
import { rejectionOf } from '../support/failure.js'
import { CountingKeys, dialerWithNames, myproxyContext } from '../support/myproxy-context.js'
import {
  addProxy,
  type CertificateOptions,
  hostName,
  realNow,
  TestAuthority,
} from '../support/pki.js'
import { makeCrl } from '../support/pki-files.js'
import {
  type Conversation,
  type ScriptedPeer,
  startRelay,
  startScriptedPeer,
  startTcpPeer,
} from '../support/scripted-peer.js'

const ca = new TestAuthority()
const host = 'px.example.org'
const hostCredential = ca.issueHost(host)
const alice = ca.issueUser('alice')
const eve = ca.issueUser('eve')
const machine = addProxy(ca.issueHost('vobox.example.org'))
const current = addProxy(alice)
const hex = '715012fb65aeed0ef4d912ab814ad3e5'

const peers: ScriptedPeer[] = []
afterEach(async () => {
  await Promise.all(peers.splice(0).map((peer) => peer.stop()))
})

async function peerThat(
  script: (conversation: Conversation) => Promise<void>,
  credential: Credential = hostCredential,
): Promise<ScriptedPeer> {
  const peer = await startScriptedPeer({ script, credential })
  peers.push(peer)
  return peer
}

const renewFrom = (
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
async function onlyAttempt(failing: Promise<unknown>): Promise<FailedAttempt> {
  const failure = await rejectionOf(failing)
  expect(failure.code).toBe('ALL_SERVERS_FAILED')
  const attempts = failure.data.attempts as FailedAttempt[]
  expect(attempts).toHaveLength(1)
  const [attempt] = attempts
  if (attempt === undefined) throw new Error('no attempt')
  expect(failure.message).toContain(attempt.message)
  return attempt
}

const ok = encodeResponse({ kind: 'ok', credentials: [] })
const challenge = encodeResponse({
  kind: 'authorization',
  challenges: [{ method: 'X509_certificate_SHA256', text: hex }],
})

/** Reads up to the request of a GET. */
async function readRequest({ stream }: Conversation) {
  expect(await stream.readExactly(1)).toEqual(Buffer.from('0'))
  return parseRequest(await stream.readUntilNul(10_000))
}

/** Reads the answer to a challenge, whose signature is another test's matter. */
async function readAuthorization({ stream }: Conversation): Promise<void> {
  const head = await stream.readExactly(8)
  await stream.readExactly(head.readUInt32BE(4))
  const [count = 0] = await stream.readExactly(1)
  for (let left = count; left > 0; left--) await stream.readDer(10_000)
}

/** Lengths of the TLS records with application data (RFC 8446 §5.1). */
function applicationRecords(bytes: Buffer): number[] {
  const lengths: number[] = []
  for (let at = 0; at + 5 <= bytes.length; at += 5 + bytes.readUInt16BE(at + 3)) {
    if (bytes[at] === 0x17) lengths.push(bytes.readUInt16BE(at + 3))
  }
  return lengths
}

interface Delivery {
  /** Made of the key in the client's request. */
  chain?: (publicKey: KeyObject) => Uint8Array[]
  /** Last word; default OK. */
  final?: Buffer
  /** Bytes the server sends in all before it cuts the connection; default: all. */
  cutAfter?: number
  /** Sent instead of the list of certificates. */
  insteadOfList?: Buffer
}

/** A proxy of `signer` for somebody else's key, with its chain, in DER. */
function chainFor(publicKey: KeyObject, signer: Credential): Uint8Array[] {
  const now = realNow()
  const notAfter = asUnixSeconds(now + 3600)
  const proxy = issueProxy({ signer, publicKey, now, notAfter, random: systemRandom })
  return [proxy, ...signer.chain].map(({ der }) => der)
}

const rightChain = (publicKey: KeyObject) => chainFor(publicKey, alice)

/** A whole renewal, as far as it is told to be right. Counts what it has sent. */
async function deliver(conversation: Conversation, delivery: Delivery = {}): Promise<number> {
  let sent = 0
  const { stream, socket } = conversation
  const send = async (bytes: Buffer) => {
    const left = (delivery.cutAfter ?? Number.POSITIVE_INFINITY) - sent
    sent += Math.min(left, bytes.length)
    if (left >= bytes.length) return stream.write(bytes)
    if (left > 0) await stream.write(bytes.subarray(0, left))
    await new Promise<void>((resolve) => socket.end(resolve))
    throw new Error('cut')
  }
  await readRequest(conversation)
  await send(challenge)
  await readAuthorization(conversation)
  await send(ok)
  const { publicKey } = parseCertificationRequest(await stream.readDer(10_000))
  const chain = (delivery.chain ?? rightChain)(publicKey)
  await send(delivery.insteadOfList ?? encodeCertificateList(chain))
  await send(delivery.final ?? ok)
  return sent
}

describe('a server that behaves', () => {
  it('gets a proxy out of the client: the scripts below break exactly one thing each', async () => {
    let sent = 0
    const peer = await peerThat(async (conversation) => {
      sent = await deliver(conversation)
    })
    const { credential } = await renewFrom([peer.port])
    expect(credential.chain).toHaveLength(2)
    expect(credential.chain[1]?.der).toEqual(alice.chain[0]?.der)
    await expect.poll(() => sent).toBeGreaterThan(700)
    expect(peer.failures).toEqual([])
  })

  it('may send a NUL of its own before its first message', async () => {
    const peer = await peerThat(async (conversation) => {
      await conversation.stream.write(Buffer.of(0))
      await deliver(conversation)
    })
    expect((await renewFrom([peer.port])).credential.chain).toHaveLength(2)
  })

  it('sees the first byte in a TLS record of its own', async () => {
    const peer = await peerThat((conversation) => deliver(conversation).then(() => undefined))
    const relay = await startRelay(peer.port)
    peers.push(relay)
    await renewFrom([relay.port])
    const [first = 0, second = 0] = applicationRecords(Buffer.concat(relay.sent))
    // TLS 1.2 with AES-GCM or ChaCha20 adds 16 to 24 bytes to a record.
    expect(first).toBeLessThanOrEqual(1 + 24)
    expect(second).toBeGreaterThan(100)
  })

  it('may leave the challenge out, as for a trusted retriever', async () => {
    const peer = await peerThat(async (conversation) => {
      await readRequest(conversation)
      await conversation.stream.write(ok)
      const request = await conversation.stream.readDer(10_000)
      const chain = rightChain(parseCertificationRequest(request).publicKey)
      await conversation.stream.write(Buffer.concat([encodeCertificateList(chain), ok]))
    })
    expect((await renewFrom([peer.port])).credential.chain).toHaveLength(2)
  })

  it('may send its root along, which is dropped', async () => {
    const peer = await peerThat(async (conversation) => {
      const chain = (key: KeyObject) => [...rightChain(key), ca.certificate.der]
      await deliver(conversation, { chain })
    })
    expect((await renewFrom([peer.port])).credential.chain).toHaveLength(2)
  })
})

describe('a server that is silent', () => {
  it.each([
    ['after TCP', 'DEADLINE_EXCEEDED', /said nothing: no TLS within 0.5 s/],
    ['after TLS', 'DEADLINE_EXCEEDED', /did not answer within 0.5 s/],
  ])('%s is left after half a second', async (when, code, message) => {
    const peer =
      when === 'after TCP'
        ? await startTcpPeer(() => undefined)
        : await peerThat(() => new Promise((resolve) => setTimeout(resolve, 3000)))
    peers.push(peer)
    const begin = performance.now()
    const attempt = await onlyAttempt(renewFrom([peer.port]))
    expect(attempt.code).toBe(code)
    expect(attempt.message).toMatch(message)
    expect(attempt.persistence).toBe('transient')
    expect(performance.now() - begin).toBeLessThan(1500)
  })

  it('or drips a byte every 100 ms, is left after half a second all the same', async () => {
    const peer = await peerThat(async (conversation) => {
      await readRequest(conversation)
      for (const byte of challenge) {
        await conversation.stream.write(Buffer.of(byte))
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    })
    const begin = performance.now()
    expect((await onlyAttempt(renewFrom([peer.port]))).code).toBe('DEADLINE_EXCEEDED')
    expect(performance.now() - begin).toBeLessThan(1500)
  })

  it('is left at once when the caller cancels', async () => {
    const peer = await peerThat(() => new Promise((resolve) => setTimeout(resolve, 3000)))
    const controller = new AbortController()
    const reason = new VoboxError('CANCELLED', 'stopped')
    setTimeout(() => controller.abort(reason), 100)
    await expect(
      renewFrom([peer.port, peer.port], myproxyContext(ca), controller.signal),
    ).rejects.toBe(reason)
    expect(peer.connections()).toBe(1)
  })
})

describe('a server that talks nonsense', () => {
  it.each([
    ['an HTTP page', 'HTTP/1.0 400 Bad Request\r\n\r\n'],
    ['an SSH banner', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['zeros', '\0'.repeat(100)],
  ])('instead of TLS (%s) is said to speak no TLS', async (_what, banner) => {
    const peer = await startTcpPeer((socket) => socket.end(banner))
    peers.push(peer)
    const attempt = await onlyAttempt(renewFrom([peer.port]))
    expect(['TLS_FAILED', 'CONNECTION_CLOSED']).toContain(attempt.code)
    expect(attempt.message).toContain(`${host}:${peer.port} (127.0.0.1)`)
  })

  it.each([
    ['garbage with a NUL', Buffer.from('\x80\xff\x13garbage\0', 'latin1'), 'PROTOCOL_VIOLATION'],
    ['another version', Buffer.from('VERSION=MYPROXYv9\nRESPONSE=0\n\0'), 'PROTOCOL_VIOLATION'],
    ['response 7', Buffer.from('VERSION=MYPROXYv2\nRESPONSE=7\n\0'), 'PROTOCOL_VIOLATION'],
    ['no response code', Buffer.from('VERSION=MYPROXYv2\n\0'), 'PROTOCOL_VIOLATION'],
    ['2 MB without a NUL', Buffer.alloc(2 * 1024 * 1024, 0x41), 'MESSAGE_TOO_LARGE'],
  ])('as its first answer (%s)', async (_what, answer, code) => {
    const peer = await peerThat(async (conversation) => {
      await readRequest(conversation)
      await conversation.stream.write(answer)
    })
    const context = myproxyContext(ca, { answerMs: 5000 })
    const attempt = await onlyAttempt(renewFrom([peer.port], context))
    expect(attempt.code).toBe(code)
  })

  it.each([
    ['a list of 0 certificates', Buffer.of(0), 'PROTOCOL_VIOLATION'],
    ['a list of 200 certificates', Buffer.of(200), 'PROTOCOL_VIOLATION'],
    ['text for a certificate', Buffer.from('\x01hello'), 'PROTOCOL_VIOLATION'],
    ['a certificate of 4 GB', Buffer.from('013084ffffffff', 'hex'), 'MESSAGE_TOO_LARGE'],
    ['an OK where certificates are due', ok, 'PROTOCOL_VIOLATION'],
  ])('instead of certificates (%s)', async (_what, insteadOfList, code) => {
    const peer = await peerThat(async (conversation) => {
      await deliver(conversation, { insteadOfList })
    })
    expect((await onlyAttempt(renewFrom([peer.port]))).code).toBe(code)
  })

  it('for a certificate is refused as malformed, and no other server is asked', async () => {
    const insteadOfList = Buffer.from('0130030201ff', 'hex')
    const script = async (conversation: Conversation) => {
      await deliver(conversation, { insteadOfList })
    }
    const [first, second] = [await peerThat(script), await peerThat(script)]
    const failure = await rejectionOf(renewFrom([first.port, second.port]))
    expect(failure.code).toBe('CERTIFICATE_MALFORMED')
    expect(second.connections()).toBe(0)
  })

  it('asks for authorisation a second time', async () => {
    const peer = await peerThat(async (conversation) => {
      await readRequest(conversation)
      await conversation.stream.write(challenge)
      await readAuthorization(conversation)
      await conversation.stream.write(challenge)
    })
    expect((await onlyAttempt(renewFrom([peer.port]))).code).toBe('PROTOCOL_VIOLATION')
  })
})

describe('a server that cuts the connection', () => {
  it('after any number of its bytes gets the same code, and costs no second server', async () => {
    let whole = 0
    const good = await peerThat(async (conversation) => {
      whole = await deliver(conversation)
    })
    await renewFrom([good.port])
    await expect.poll(() => whole).toBeGreaterThan(700)
    const early = challenge.length + ok.length
    const positions = [
      ...[0, 1, 5, challenge.length - 1, challenge.length, challenge.length + 1],
      ...[early - 1, early, early + 1, early + 2, early + 5, early + 100],
      ...Array.from({ length: 10 }, (_, step) => Math.floor((whole * (step + 1)) / 11)),
      ...[whole - ok.length - 1, whole - ok.length, whole - 2, whole - 1],
    ]
    for (const cutAfter of new Set(positions)) {
      const peer = await peerThat(async (conversation) => {
        await deliver(conversation, { cutAfter })
      })
      const attempt = await onlyAttempt(renewFrom([peer.port]))
      expect([cutAfter, attempt.code]).toEqual([cutAfter, 'CONNECTION_CLOSED'])
    }
  })

  it('during TLS', async () => {
    const peer = await startTcpPeer((socket) => socket.destroy())
    peers.push(peer)
    expect((await onlyAttempt(renewFrom([peer.port]))).code).toBe('CONNECTION_CLOSED')
  })

  it('makes the client go on to the next one, with a fresh key', async () => {
    const bad = await peerThat((conversation) =>
      deliver(conversation, { cutAfter: challenge.length + ok.length + 300 }).then(() => undefined),
    )
    const good = await peerThat((conversation) => deliver(conversation).then(() => undefined))
    const keys = new CountingKeys()
    const { server } = await renewFrom([bad.port, good.port], myproxyContext(ca, { keys }))
    expect(server).toEqual({ host, port: good.port })
    expect(keys.made).toBe(2)
  })
})

describe('a server that delivers the wrong thing', () => {
  const expectFailure = async (delivery: Delivery, code: string) => {
    const script = (conversation: Conversation) =>
      deliver(conversation, delivery).then(() => undefined)
    const peer = await peerThat(script)
    const failure = await rejectionOf(renewFrom([peer.port]))
    expect(failure.code).toBe(code)
    return failure
  }

  it('a proxy for another key', () =>
    expectFailure(
      { chain: () => addProxy(alice).chain.map(({ der }) => der) },
      'PROXY_KEY_MISMATCH',
    ))

  it('a proxy without the certificate below it', () =>
    expectFailure({ chain: (key) => rightChain(key).slice(0, 1) }, 'CHAIN_BROKEN'))

  it('a proxy of a proxy, with the middle of the chain left out', () =>
    expectFailure(
      {
        chain: (key) => {
          const [leaf, , endEntity] = chainFor(key, addProxy(alice))
          return [leaf, endEntity].flatMap((one) => one ?? [])
        },
      },
      'CHAIN_BROKEN',
    ))

  it('a chain with somebody else’s certificate in it', () =>
    expectFailure(
      { chain: (key) => [...rightChain(key), ...eve.chain.map(({ der }) => der)] },
      'CHAIN_BROKEN',
    ))

  it('the chain before the proxy', () =>
    expectFailure({ chain: (key) => rightChain(key).reverse() }, 'PROXY_KEY_MISMATCH'))

  it('another user’s chain arrives whole: who it is of, is for the caller to judge', async () => {
    const peer = await peerThat((conversation) =>
      deliver(conversation, {
        chain: (key) => chainFor(key, eve),
      }).then(() => undefined),
    )
    const { credential } = await renewFrom([peer.port])
    expect(credential.chain[1]?.subject.oneLine).toBe('/DC=org/DC=example/OU=Users/CN=eve')
  })

  it('certificates and then a refusal', async () => {
    const final = encodeResponse({ kind: 'error', messages: ['disk full'] })
    const failure = await expectFailure({ final }, 'MYPROXY_REFUSED')
    expect(failure.data.serverMessage).toBe('disk full')
  })

  it('a refusal where certificates are due', async () => {
    const insteadOfList = encodeResponse({ kind: 'error', messages: ['credential locked', 'why'] })
    await expectFailure({ insteadOfList }, 'MYPROXY_CREDENTIAL_LOCKED')
  })
})

describe('a server that refuses', () => {
  it('has the last word: the next one is not asked', async () => {
    const refuse = async (conversation: Conversation) => {
      await readRequest(conversation)
      await conversation.stream.write(encodeResponse({ kind: 'error', messages: ['no.'] }))
    }
    const [first, second] = [await peerThat(refuse), await peerThat(refuse)]
    const failure = await rejectionOf(renewFrom([first.port, second.port]))
    expect(failure.code).toBe('MYPROXY_REFUSED')
    expect(second.connections()).toBe(0)
  })

  it('costs no key', async () => {
    const peer = await peerThat(async (conversation) => {
      await readRequest(conversation)
      await conversation.stream.write(encodeResponse({ kind: 'error', messages: ['no.'] }))
    })
    const keys = new CountingKeys()
    await rejectionOf(renewFrom([peer.port], myproxyContext(ca, { keys })))
    expect(keys.made).toBe(0)
  })
})

describe('a server that wants something signed', () => {
  it.each([
    ['that is 64 characters long', 'X509_certificate_SHA256', hex + hex],
    ['that is no hexadecimal', 'X509_certificate_SHA256', 'certificate to be signed for me!'],
    ['with SHA-1 only', 'X509_certificate', hex],
  ])('%s gets no signature', async (_what, method, text) => {
    let answered = -1
    const peer = await peerThat(async (conversation) => {
      await readRequest(conversation)
      const challenges = [{ method, text }]
      await conversation.stream.write(encodeResponse({ kind: 'authorization', challenges }))
      answered = await conversation.stream.readExactly(1).then(
        () => 1,
        () => 0,
      )
    })
    const failure = await rejectionOf(renewFrom([peer.port]))
    expect(failure.code).toBe('MYPROXY_CHALLENGE_REFUSED')
    await expect.poll(() => answered).toBe(0)
  })

  it('with SHA-1 only gets it where that is configured', async () => {
    const peer = await peerThat(async (conversation) => {
      await readRequest(conversation)
      const challenges = [{ method: 'X509_certificate', text: hex }]
      await conversation.stream.write(encodeResponse({ kind: 'authorization', challenges }))
      expect((await conversation.stream.readExactly(4)).toString('hex')).toBe('02000000')
      await conversation.stream.write(encodeResponse({ kind: 'error', messages: ['enough'] }))
    })
    const context = myproxyContext(ca, { allowSha1Challenge: true })
    expect((await rejectionOf(renewFrom([peer.port], context))).code).toBe('MYPROXY_REFUSED')
    expect(peer.failures).toEqual([])
  })
})

describe('a server that is not the one we mean', () => {
  const day = 86_400
  const now = realNow()
  const otherCa = new TestAuthority()
  const hostWith = (options: CertificateOptions, issuer = ca) => issuer.issueHost(host, options)
  const cases: [string, Credential, string, string | undefined][] = [
    ['an unknown CA of the same name', hostWith({}, otherCa), 'PEER_UNTRUSTED', undefined],
    [
      'an expired certificate',
      hostWith({ notAfter: now - day }),
      'PEER_UNTRUSTED',
      'CHAIN_EXPIRED',
    ],
    [
      'a certificate of tomorrow',
      hostWith({ notBefore: now + day }),
      'PEER_UNTRUSTED',
      'CHAIN_NOT_YET_VALID',
    ],
    [
      'a certificate for clients only',
      hostWith({ extendedKeyUsage: ['1.3.6.1.5.5.7.3.2'] }),
      'PEER_UNTRUSTED',
      'KEY_USAGE_FORBIDS',
    ],
    [
      'an expired proxy of the right host',
      addProxy(hostCredential, { notBefore: now - day, notAfter: now - 60 }),
      'PEER_UNTRUSTED',
      'CHAIN_EXPIRED',
    ],
    [
      'a legacy proxy of the right host',
      addProxy(hostCredential, { kind: 'legacy' }),
      'PEER_UNTRUSTED',
      'PROXY_KIND_REFUSED',
    ],
    ['another host’s name', ca.issueHost('evil.example.org'), 'PEER_NAME_MISMATCH', undefined],
    ['a user’s certificate', eve, 'PEER_NAME_MISMATCH', undefined],
    [
      'a user’s proxy with the host as its common name',
      addProxy(eve, { commonName: host }),
      'PEER_NAME_MISMATCH',
      undefined,
    ],
  ]

  it.each(cases)('%s: not a byte of ours leaves', async (_what, credential, code, reason) => {
    let received = -1
    const peer = await peerThat(async ({ stream }) => {
      received = await stream.readExactly(1).then(
        () => 1,
        () => 0,
      )
    }, credential)
    const failure = await rejectionOf(renewFrom([peer.port]))
    const [attempt] = failure.data.attempts as FailedAttempt[]
    expect(attempt?.code).toBe(code)
    const cause = failure.cause as VoboxError
    expect(failure.persistence).toBe(cause.persistence)
    if (reason !== undefined) expect(cause.data.reason).toBe(reason)
    expect(isVoboxError(cause, 'PEER_UNTRUSTED', 'PEER_NAME_MISMATCH')).toBe(true)
    await expect.poll(() => received).toBe(0)
  })

  it('a revoked certificate is not trusted, told by the list of its CA', async () => {
    const crl = parseCrl(makeCrl(ca, { revoked: hostCredential.chain }))
    const anchors = makeTrustAnchors(
      { certificates: [ca.certificate], crls: [{ crl, file: 'ca.r0' }] },
      { allowMissingSigningPolicy: true, now: realNow },
    )
    const peer = await peerThat(async () => undefined)
    const context = myproxyContext(ca, { anchors: async () => anchors })
    const failure = await rejectionOf(renewFrom([peer.port], context))
    expect((failure.cause as VoboxError).data.reason).toBe('CERTIFICATE_REVOKED')
  })

  it('a proxy of the right host is one we mean', async () => {
    const peer = await peerThat(
      (conversation) => deliver(conversation).then(() => undefined),
      addProxy(hostCredential),
    )
    expect((await renewFrom([peer.port])).credential.chain).toHaveLength(2)
  })

  it('a certificate of an intermediate CA is one we mean, sent in any order', async () => {
    const intermediate = new TestAuthority({ parent: ca, name: hostName('Intermediate CA') })
    const issued = intermediate.issueHost(host)
    const [leaf, above] = issued.chain
    if (leaf === undefined || above === undefined) throw new Error('no chain')
    const shuffled = { ...issued, chain: [leaf, ca.certificate, above] }
    const peer = await peerThat(
      (conversation) => deliver(conversation).then(() => undefined),
      shuffled,
    )
    expect((await renewFrom([peer.port])).credential.chain).toHaveLength(2)
  })

  it('is recognised by its DN where one is configured', async () => {
    const evil = ca.issueHost('evil.example.org')
    const peer = await peerThat((conversation) => deliver(conversation).then(() => undefined), evil)
    const serverDn = evil.chain[0]?.subject.oneLine ?? ''
    const context = myproxyContext(ca, { serverDn })
    expect((await renewFrom([peer.port], context)).credential.chain).toHaveLength(2)
  })
})

describe('several servers', () => {
  it('that all fail are listed with address and reason, in order', async () => {
    const silent = await startTcpPeer((socket) => socket.destroy())
    peers.push(silent)
    const context = myproxyContext(ca, {
      dialer: dialerWithNames({ 'px.example.org': ['127.0.0.1', '127.0.0.2'] }),
    })
    const failure = await rejectionOf(
      requestInfo(context, {
        servers: [
          { host: 'gone.example.org', port: 7512 },
          { host, port: silent.port },
        ],
        username: 'alice',
        credential: current,
      }),
    )
    expect(failure.code).toBe('ALL_SERVERS_FAILED')
    expect(failure.persistence).toBe('transient')
    expect(failure.data.attempts).toMatchObject([
      { server: 'gone.example.org:7512', code: 'NAME_NOT_RESOLVED' },
      { server: `${host}:${silent.port}`, address: '127.0.0.1', code: 'CONNECTION_CLOSED' },
      { server: `${host}:${silent.port}`, address: '127.0.0.2', code: 'CONNECTION_FAILED' },
    ])
  })

  it('on IPv6 are reached by name and by address', async () => {
    const credential = ca.issueHost(host, { ips: ['::1'] })
    const script = (conversation: Conversation) => deliver(conversation).then(() => undefined)
    const peer = await startScriptedPeer({ script, credential, host: '::1' })
    peers.push(peer)
    const context = myproxyContext(ca, {
      dialer: dialerWithNames({ [host]: ['127.0.0.1', '::1'], '::1': ['::1'] }),
    })
    expect((await renewFrom([peer.port], context)).server.host).toBe(host)
    const { server } = await requestRenewal(context, {
      servers: [{ host: '::1', port: peer.port }],
      username: 'alice',
      lifetimeSeconds: 3600,
      machine,
      current,
    })
    expect(server.host).toBe('::1')
  })

  it('share no key: each delegation has a fresh one', async () => {
    const seen = new Set<string>()
    const peer = await peerThat((conversation) =>
      deliver(conversation, {
        chain: (key) => {
          seen.add(key.export({ type: 'spki', format: 'der' }).toString('hex'))
          return rightChain(key)
        },
      }).then(() => undefined),
    )
    await renewFrom([peer.port])
    await renewFrom([peer.port])
    expect(seen.size).toBe(2)
  })
})
