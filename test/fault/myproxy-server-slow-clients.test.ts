/** Clients that are stuck or slow on purpose, and many at once, at a MyProxy server of ours. */
import { connect as connectTcp, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { encodeRequest } from '../../src/myproxy/request.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../support/embedded-myproxy.js'
import { testKey } from '../support/pki.js'
import {
  connectionEnds,
  expectService,
  HELLO,
  putAlice,
  type RawClient,
  rawClients,
  rawRequest,
  readAnswer,
} from '../support/raw-myproxy-client.js'

/** Of TLS and of each message. */
const DEADLINE_MS = 600

let grid: EmbeddedGrid
const clients = rawClients(() => grid)

beforeAll(async () => {
  grid = await startEmbeddedGrid({
    server: {
      handshakeMs: DEADLINE_MS,
      answerMs: DEADLINE_MS,
      maxConnections: 40,
      maxConnectionsPerAddress: 20,
    },
  })
  await putAlice(grid)
})
beforeEach(() => {
  grid.log.splice(0)
  cutShort = []
})
afterAll(async () => {
  clients.end()
  await grid.stop()
})

/** Whether each drip was cut off before its last byte. */
let cutShort: boolean[] = []

/** Sends a byte every 40 ms until the connection ends. */
function drip(socket: Socket, bytes: Buffer): void {
  let next = 0
  const timer = setInterval(() => {
    if (next < bytes.length) socket.write(bytes.subarray(next, next + 1))
    next += 1
  }, 40)
  socket.once('close', () => {
    clearInterval(timer)
    cutShort.push(next < bytes.length)
  })
}

const rejected = (work: Promise<unknown>) =>
  work.then(
    () => false,
    () => true,
  )

/** The first thing that a TLS client sends. */
async function clientHello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const sink = new Duplex({
      read: () => undefined,
      write: (chunk) => resolve(Buffer.from(chunk)),
    })
    connectTls({ socket: sink }).on('error', () => undefined)
  })
}

const said = async (stream: RawClient, ...messages: Uint8Array[]) => {
  for (const message of messages) await stream.write(message)
  return stream
}

describe('clients that are stuck or slow', () => {
  it('do not delay others: 8 say nothing at all, 8 stop after TLS, and a renewal works', async () => {
    const patient = await startEmbeddedGrid()
    const others = rawClients(() => patient)
    try {
      await putAlice(patient)
      const silent = Array.from({ length: 8 }, () => others.plain())
      const stuck = await Promise.all(Array.from({ length: 8 }, () => others.secure()))
      await expectService(patient)
      const sockets = [...silent, ...stuck.map(({ tls }) => tls)]
      expect(sockets.filter(({ destroyed }) => destroyed)).toEqual([])
    } finally {
      others.end()
      await patient.stop()
    }
  })

  it.each<[string, () => Promise<Socket>]>([
    ['says nothing before TLS', async () => clients.plain()],
    [
      'drips its TLS hello, a byte every 40 ms',
      async () => {
        const hello = await clientHello()
        expect(hello.length * 40).toBeGreaterThan(10 * DEADLINE_MS)
        const socket = clients.plain()
        drip(socket, hello)
        return socket
      },
    ],
    ['says nothing after TLS', async () => (await clients.secure()).tls],
    [
      'stops in the middle of its request',
      async () =>
        (await said(await clients.secure(), HELLO, encodeRequest(rawRequest()).subarray(0, 20)))
          .tls,
    ],
    [
      'drips its request, a byte every 40 ms',
      async () => {
        const stream = await said(await clients.secure(), HELLO)
        drip(stream.tls, Buffer.alloc(1000, 'A'))
        return stream.tls
      },
    ],
    [
      'does not answer its challenge',
      async () => {
        const stream = await said(
          await clients.secure(grid.hosts.vobox.credential),
          HELLO,
          encodeRequest(rawRequest()),
        )
        expect((await readAnswer(stream)).kind).toBe('authorization')
        return stream.tls
      },
    ],
    [
      'drips the chain that it delegates, a byte every 40 ms',
      async () => {
        const stream = await said(
          await clients.secure(grid.users.alice.credential),
          HELLO,
          encodeRequest(rawRequest({ command: 'put' })),
        )
        expect((await readAnswer(stream)).kind).toBe('ok')
        drip(stream.tls, Buffer.concat([Buffer.from('013082ffff', 'hex'), Buffer.alloc(5000)]))
        return stream.tls
      },
    ],
    [
      'never reads the answer, nor hangs up',
      async () => {
        const stream = await said(
          await clients.secure(grid.users.alice.credential),
          HELLO,
          encodeRequest(rawRequest({ command: 'info' })),
        )
        stream.tls.pause()
        await sleep(3 * DEADLINE_MS)
        return stream.tls
      },
    ],
  ])('are cut off after their deadline of 0.6 s, as one who %s', async (_name, begin) => {
    await connectionEnds(await begin())
    expect(cutShort).not.toContain(false)
    await expectService(grid)
    const lines = grid.log.filter(({ event }) => /^myproxy-(served|refused)$/.test(event))
    expect(lines.length, 'a line for the renewal, and at most one for this one').toBeLessThan(4)
  })

  it('are cut off after the second of `request_timeout 1`, though each message comes in time', async () => {
    const strict = await startEmbeddedGrid({
      config: 'request_timeout 1\n',
      server: { answerMs: 60_000 },
    })
    const others = rawClients(() => strict)
    try {
      const begun = performance.now()
      const stream = await said(await others.secure(), HELLO)
      drip(stream.tls, Buffer.alloc(10_000, 'A'))
      await connectionEnds(stream.tls)
      expect(cutShort).toEqual([true])
      expect(performance.now() - begun).toBeGreaterThan(900)
      const lines = strict.log.filter(({ event }) => event.startsWith('myproxy-'))
      expect(lines).toMatchObject([
        { event: 'myproxy-refused', fields: { decision: 'refused', code: 'DEADLINE_EXCEEDED' } },
      ])
      expect(lines[0]?.message).toMatch(/ took longer than 1 s$/)
    } finally {
      others.end()
      await strict.stop()
    }
  })
})

describe('too many clients', () => {
  /** How many of `count` connections from an address are refused at once. */
  const refusedOf = async (count: number, from: string) => {
    const sockets = Array.from({ length: count }, () =>
      connectTcp({ port: grid.port, host: '127.0.0.1', localAddress: from }),
    )
    let refused = 0
    for (const socket of sockets) {
      clients.add(socket)
      socket.on('error', () => undefined)
      socket.once('close', () => {
        refused += 1
      })
      socket.resume()
    }
    return () => refused
  }
  const serves = () =>
    expectService(grid).then(
      () => true,
      () => false,
    )

  it('cannot have more than 20 connections from one address', async () => {
    const refused = await refusedOf(30, '127.0.0.1')
    await expect.poll(refused).toBeGreaterThanOrEqual(10)
    expect(grid.log.map(({ event }) => event)).toContain('too-many-connections')
    clients.end()
    await expect.poll(serves).toBe(true)
  })

  it('cannot have more than 40 connections from 4 addresses', async () => {
    const counts = await Promise.all(['2', '3', '4', '5'].map((n) => refusedOf(15, `127.0.0.${n}`)))
    const refused = () => counts.reduce((sum, count) => sum + count(), 0)
    await expect.poll(refused).toBeGreaterThanOrEqual(20)
    expect(grid.log.map(({ event }) => event)).not.toContain('too-many-connections')
    clients.end()
    await expect.poll(serves).toBe(true)
  })
})

describe('clients that hang up while what they asked for goes on', () => {
  it.each([
    ['an address that may have 3', { maxConnectionsPerAddress: 3 }, 'Too many from one address'],
    ['all that may be 3', { maxConnections: 3 }, 'Too many requests'],
  ])('are counted for %s, until it is done', async (_who, limit, message) => {
    let finish: () => void = () => undefined
    const finished = new Promise<void>((resolve) => {
      finish = resolve
    })
    let asked = 0
    const busy = await startEmbeddedGrid({
      server: {
        ...limit,
        keys: {
          async generate() {
            asked += 1
            await finished
            return testKey('p256', 'stored')
          },
        },
      },
    })
    const told = () => busy.log.filter(({ event }) => event === 'too-many-connections')
    try {
      for (let i = 1; i <= 3; i += 1) {
        const stream = await clients.secure(busy.users.alice.credential, busy)
        await said(stream, HELLO, encodeRequest(rawRequest({ command: 'put', username: `u${i}` })))
        await expect.poll(() => asked).toBe(i)
        stream.tls.destroy()
      }
      await expect.poll(async () => rejected(clients.secure(undefined, busy))).toBe(true)
      expect(told()[0]).toMatchObject({ level: 'warn', message })
      finish()
      await expect.poll(async () => rejected(clients.secure(undefined, busy))).toBe(false)
    } finally {
      finish()
      await busy.stop()
    }
  })
})
