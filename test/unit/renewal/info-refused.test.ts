/** A server on loopback that renews, and has its own ways of not answering INFO. */
import { describe, expect, it } from 'vitest'
import { encodeResponse } from '../../../src/myproxy/response.js'
import { systemClock } from '../../../src/node/ports/clock.js'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import { describeChain } from '../../../src/proxy/chain-facts.js'
import { storedCredentialOf } from '../../../src/registry/stored-credential.js'
import { myProxySource } from '../../../src/renewal/context.js'
import { renewOne } from '../../../src/renewal/renew-one.js'
import { learnStoredEnd } from '../../../src/renewal/stored-end.js'
import { myproxyContext } from '../../support/myproxy-context.js'
import { addProxy, realNow } from '../../support/pki.js'
import { registration } from '../../support/registry.js'
import { renewalWorld } from '../../support/renewal-world.js'
import {
  alice,
  ca,
  chainFor,
  deliverAsked,
  host,
  machine,
  peerThat,
  readRequest,
} from '../../support/scripted-myproxy.js'
import type { Conversation } from '../../support/scripted-peer.js'
import { DAY } from '../../support/time.js'

/** What the server holds: ends in nine days, of which ten would be safe. */
const stored = addProxy(alice, { notAfter: realNow() + 9 * DAY })

async function aliceAt(answerInfo: (conversation: Conversation) => Promise<unknown>) {
  const peer = await peerThat(async (conversation) => {
    const { command } = await readRequest(conversation)
    if (command === 'info') return answerInfo(conversation)
    return deliverAsked(conversation, { chain: (publicKey) => chainFor(publicKey, stored) })
  })
  const world = renewalWorld()
  const myproxy = myproxyContext(ca)
  const context = {
    ...world.context,
    clock: systemClock,
    anchors: myproxy.anchors,
    machineProxy: async () => machine,
    source: myProxySource(myproxy, world.context.passPhrases),
  }
  const current = addProxy(alice)
  const { identity } = describeChain(current.chain)
  const anna = registration('alice', {
    identity: identity.oneLine,
    identityDer: Buffer.from(identity.der).toString('base64'),
    servers: [`${host}:${peer.port}`],
    lifetimeSeconds: 3600,
    voms: [],
  })
  await context.repository.replace('alice', current)
  await context.registry.update('alice', () => anna)
  return { context, anna, state: () => context.registry.state('alice') }
}

describe('the end of a stored credential on a server that', () => {
  it.each<[string, (conversation: Conversation) => Promise<unknown>, string]>([
    [
      'refuses INFO',
      ({ stream }) => stream.write(encodeResponse({ kind: 'error', messages: ['INFO is off'] })),
      'MYPROXY_REFUSED',
    ],
    ['closes the connection on INFO', async ({ socket }) => socket.end(), 'ALL_SERVERS_FAILED'],
  ])('%s is taken from the chain of the last renewal, 9 days away', async (_name, answer, code) => {
    const { context, anna, state } = await aliceAt(answer)
    const server = anna.servers[0]
    expect(await renewOne(context, 'alice', { force: true })).toMatchObject({ kind: 'renewed' })
    await learnStoredEnd(context, anna)
    expect(storedCredentialOf(await state())).toMatchObject({
      kind: 'seen',
      end: stored.chain[0]?.notAfter,
      from: 'chain',
      server,
    })
    expect((await state()).infoFailure).toMatchObject({ code })
  })

  it('answers it is what the server said', async () => {
    const end = asUnixSeconds(realNow() + 8 * DAY)
    const owner = '/CN=alice'
    const credentials = [{ owner, start: realNow(), end }]
    const { context, anna, state } = await aliceAt(({ stream }) =>
      stream.write(encodeResponse({ kind: 'ok', credentials })),
    )
    await learnStoredEnd(context, anna)
    expect(storedCredentialOf(await state())).toMatchObject({ end, from: 'info' })
    expect(await state()).not.toHaveProperty('infoFailure')
  })
})
