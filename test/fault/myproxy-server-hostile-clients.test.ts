/** Clients that are broken, impatient or worse, at a MyProxy server of ours. */
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { answerDelegation } from '../../src/gsi/delegation.js'
import {
  encodeAuthorization,
  SHA1_METHOD,
  SHA256_METHOD,
  signChallenge,
} from '../../src/myproxy/authorization.js'
import { encodeCertificateList } from '../../src/myproxy/certificate-list.js'
import { requestInfo } from '../../src/myproxy/client.js'
import { encodeRequest } from '../../src/myproxy/request.js'
import { systemClock } from '../../src/node/ports/clock.js'
import { systemRandom } from '../../src/node/ports/random.js'
import type { Credential } from '../../src/proxy/credential.js'
import { createRequest } from '../../src/x509/request.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../support/embedded-myproxy.js'
import { rejectionOf } from '../support/failure.js'
import { addProxy, testKey } from '../support/pki.js'
import {
  connectionEnds,
  expectService,
  HELLO,
  putAlice,
  rawClients,
  rawRequest,
  readAnswer,
  readErrorLines,
  renewAlice,
} from '../support/raw-myproxy-client.js'

const HOUR = 3600

let grid: EmbeddedGrid
const clients = rawClients(() => grid)
const client = clients.secure

beforeAll(async () => {
  grid = await startEmbeddedGrid()
  await putAlice(grid)
})
afterAll(async () => {
  clients.end()
  await grid.stop()
})

describe('clients that talk nonsense', () => {
  it.each<[string, Buffer[], RegExp]>([
    ['delegates in TLS', [Buffer.from('D')], /the first byte is not "0"/],
    ['sends HTTP', [Buffer.from('GET / HTTP/1.1\r\n\r\n')], /the first byte is not "0"/],
    [
      'speaks another version',
      [HELLO, Buffer.from('VERSION=MYPROXYv3\0')],
      /unknown MyProxy version/,
    ],
    ['names no version', [HELLO, Buffer.from('COMMAND=0\0')], /without VERSION/],
    ['names no command', [HELLO, Buffer.from('VERSION=MYPROXYv2\0')], /without COMMAND/],
    [
      'names command 8',
      [HELLO, Buffer.from('VERSION=MYPROXYv2\nCOMMAND=8\n\0')],
      /unknown command 8/,
    ],
    [
      'names two users',
      [HELLO, Buffer.from('VERSION=MYPROXYv2\nCOMMAND=0\nUSERNAME=a\nUSERNAME=b\n\0')],
      /USERNAME stands 2 times/,
    ],
    [
      'asks for a negative lifetime',
      [HELLO, Buffer.from('VERSION=MYPROXYv2\nCOMMAND=0\nUSERNAME=a\nLIFETIME=-1\n\0')],
      /LIFETIME is not a number/,
    ],
    [
      'sends 70,000 bytes without an end',
      [HELLO, Buffer.alloc(70_000, 'A')],
      /more than 65536 bytes/,
    ],
    [
      'wants to store an end-entity credential without a certificate',
      [HELLO, encodeRequest(rawRequest({ command: 'store' }))],
      /"<anonymous>" not authorized to store/,
    ],
    [
      'asks what is stored without a certificate',
      [HELLO, encodeRequest(rawRequest({ command: 'info' }))],
      /A certificate is needed/,
    ],
    [
      'wants to store without a certificate',
      [HELLO, encodeRequest(rawRequest({ command: 'put' }))],
      /"<anonymous>" not authorized to store/,
    ],
  ])('are told what is wrong when one %s', async (_name, messages, text) => {
    const stream = await client()
    for (const message of messages) await stream.write(message)
    expect((await readErrorLines(stream)).join(' ')).toMatch(text)
    await connectionEnds(stream.tls)
  })

  it('cannot renegotiate, and so not become somebody else on a connection that was judged', async () => {
    const stream = await client(grid.users.eve.credential)
    const outcome = await new Promise<string>((resolve) => {
      stream.tls.once('close', () => resolve('closed'))
      stream.tls.on('error', () => resolve('refused'))
      stream.tls.renegotiate({}, (error) => resolve(error === null ? 'renegotiated' : 'refused'))
      stream.tls.resume()
    })
    expect(outcome).not.toBe('renegotiated')
  })

  it('cannot resume a session, since a resumed one has no chain to judge', async () => {
    const sessions: Buffer[] = []
    const first = await client(grid.users.alice.credential)
    first.tls.on('session', (session) => sessions.push(session))
    const session = first.tls.getSession()
    first.tls.destroy()
    const again = connectTls({
      port: grid.port,
      host: '127.0.0.1',
      rejectUnauthorized: false,
      maxVersion: 'TLSv1.2',
      ...(session && { session }),
    })
    clients.add(again)
    await new Promise<void>((resolve) => again.once('secureConnect', resolve))
    expect(again.isSessionReused()).toBe(false)
  })
})

describe('clients that cheat at the challenge', () => {
  /** Asks for a renewal and returns the challenge by method. */
  const ask = async (on = grid) => {
    const stream = await client(on.hosts.vobox.credential, on)
    await stream.write(HELLO)
    await stream.write(encodeRequest(rawRequest()))
    const answer = await readAnswer(stream)
    if (answer.kind !== 'authorization') throw new Error(answer.kind)
    return {
      stream,
      challenges: new Map(answer.challenges.map(({ method, text }) => [method, text])),
    }
  }
  const answerWith = (method: typeof SHA256_METHOD, text: string, current: Credential) =>
    Buffer.concat([
      encodeAuthorization(method, signChallenge({ method, text }, current.privateKey)),
      encodeCertificateList(current.chain.map(({ der }) => der)),
    ])

  it('cannot use an answer a second time', async () => {
    const first = await ask()
    const text = first.challenges.get(SHA256_METHOD.name) as string
    expect(text).toMatch(/^[0-9a-f]{32}$/)
    const recorded = answerWith(SHA256_METHOD, text, addProxy(grid.users.alice.credential))
    await first.stream.write(recorded)
    expect((await readAnswer(first.stream)).kind).toBe('ok')
    const second = await ask()
    await second.stream.write(recorded)
    expect((await readErrorLines(second.stream)).join(' ')).toMatch(
      /certificate verification failed/,
    )
  })

  it('cannot choose SHA-1, which was not offered', async () => {
    const { stream, challenges } = await ask()
    expect([...challenges.keys()]).toEqual([SHA256_METHOD.name])
    const text = challenges.get(SHA256_METHOD.name) as string
    await stream.write(answerWith(SHA1_METHOD, text, addProxy(grid.users.alice.credential)))
    expect((await readErrorLines(stream)).join(' ')).toMatch(/Unsupported authorization method/)
  })

  it('cannot use the signature of one hash for the other, where SHA-1 is configured', async () => {
    const lax = await startEmbeddedGrid({ settings: { allowSha1Challenge: true } })
    try {
      await putAlice(lax)
      const { stream, challenges } = await ask(lax)
      const sha1 = challenges.get(SHA1_METHOD.name) as string
      const current = addProxy(lax.users.alice.credential)
      await stream.write(answerWith(SHA256_METHOD, sha1, current))
      expect((await readErrorLines(stream)).join(' ')).toMatch(/certificate verification failed/)
      const honest = await ask(lax)
      const text = honest.challenges.get(SHA1_METHOD.name) as string
      await honest.stream.write(answerWith(SHA1_METHOD, text, current))
      expect((await readAnswer(honest.stream)).kind).toBe('ok')
      stream.close()
      honest.stream.close()
    } finally {
      await lax.stop()
    }
  })

  it.each([
    [
      'a signature of 1 GB',
      Buffer.from([4, 0, 0, 0, 0x40, 0, 0, 0]),
      /signature of 1073741824 bytes/,
    ],
    [
      'a method nobody knows',
      Buffer.from([9, 0, 0, 0, 0, 0, 0, 1]),
      /unknown authorisation method 9/,
    ],
    ['no certificates', Buffer.from([4, 0, 0, 0, 0, 0, 0, 1, 0, 0]), /a list of 0 certificates/],
    [
      '200 certificates',
      Buffer.from([4, 0, 0, 0, 0, 0, 0, 1, 0, 200]),
      /a list of 200 certificates/,
    ],
    [
      'something else than a certificate',
      Buffer.from([4, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0x30, 2, 5, 0]),
      /certificate/,
    ],
  ])('are told what is wrong with %s', async (_name, bytes, text) => {
    const { stream } = await ask()
    await stream.write(bytes)
    expect((await readErrorLines(stream)).join(' ')).toMatch(text)
  })
})

describe('clients that cheat at a delegation', () => {
  /** Begins a PUT as alice and returns the server's request. */
  const begin = async (username: string) => {
    const stream = await client(grid.users.alice.credential)
    await stream.write(HELLO)
    await stream.write(encodeRequest(rawRequest({ command: 'put', username })))
    expect((await readAnswer(stream)).kind).toBe('ok')
    return { stream, certificationRequest: await stream.readDer(10_000) }
  }
  const delegate = (certificationRequest: Uint8Array, signer: Credential) =>
    encodeCertificateList(
      answerDelegation({
        request: certificationRequest,
        signer,
        lifetimeSeconds: HOUR,
        now: systemClock.now(),
        random: systemRandom,
      }).map(({ der }) => der),
    )

  it.each<[string, (certificationRequest: Uint8Array) => Buffer, RegExp]>([
    [
      'a credential of somebody else',
      (asked) => delegate(asked, grid.users.eve.credential),
      /not of who is connected/,
    ],
    [
      'a proxy for another key',
      () => delegate(createRequest(testKey()), grid.users.alice.credential),
      /not for the key in our request/,
    ],
    [
      'its own chain without a new proxy',
      () => encodeCertificateList(grid.users.alice.credential.chain.map(({ der }) => der)),
      /not for the key in our request/,
    ],
    ['no chain at all', () => Buffer.of(0), /a list of 0 certificates/],
    [
      'half a chain',
      (asked) => {
        const whole = delegate(asked, addProxy(grid.users.alice.credential))
        const first = 4 + whole.readUInt16BE(3)
        return Buffer.concat([Buffer.of(1), whole.subarray(1, 1 + first)])
      },
      /end-entity/,
    ],
  ])('store nothing with %s', async (_name, answer, text) => {
    const { stream, certificationRequest } = await begin('cheated')
    await stream.write(answer(certificationRequest))
    expect((await readErrorLines(stream)).join(' ')).toMatch(text)
    expect(await grid.repository.find('cheated', undefined)).toBeUndefined()
  })

  it('leave what is stored as it was when they hang up at any byte of a new one', async () => {
    const before = (await grid.repository.find('alice', undefined))?.data.fingerprint
    expect(before).toMatch(/^[0-9a-f]{64}$/)
    for (const share of [0, 0.001, 0.3, 0.6, 0.9, 0.999]) {
      const { stream, certificationRequest } = await begin('alice')
      const answer = delegate(certificationRequest, grid.users.alice.credential)
      await stream.write(answer.subarray(0, Math.floor(answer.length * share)))
      stream.tls.destroy()
    }
    await expectService(grid)
    expect((await grid.repository.find('alice', undefined))?.data.fingerprint).toBe(before)
  })

  it('get nothing for a request whose key is not theirs, or too weak', async () => {
    for (const [asked, code] of [
      [tampered(createRequest(testKey())), 'SIGNATURE_INVALID'],
      [createRequest(testKey('rsa512')), 'KEY_TOO_WEAK'],
    ] as const) {
      const stream = await client(grid.hosts.vobox.credential)
      await stream.write(HELLO)
      await stream.write(encodeRequest(rawRequest()))
      const answer = await readAnswer(stream)
      if (answer.kind !== 'authorization') throw new Error(answer.kind)
      const challenge = { method: SHA256_METHOD, text: answer.challenges[0]?.text ?? '' }
      const current = addProxy(grid.users.alice.credential)
      const signature = signChallenge(challenge, current.privateKey)
      await stream.write(
        Buffer.concat([
          encodeAuthorization(SHA256_METHOD, signature),
          encodeCertificateList(current.chain.map(({ der }) => der)),
        ]),
      )
      expect((await readAnswer(stream)).kind).toBe('ok')
      await stream.write(asked)
      expect((await readAnswer(stream)).kind).toBe('error')
      expect(grid.log.at(-1)?.fields).toMatchObject({ command: 'get', code })
    }
  })
})

/** The last byte of a signature changed. */
function tampered(der: Uint8Array): Buffer {
  const changed = Buffer.from(der)
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1
  return changed
}

describe('clients that guess', () => {
  it('wait after a wrong pass phrase, a minute here, while the owner is served', async () => {
    const braked = await startEmbeddedGrid({ server: { guesses: { firstDelayMs: 60_000 } } })
    try {
      await putAlice(braked, 'guarded', 'secret-pass')
      const guess = async (passPhrase: string) => {
        const stream = await client(undefined, braked)
        await stream.write(HELLO)
        await stream.write(encodeRequest(rawRequest({ username: 'guarded', passPhrase })))
        return readAnswer(stream)
      }
      expect((await guess('wrong-pass')).kind).toBe('error')
      let answered = false
      const second = guess('wrong-pass').then(
        () => {
          answered = true
        },
        () => undefined,
      )
      const { users, servers, myproxy } = braked
      const { credential } = users.alice
      await requestInfo(myproxy, { servers, username: 'guarded', credential })
      expect(answered).toBe(false)
      await braked.stop()
      await second
      expect(answered).toBe(false)
    } finally {
      await braked.stop()
    }
  })
})

describe('a server on a port that is taken', () => {
  it('says so, with the address', async () => {
    const error = await rejectionOf(startEmbeddedGrid({ server: { port: grid.port } }))
    expect(error.code).toBe('CONNECTION_FAILED')
    expect(error.message).toBe(
      `cannot listen on 127.0.0.1:${grid.port}: another server has that port`,
    )
    expect(error.data).toMatchObject({ errno: 'EADDRINUSE' })
  })
})

describe('a server that stops', () => {
  it('cuts a stuck client after two seconds and then is gone', async () => {
    const stopping = await startEmbeddedGrid()
    const stuck = await client(undefined, stopping)
    await stopping.stop()
    await connectionEnds(stuck.tls)
    const error = await rejectionOf(renewAlice(stopping))
    expect(error.code).toBe('ALL_SERVERS_FAILED')
  })
})
