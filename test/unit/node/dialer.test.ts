import { createServer, type Server } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import { nodeDialer } from '../../../src/node/ports/dialer.js'
import { rejectionOf } from '../../support/failure.js'

let server: Server | undefined

async function listen(host: string): Promise<number> {
  const listening = createServer((socket) => socket.destroy())
  server = listening
  await new Promise<void>((resolve) => listening.listen(0, host, resolve))
  const address = listening.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}

afterEach(async () => {
  await new Promise<void>((resolve) => (server ? server.close(() => resolve()) : resolve()))
  server = undefined
})

describe('resolve', () => {
  it.each([
    ['192.0.2.1', 4],
    ['2001:db8::1', 6],
  ])('takes the address %s as it is', async (ip, family) => {
    expect(await nodeDialer.resolve(ip)).toEqual([{ ip, family }])
  })

  it('finds localhost on loopback, each address once', async () => {
    const addresses = await nodeDialer.resolve('localhost')
    const ips = addresses.map(({ ip }) => ip)
    expect(ips).toContain('127.0.0.1')
    expect(new Set(ips).size).toBe(ips.length)
  })

  it('says that a name does not exist', async () => {
    const failure = await rejectionOf(nodeDialer.resolve('no such host.invalid'))
    expect(failure.code).toBe('NAME_NOT_RESOLVED')
    expect(failure.data.host).toBe('no such host.invalid')
    expect(failure.persistence).toBe('transient')
  })

  it('rejects with the reason of a signal that has aborted', async () => {
    const reason = new VoboxError('CANCELLED', 'stopped')
    await expect(nodeDialer.resolve('localhost', AbortSignal.abort(reason))).rejects.toBe(reason)
  })
})

describe('connect', () => {
  it('connects', async () => {
    const port = await listen('127.0.0.1')
    const socket = await nodeDialer.connect({ ip: '127.0.0.1', family: 4 }, port)
    expect(socket.remotePort).toBe(port)
    socket.destroy()
  })

  it('says where nothing listens', async () => {
    const port = await listen('127.0.0.1')
    await new Promise((resolve) => server?.close(resolve))
    server = undefined
    const failure = await rejectionOf(nodeDialer.connect({ ip: '127.0.0.1', family: 4 }, port))
    expect(failure.code).toBe('CONNECTION_FAILED')
    expect(failure.data).toEqual({ ip: '127.0.0.1', port, errno: 'ECONNREFUSED' })
    expect(failure.message).toBe(`cannot connect to 127.0.0.1:${port}: nothing listens there`)
  })

  it('rejects with the reason of a signal that aborts while it connects', async () => {
    const port = await listen('127.0.0.1')
    const controller = new AbortController()
    const reason = new VoboxError('CANCELLED', 'stopped')
    const connecting = nodeDialer.connect({ ip: '127.0.0.1', family: 4 }, port, controller.signal)
    controller.abort(reason)
    await expect(connecting).rejects.toBe(reason)
  })
})
