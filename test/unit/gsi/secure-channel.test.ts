import { afterEach, describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import type { GsiContext } from '../../../src/gsi/context.js'
import {
  type ChannelTarget,
  type OpeningPhase,
  openSecureChannel,
  type SecureChannel,
} from '../../../src/gsi/secure-channel.js'
import type { Credential } from '../../../src/proxy/credential.js'
import { parseCrl } from '../../../src/x509/crl.js'
import { makeTrustAnchors } from '../../../src/x509/trust-anchors.js'
import { rejectionOf } from '../../support/failure.js'
import { myproxyContext } from '../../support/myproxy-context.js'
import { realNow, TestAuthority, userName } from '../../support/pki.js'
import { makeCrl } from '../../support/pki-files.js'
import { type Conversation, startScriptedPeer, startTcpPeer } from '../../support/scripted-peer.js'

const ca = new TestAuthority()
const credential = ca.issueUser('alice')
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

interface Scene {
  /** Of the peer; default one of `px.example.org`. */
  host?: Credential
  target?: Partial<ChannelTarget>
  context?: Partial<GsiContext>
}

/** A channel to a peer that does as `script` says. */
async function channelTo(
  script: (peer: Conversation) => Promise<unknown>,
  { host = ca.issueHost('px.example.org'), target = {}, context = {} }: Scene = {},
): Promise<SecureChannel> {
  const peer = await startScriptedPeer({ credential: host, script })
  ends.push(() => peer.stop())
  const channel = await openSecureChannel(myproxyContext(ca, context), {
    address: { ip: '127.0.0.1', family: 4 },
    port: peer.port,
    expectation: { host: 'px.example.org' },
    credential,
    ...target,
  })
  ends.push(() => channel.close())
  return channel
}

const sayHello = ({ stream }: Conversation) => stream.write(Buffer.from('hello\0'))

describe('openSecureChannel', () => {
  it('carries what a peer says that leaves the handshake alone', async () => {
    const channel = await channelTo(sayHello)
    expect((await channel.readUntilNul(10)).toString()).toBe('hello')
    expect(channel.peer.facts.endEntity.subject.oneLine).toContain('CN=px.example.org')
  })

  it('asks for anchors that lead to the chain it was shown, where all of them are many', async () => {
    const host = ca.issueHost('px.example.org')
    const all = await myproxyContext(ca).anchors()
    const asked: string[][] = []
    const context = {
      anchors: () => Promise.reject(new Error('never read')),
      anchorsFor: async (chain: readonly { fingerprintSha256: string }[]) => {
        asked.push(chain.map(({ fingerprintSha256 }) => fingerprintSha256))
        return all
      },
    }
    const channel = await channelTo(sayHello, { host, context })
    expect(channel.peer.trusted).toBe(true)
    expect(asked).toEqual([host.chain.map(({ fingerprintSha256 }) => fingerprintSha256)])

    const none = myproxyContext(new TestAuthority({ name: userName('another CA') })).anchors
    const stranger = channelTo(sayHello, { host, context: { ...context, anchorsFor: none } })
    expect((await rejectionOf(stranger)).code).toBe('PEER_UNTRUSTED')
  })

  it('ends when the peer renegotiates, and so could show another certificate than was judged', async () => {
    let renegotiated = false
    const channel = await channelTo(async ({ socket, stream }) => {
      const settled = new Promise<void>((resolve) => {
        socket.once('close', () => resolve())
        socket.renegotiate({ rejectUnauthorized: false }, (error) => {
          renegotiated = error === null || error === undefined
          resolve()
        })
      })
      await settled
      await stream.write(Buffer.from('hello\0'))
    })
    const error = await rejectionOf(channel.readUntilNul(10))
    expect(['TLS_FAILED', 'CONNECTION_CLOSED']).toContain(error.code)
    expect(renegotiated).toBe(false)
  })
})

describe('openSecureChannel without a credential', () => {
  it.each(['TLSv1.2', 'TLSv1.3'] as const)(
    'presents none, also to a peer that asks for one, with %s',
    async (tlsMaxVersion) => {
      const presented: unknown[] = []
      const channel = await channelTo(
        async (peer) => {
          presented.push(peer.socket.getPeerX509Certificate())
          await sayHello(peer)
        },
        { target: { credential: undefined }, context: { tlsMaxVersion } },
      )
      expect((await channel.readUntilNul(10)).toString()).toBe('hello')
      expect(presented).toEqual([undefined])
      expect(channel.peer.trusted).toBe(true)
    },
  )

  it('judges the peer all the same', async () => {
    const stranger = new TestAuthority({ name: userName('Another CA') }).issueHost('px.example.org')
    const call = { host: stranger, target: { credential: undefined } }
    const error = await rejectionOf(channelTo(sayHello, call))
    expect(error).toMatchObject({ code: 'PEER_UNTRUSTED', data: { reason: 'CHAIN_UNTRUSTED' } })
  })
})

describe('openSecureChannel for a host that has no trust anchors yet', () => {
  const stranger = new TestAuthority({ name: userName('Another CA') })
  const noAnchors = async () => {
    throw new VoboxError('TRUST_ANCHORS_UNREADABLE', 'there is no such directory')
  }
  const bootstrap = { target: { trust: 'bootstrap' }, context: { anchors: noAnchors } } as const

  it('takes a chain of a CA that nobody knows, and says that it was not judged', async () => {
    const host = stranger.issueHost('px.example.org')
    const channel = await channelTo(sayHello, { ...bootstrap, host })
    expect((await channel.readUntilNul(10)).toString()).toBe('hello')
    expect(channel.peer.trusted).toBe(false)
    expect('anchor' in channel.peer).toBe(false)
    expect(channel.peer.chain[0]?.der).toEqual(host.chain[0]?.der)
  })

  it('judges the chain of a CA that is known, and says so', async () => {
    const channel = await channelTo(sayHello, { target: { trust: 'bootstrap' } })
    expect(channel.peer.trusted).toBe(true)
  })

  it('refuses a host whose certificate a known CA has revoked', async () => {
    const host = ca.issueHost('px.example.org')
    const crl = parseCrl(makeCrl(ca, { revoked: host.chain.slice(0, 1) }))
    const material = { certificates: [ca.certificate], crls: [{ crl, file: 'ca.r0' }] }
    const anchors = makeTrustAnchors(material, { allowMissingSigningPolicy: true, now: realNow })
    const context = { anchors: async () => anchors }
    const call = { target: { trust: 'bootstrap' }, context, host } as const
    const error = await rejectionOf(channelTo(sayHello, call))
    expect(error).toMatchObject({ code: 'PEER_UNTRUSTED', data: { reason: 'CERTIFICATE_REVOKED' } })
  })

  it('still minds the name', async () => {
    const host = stranger.issueHost('other.example.org')
    const error = await rejectionOf(channelTo(sayHello, { ...bootstrap, host }))
    expect(error).toMatchObject({
      code: 'PEER_NAME_MISMATCH',
      data: { expected: 'px.example.org', found: ['other.example.org'] },
    })
  })
})

describe('openSecureChannel, step by step', () => {
  it('says when TCP, TLS and the judging of the peer begin', async () => {
    const phases: OpeningPhase[] = []
    await channelTo(sayHello, { target: { onPhase: (phase) => phases.push(phase) } })
    expect(phases).toEqual(['connect', 'tls', 'peer'])
  })

  it('gives TLS a deadline of its own, here 100 ms, and closes what it had', async () => {
    let closed = 0
    const peer = await startTcpPeer((socket) => socket.resume().once('close', () => closed++))
    ends.push(() => peer.stop())
    const error = await rejectionOf(
      openSecureChannel(myproxyContext(ca), {
        address: { ip: '127.0.0.1', family: 4 },
        port: peer.port,
        expectation: { host: 'px.example.org' },
        credential,
        deadlines: { connectMs: 9000, tlsMs: 100 },
      }),
    )
    expect(error).toMatchObject({ code: 'DEADLINE_EXCEEDED', data: { deadlineMs: 100 } })
    expect(error.message).toMatch(/said nothing: no TLS within 0\.1 s$/)
    await expect.poll(() => closed).toBe(1)
  })

  it('knows whether a byte has left', async () => {
    const channel = await channelTo(sayHello)
    await channel.readUntilNul(10)
    expect(channel.hasSent).toBe(false)
    await channel.write(Buffer.from('0'))
    expect(channel.hasSent).toBe(true)
  })
})
