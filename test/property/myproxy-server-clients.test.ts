/**
 * Whatever a client sends to a MyProxy server of ours, it is answered or cut off, nothing of others
 * changes, there is one line about it in the log, and it is never called a fault of ours.
 */
import { once } from 'node:events'
import { readdir } from 'node:fs/promises'
import { connect as connectTcp } from 'node:net'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { encodeAuthorization, SHA256_METHOD } from '../../src/myproxy/authorization.js'
import { encodeCertificateList } from '../../src/myproxy/certificate-list.js'
import { COMMANDS, encodeRequest } from '../../src/myproxy/request.js'
import { createRequest } from '../../src/x509/request.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../support/embedded-myproxy.js'
import { testKey } from '../support/pki.js'
import { expectService, HELLO, putAlice, rawClients } from '../support/raw-myproxy-client.js'

const PASS_PHRASE = 'a secret of alice'

let grid: EmbeddedGrid
let stored: string[]
const clients = rawClients(() => grid)

beforeAll(async () => {
  grid = await startEmbeddedGrid({
    server: { handshakeMs: 1000, answerMs: 2000, guesses: { firstDelayMs: 1, maxDelayMs: 1 } },
  })
  await putAlice(grid)
  stored = await readdir(grid.storeDirectory)
})
afterAll(async () => {
  clients.end()
  await grid.stop()
})

/** Bytes as they are, or with a piece cut out, doubled, or written over. */
const damaged = (bytes: Uint8Array): fc.Arbitrary<Buffer> =>
  fc
    .record({
      how: fc.constantFrom('whole', 'cut', 'doubled', 'overwritten'),
      at: fc.nat(bytes.length),
      length: fc.nat(40),
      junk: fc.uint8Array({ maxLength: 40 }),
    })
    .map(({ how, at, length, junk }) => {
      const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)]
      if (how === 'cut') return Buffer.concat([head, tail.subarray(length)])
      if (how === 'doubled') return Buffer.concat([head, tail.subarray(0, length), tail])
      if (how === 'overwritten') return Buffer.concat([head, junk, tail.subarray(junk.length)])
      return Buffer.from(bytes)
    })

const word = fc.oneof(
  fc.constantFrom('alice', 'eve', '', '..', '../alice', 'alice-x'),
  fc.string({ unit: 'binary', maxLength: 30 }).filter((text) => !/[\n\r\0]/.test(text)),
)
const request = fc
  .record({
    command: fc.constantFrom(...COMMANDS),
    username: word,
    passPhrase: fc.constantFrom('', PASS_PHRASE, 'short'),
    newPassPhrase: fc.constantFrom('', 'another secret'),
    credentialName: word,
    lifetimeSeconds: fc.nat(),
    trustedCertificates: fc.constantFrom('0', '1'),
  })
  .chain((fields) => damaged(encodeRequest(fields)))

const later = fc.oneof(
  fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  damaged(createRequest(testKey('p256'))),
  fc.nat().chain(() => {
    const certificates = grid.users.eve.credential.chain.map(({ der }) => der)
    const list = encodeCertificateList(certificates)
    return damaged(
      Buffer.concat([encodeAuthorization(SHA256_METHOD, Buffer.alloc(64)), list]),
    ).chain((answer) => fc.constantFrom(answer, list))
  }),
)

const conversation = fc.record({
  isKnown: fc.boolean(),
  first: fc.oneof({ weight: 9, arbitrary: fc.constant(HELLO) }, damaged(HELLO)),
  request,
  later: fc.array(later, { maxLength: 3 }),
})

/** The server may still be at work when its client is gone. */
async function linesAbout(peer: string) {
  const lines = () => grid.log.filter(({ fields }) => fields.peer === peer)
  await expect.poll(lines, { interval: 5, timeout: 10_000 }).not.toEqual([])
  return lines()
}

describe('a MyProxy server', () => {
  it('survives 120 conversations of clients that send anything', async () => {
    await fc.assert(
      fc.asyncProperty(conversation, async ({ isKnown, first, request, later }) => {
        const { tls } = await clients.secure(isKnown ? grid.users.eve.credential : undefined)
        const peer = `127.0.0.1:${tls.localPort}`
        // Nobody reads in units here.
        tls.removeAllListeners('readable').resume()
        const ended = once(tls, 'close')
        for (const message of [first, request, ...later]) if (message.length > 0) tls.write(message)
        tls.end()
        await ended
        const lines = await linesAbout(peer)
        expect(lines).toHaveLength(1)
        expect(lines[0]?.event).toMatch(/^myproxy-(served|refused)$/)
        expect(lines[0]?.level).not.toBe('error')
        grid.log.splice(0)
      }),
      { numRuns: 120 },
    )
    expect((await readdir(grid.storeDirectory)).sort()).toEqual(stored.sort())
    await expectService(grid)
  })

  it('survives 60 clients at once that speak no TLS, or half of it', async () => {
    const scripts = fc.sample(fc.uint8Array({ minLength: 1, maxLength: 500 }), 60)
    await Promise.all(
      scripts.map(async (bytes, index) => {
        const socket = connectTcp(grid.port, '127.0.0.1')
        clients.add(socket)
        socket.on('error', () => undefined).resume()
        // Every other one begins as TLS does: a handshake record of 400 bytes.
        const begin = index % 2 === 0 ? Buffer.from('160301019001', 'hex') : Buffer.alloc(0)
        socket.write(Buffer.concat([begin, bytes]))
        await once(socket, 'close')
      }),
    )
    expect(grid.log.filter(({ level }) => level === 'error')).toEqual([])
    await expectService(grid)
  })
})
