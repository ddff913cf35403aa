/** What our client makes of MyProxy servers that are silent, talk nonsense or cut the connection. */
import type { KeyObject } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../src/errors.js'
import { encodeCertificateList } from '../../src/myproxy/certificate-list.js'
import { requestInfo, requestRenewal } from '../../src/myproxy/client.js'
import { parseRequest as parseCertificationRequest } from '../../src/x509/request.js'
import { rejectionOf } from '../support/failure.js'
import { CountingKeys, dialerWithNames, myproxyContext } from '../support/myproxy-context.js'
import {
  alice,
  applicationRecords,
  ca,
  challenge,
  current,
  type Delivery,
  deliver,
  host,
  machine,
  ok,
  onlyAttempt,
  peerThat,
  readAuthorization,
  readRequest,
  renewFrom,
  rightChain,
  stopAfterTest,
} from '../support/scripted-myproxy.js'
import {
  type Conversation,
  startRelay,
  startScriptedPeer,
  startTcpPeer,
} from '../support/scripted-peer.js'

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
    const peer = await peerThat((conversation) => deliver(conversation))
    const relay = await startRelay(peer.port)
    stopAfterTest(relay)
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
  const impatient = () => myproxyContext(ca, { connectMs: 500, answerMs: 500 })
  const silence = () => new Promise<never>(() => undefined)

  it.each([
    ['after TCP', 'DEADLINE_EXCEEDED', /said nothing: no TLS within 0.5 s/],
    ['after TLS', 'DEADLINE_EXCEEDED', /did not answer within 0.5 s/],
  ])('%s is left after half a second', async (when, code, message) => {
    const peer =
      when === 'after TCP' ? await startTcpPeer(() => undefined) : await peerThat(silence)
    stopAfterTest(peer)
    const attempt = await onlyAttempt(renewFrom([peer.port], impatient()))
    expect(attempt.code).toBe(code)
    expect(attempt.message).toMatch(message)
    expect(attempt.persistence).toBe('transient')
  })

  it('or drips a byte every 100 ms, is left after half a second all the same', async () => {
    const peer = await peerThat(async (conversation) => {
      await readRequest(conversation)
      for (const byte of challenge) {
        await conversation.stream.write(Buffer.of(byte))
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
    })
    expect((await onlyAttempt(renewFrom([peer.port], impatient()))).code).toBe('DEADLINE_EXCEEDED')
  })

  it('is left at once when the caller cancels', async () => {
    const controller = new AbortController()
    const reason = new VoboxError('CANCELLED', 'stopped')
    const peer = await peerThat(async (conversation) => {
      await readRequest(conversation)
      controller.abort(reason)
      await silence()
    })
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
    const peer = await startTcpPeer((socket) => socket.write(banner))
    stopAfterTest(peer)
    const attempt = await onlyAttempt(renewFrom([peer.port]))
    expect(attempt.code).toBe('TLS_FAILED')
    expect(attempt.message).toContain(`${host}:${peer.port} (127.0.0.1): what answers there`)
    expect(attempt.message).toContain('does not speak TLS')
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
    const attempt = await onlyAttempt(renewFrom([peer.port]))
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
  it('after any number of its bytes gets the same code', async () => {
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
      ...Array.from({ length: 10 }, (_, step) => Math.floor((whole * (step + 1)) / 12)),
    ]
    const fromEnd = [ok.length + 1, ok.length, ok.length - 1, 2, 1]
    const cuts: Delivery[] = [
      ...[...new Set(positions)].map((cutAfter) => ({ cutAfter })),
      ...fromEnd.map((cutBeforeEnd) => ({ cutBeforeEnd })),
    ]
    for (const cut of cuts) {
      const peer = await peerThat((conversation) => deliver(conversation, cut))
      const { code } = await onlyAttempt(renewFrom([peer.port]))
      expect({ ...cut, code }).toEqual({ ...cut, code: 'CONNECTION_CLOSED' })
    }
  })

  it('during TLS', async () => {
    const peer = await startTcpPeer((socket) => socket.destroy())
    stopAfterTest(peer)
    expect((await onlyAttempt(renewFrom([peer.port]))).code).toBe('CONNECTION_CLOSED')
  })

  it('makes the client go on to the next one, with a fresh key', async () => {
    const bad = await peerThat((conversation) =>
      deliver(conversation, { cutAfter: challenge.length + ok.length + 300 }),
    )
    const good = await peerThat((conversation) => deliver(conversation))
    const keys = new CountingKeys()
    const { server } = await renewFrom([bad.port, good.port], myproxyContext(ca, { keys }))
    expect(server).toEqual({ host, port: good.port })
    expect(keys.made).toBe(2)
  })
})

describe('several servers', () => {
  it('that all fail are listed with address and reason, in order', async () => {
    const silent = await startTcpPeer((socket) => socket.destroy())
    stopAfterTest(silent)
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
    expect(failure.hint).toBeTruthy()
    expect(failure.data.attempts).toMatchObject([
      { server: 'gone.example.org:7512', code: 'NAME_NOT_RESOLVED' },
      { server: `${host}:${silent.port}`, address: '127.0.0.1', code: 'CONNECTION_CLOSED' },
      { server: `${host}:${silent.port}`, address: '127.0.0.2', code: 'CONNECTION_FAILED' },
    ])
  })

  it('are not asked with a credential whose key is not its own', async () => {
    const peer = await peerThat((conversation) => deliver(conversation))
    const mixed = { ...machine, privateKey: current.privateKey }
    const failure = await rejectionOf(
      requestInfo(myproxyContext(ca), {
        servers: [
          { host, port: peer.port },
          { host, port: peer.port },
        ],
        username: 'alice',
        credential: mixed,
      }),
    )
    expect(failure.code).toBe('PROXY_KEY_MISMATCH')
    expect(failure.data.subject).toBe(machine.chain[0]?.subject.oneLine)
    expect(peer.connections()).toBe(1)
  })

  it('on IPv6 are reached by name and by address', async () => {
    const credential = ca.issueHost(host, { ips: ['::1'] })
    const script = (conversation: Conversation) => deliver(conversation)
    const peer = await startScriptedPeer({ script, credential, host: '::1' })
    stopAfterTest(peer)
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

  it('share neither key nor session: each delegation has fresh ones', async () => {
    const seen = new Set<string>()
    const resumed: boolean[] = []
    const peer = await peerThat((conversation) => {
      resumed.push(conversation.socket.isSessionReused())
      return deliver(conversation, {
        chain: (key) => {
          seen.add(key.export({ type: 'spki', format: 'der' }).toString('hex'))
          return rightChain(key)
        },
      })
    })
    await renewFrom([peer.port])
    await renewFrom([peer.port])
    expect(seen.size).toBe(2)
    expect(resumed).toEqual([false, false])
  })
})
