/** What our client makes of MyProxy servers that speak well and say the wrong thing. */
import { describe, expect, it } from 'vitest'
import { encodeResponse } from '../../src/myproxy/response.js'
import { rejectionOf } from '../support/failure.js'
import { CountingKeys, myproxyContext } from '../support/myproxy-context.js'
import { addProxy } from '../support/pki.js'
import {
  alice,
  ca,
  chainFor,
  type Delivery,
  deliver,
  eve,
  hex,
  host,
  peerThat,
  readRequest,
  renewFrom,
  rightChain,
} from '../support/scripted-myproxy.js'
import type { Conversation } from '../support/scripted-peer.js'

describe('a server that delivers the wrong thing', () => {
  const expectFailure = async (delivery: Delivery, code: string) => {
    const script = (conversation: Conversation) => deliver(conversation, delivery)
    const peer = await peerThat(script)
    const failure = await rejectionOf(renewFrom([peer.port]))
    expect(failure.code).toBe(code)
    expect(failure.message).toContain(`${host}:${peer.port} (127.0.0.1)`)
    expect(failure.data.peer).toBe(`${host}:${peer.port} (127.0.0.1)`)
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
      }),
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
