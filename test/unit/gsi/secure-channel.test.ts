import { afterEach, describe, expect, it } from 'vitest'
import { openSecureChannel, type SecureChannel } from '../../../src/gsi/secure-channel.js'
import { rejectionOf } from '../../support/failure.js'
import { myproxyContext } from '../../support/myproxy-context.js'
import { TestAuthority } from '../../support/pki.js'
import { type Conversation, startScriptedPeer } from '../../support/scripted-peer.js'

const ca = new TestAuthority()
const credential = ca.issueUser('alice')
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

/** A channel to a peer that does as `script` says. */
async function channelTo(script: (peer: Conversation) => Promise<unknown>): Promise<SecureChannel> {
  const peer = await startScriptedPeer({ credential: ca.issueHost('px.example.org'), script })
  ends.push(() => peer.stop())
  const channel = await openSecureChannel(myproxyContext(ca), {
    address: { ip: '127.0.0.1', family: 4 },
    port: peer.port,
    expectation: { host: 'px.example.org' },
    credential,
  })
  ends.push(() => channel.close())
  return channel
}

describe('openSecureChannel', () => {
  it('carries what a peer says that leaves the handshake alone', async () => {
    const channel = await channelTo(({ stream }) => stream.write(Buffer.from('hello\0')))
    expect((await channel.readUntilNul(10)).toString()).toBe('hello')
    expect(channel.peer.facts.endEntity.subject.oneLine).toContain('CN=px.example.org')
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
