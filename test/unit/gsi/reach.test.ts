import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import type { SecureChannel } from '../../../src/gsi/secure-channel.js'
import { good, readHello, refusal, Scene, wrongName } from '../../support/reach-scene.js'
import type { Behaviour } from '../../support/virtual-network.js'

describe('one server with several addresses', () => {
  it('is reached at its first one, and no other is tried when that answers within a second', async () => {
    const scene = new Scene({ px: { '2001:db8::1': { ...good, afterMs: 900 }, '192.0.2.1': good } })
    const { value } = await scene.reach(['px'])
    expect(value).toEqual({ server: 'px.example.org', said: 'hello' })
    expect(scene.network.dials).toEqual([{ ip: '2001:db8::1', atMs: 0 }])
    expect(scene.told).toEqual(['2001:db8::1 exchange answered'])
    await scene.expectNothingLeft()
  })

  it('starts the second one after 1 s beside the first, which is closed when the second wins', async () => {
    const scene = new Scene({ px: { '2001:db8::1': { kind: 'unreachable' }, '192.0.2.1': good } })
    const { tookMs } = await scene.reach(['px'])
    expect(scene.network.dials).toEqual([
      { ip: '2001:db8::1', atMs: 0 },
      { ip: '192.0.2.1', atMs: 1000 },
    ])
    expect(tookMs).toBeLessThan(1200)
    expect(scene.told).toEqual(['2001:db8::1 connect overtaken', '192.0.2.1 exchange answered'])
    expect(scene.attempts[0]?.sentence).toBe(
      'px.example.org:7512 (2001:db8::1): another address of it was quicker',
    )
    await scene.expectNothingLeft()
  })

  it('starts the second one at the failure of the first, after 300 ms', async () => {
    const scene = new Scene({
      px: { '2001:db8::1': { kind: 'refuses', afterMs: 300 }, '192.0.2.1': good },
    })
    await scene.reach(['px'])
    expect(scene.network.dials.map(({ atMs }) => atMs)).toEqual([0, 300])
    expect(scene.attempts[0]).toMatchObject({
      server: 'px.example.org:7512',
      address: '2001:db8::1',
      phase: 'connect',
      outcome: 'failed',
      code: 'CONNECTION_FAILED',
      milliseconds: 300,
    })
  })

  it('prefers the second when the first has TCP but no TLS after 1 s', async () => {
    const scene = new Scene({ px: { '192.0.2.1': { kind: 'mute' }, '192.0.2.2': good } })
    await scene.reach(['px'])
    expect(scene.told).toEqual(['192.0.2.1 tls overtaken', '192.0.2.2 exchange answered'])
    await scene.expectNothingLeft()
  })

  it('goes on at once from one that holds a certificate of another name', async () => {
    const scene = new Scene({ px: { '192.0.2.1': wrongName, '192.0.2.2': good } })
    const { tookMs } = await scene.reach(['px'])
    expect(tookMs).toBeLessThan(1000)
    expect(scene.told).toEqual(['192.0.2.1 peer failed', '192.0.2.2 exchange answered'])
    expect(scene.attempts[0]?.code).toBe('PEER_NAME_MISMATCH')
  })

  it('is given up 5 s after the last of three dead ones began, 7 s in all', async () => {
    const dead: Behaviour = { kind: 'unreachable' }
    const scene = new Scene({ px: { '192.0.2.1': dead, '192.0.2.2': dead, '192.0.2.3': dead } })
    const failure = await scene.failure(['px'])
    expect(scene.network.dials.map(({ atMs }) => atMs)).toEqual([0, 1000, 2000])
    expect(scene.attempts.map(({ milliseconds }) => milliseconds)).toEqual([5000, 5000, 5000])
    expect(scene.clock.monotonicMs()).toBeLessThan(7100)
    expect(failure.code).toBe('ALL_SERVERS_FAILED')
    await scene.expectNothingLeft()
  })

  it('lists failures in the order of the addresses, whichever failed first', async () => {
    const scene = new Scene({
      px: { '192.0.2.1': { kind: 'unreachable' }, '192.0.2.2': { kind: 'refuses' } },
    })
    const failure = await scene.failure(['px'])
    expect(scene.told).toEqual(['192.0.2.2 connect failed', '192.0.2.1 connect failed'])
    expect(failure.data.attempts).toMatchObject([
      { address: '192.0.2.1', code: 'DEADLINE_EXCEEDED' },
      { address: '192.0.2.2', code: 'CONNECTION_FAILED' },
    ])
  })

  it('that dies in the exchange is read from at the address that was overtaken', async () => {
    const dying: Behaviour = { ...good, script: async () => undefined } as Behaviour
    const scene = new Scene({ px: { '192.0.2.1': { ...good, afterMs: 1500 }, '192.0.2.2': dying } })
    const { value } = await scene.reach(['px'])
    expect(value.said).toBe('hello')
    expect(scene.told).toEqual([
      '192.0.2.1 connect overtaken',
      '192.0.2.2 exchange failed',
      '192.0.2.1 exchange answered',
    ])
  })

  it('of which there are 300 is tried at 16, then the next server, and that is said once', async () => {
    const ips = Array.from({ length: 300 }, (_, index) => `192.0.2.${index}`)
    const scene = new Scene({})
    scene.network.names['px.example.org'] = ips
    scene.network.names['px2.example.org'] = ips
    const failure = await scene.failure(['px', 'px2'])
    expect(scene.network.dials).toHaveLength(32)
    expect(scene.network.dials.slice(15, 17).map(({ ip }) => ip)).toEqual([
      '192.0.2.15',
      '192.0.2.0',
    ])
    expect(failure).toMatchObject({
      code: 'ALL_SERVERS_FAILED',
      persistence: 'transient',
      data: { untried: 568 },
    })
    expect(failure.message).toContain('568 more addresses were not tried')
    const left = scene.journal.filter(({ event }) => event === 'addresses-left-out')
    expect(left.map(({ message }) => message)).toEqual([
      'px.example.org:7512 has more addresses than are tried; the first left out is 192.0.2.16',
    ])
  })
})

describe('several servers', () => {
  it('are asked strictly in order, the second only when all addresses of the first have failed', async () => {
    const scene = new Scene({
      px1: { '192.0.2.1': { kind: 'unreachable' }, '192.0.2.2': { kind: 'mute' } },
      px: { '192.0.2.3': good },
    })
    const { value } = await scene.reach(['px1', 'px'])
    expect(value.server).toBe('px.example.org')
    expect(scene.network.dials).toEqual([
      { ip: '192.0.2.1', atMs: 0 },
      { ip: '192.0.2.2', atMs: 1000 },
      { ip: '192.0.2.3', atMs: 6000 },
    ])
  })

  it('are not asked after one that has refused', async () => {
    const scene = new Scene({ px: { '192.0.2.1': good }, px2: { '192.0.2.2': good } })
    const failure = await scene.failure(['px', 'px2'], {}, async () => {
      throw refusal
    })
    expect(failure).toBe(refusal)
    expect(scene.network.dials).toHaveLength(1)
    expect(scene.told).toEqual(['192.0.2.1 exchange refused'])
    await scene.expectNothingLeft()
  })

  it('whose names are not found, or never, fail with the name', async () => {
    const scene = new Scene({ px: { '192.0.2.1': good } })
    scene.network.names['mute.example.org'] = 'mute'
    await scene.reach(['gone', 'mute', 'px'])
    expect(scene.told).toEqual([
      'gone name failed',
      'mute name failed',
      '192.0.2.1 exchange answered',
    ])
    expect(scene.attempts.map(({ code }) => code)).toEqual([
      'NAME_NOT_RESOLVED',
      'DEADLINE_EXCEEDED',
      undefined,
    ])
    expect(scene.network.dials[0]?.atMs).toBe(5000)
  })

  it('begin no try later than 120 s after the first, with a connect deadline of 5 s', async () => {
    const scene = new Scene({})
    const names = Array.from({ length: 10 }, (_, index) => `px${index}`)
    for (const [at, name] of names.entries()) {
      const ips = Array.from({ length: 16 }, (_, index) => `10.0.${at}.${index}`)
      scene.network.names[`${name}.example.org`] = ips
      for (const ip of ips) scene.network.hosts[ip] = { kind: 'unreachable' }
    }
    const failure = await scene.failure(names)
    // Each takes 15 s to begin them all and 5 s more: six are whole, and one address of the seventh.
    expect(scene.network.dials).toHaveLength(6 * 16 + 1)
    expect(scene.network.dials.at(-1)?.atMs).toBe(120_000)
    expect(failure.data.untried).toBe(160 - 97)
    await scene.expectNothingLeft()
  })

  it('are all left at once when the caller cancels, and nobody is told of a failure', async () => {
    const scene = new Scene({
      px: { '192.0.2.1': { kind: 'unreachable' }, '192.0.2.2': { kind: 'mute' } },
    })
    const controller = new AbortController()
    const reason = new Error('enough')
    void scene.clock.sleep(2000).then(() => controller.abort(reason))
    await expect(scene.reach(['px'], { signal: controller.signal })).rejects.toBe(reason)
    expect(scene.attempts).toEqual([])
    await scene.expectNothingLeft()
  })

  it('that fail for good in every attempt are a permanent failure', async () => {
    const scene = new Scene({ px: { '192.0.2.1': wrongName } })
    const failure = await scene.failure(['px'])
    expect(failure.persistence).toBe('permanent')
    expect(failure.data.untried).toBeUndefined()
  })
})

describe('a write', () => {
  const writing = { moves: 'writes' } as const
  const put = async (channel: SecureChannel) => {
    await channel.write(Buffer.from('put'))
    return readHello(channel)
  }

  it('goes to the first server alone; the later ones are named with the reason', async () => {
    const scene = new Scene({ px1: {}, px2: { '192.0.2.2': good }, px: { '192.0.2.3': good } })
    scene.network.names['px1.example.org'] = ['192.0.2.1']
    const failure = await scene.failure(['px1', 'px2', 'px'], writing, put)
    expect(scene.network.dials.map(({ ip }) => ip)).toEqual(['192.0.2.1'])
    expect(failure).toMatchObject({
      code: 'ALL_SERVERS_FAILED',
      data: { notAsked: ['px2.example.org:7512', 'px.example.org:7512'] },
    })
    expect(failure.message).toContain(
      'px2.example.org:7512, px.example.org:7512 were not asked: changes go to the first server alone',
    )
    expect(scene.told).toEqual([
      '192.0.2.1 connect failed',
      'px2 name left-out',
      'px name left-out',
    ])
  })

  it('may race the addresses of that server until TLS stands', async () => {
    const scene = new Scene({ px: { '2001:db8::1': { kind: 'mute' }, '192.0.2.1': good } })
    const { value } = await scene.reach(['px'], writing, put)
    expect(value.said).toBe('hello')
  })

  it.each([
    [
      'hangs up',
      async (stream: { readExactly(n: number): Promise<unknown> }) => stream.readExactly(3),
      'CONNECTION_CLOSED',
    ],
    ['says nothing for 10 s', () => new Promise<never>(() => undefined), 'DEADLINE_EXCEEDED'],
  ] as const)('is never sent again to a server that then %s', async (_what, script, reason) => {
    const dying = { ...good, script } as Behaviour
    const scene = new Scene({ px: { '192.0.2.1': dying, '192.0.2.2': good } })
    const failure = await scene.failure(['px'], writing, put)
    expect(failure).toMatchObject({
      code: 'OUTCOME_UNKNOWN',
      persistence: 'permanent',
      data: { reason, peer: 'px.example.org:7512 (192.0.2.1)' },
    })
    expect(failure.message).toMatch(/after the request had left: it may or may not have been done$/)
    expect(scene.network.dials).toHaveLength(1)
    await scene.expectNothingLeft()
  })

  it('that is cancelled after its request had left may have been done, and that is said', async () => {
    const mute = { ...good, script: () => new Promise<never>(() => undefined) } as Behaviour
    const scene = new Scene({ px: { '192.0.2.1': mute } })
    const controller = new AbortController()
    const cancelled = new VoboxError('CANCELLED', 'interrupted')
    void scene.clock.sleep(2000).then(() => controller.abort(cancelled))
    const failure = await scene.failure(['px'], { ...writing, signal: controller.signal }, put)
    expect(failure).toMatchObject({ code: 'OUTCOME_UNKNOWN', data: { reason: 'CANCELLED' } })
    expect(failure.message).toBe(
      'px.example.org:7512 (192.0.2.1): interrupted, after the request had left: ' +
        'it may or may not have been done',
    )
    await scene.expectNothingLeft()
  })

  it('that is cancelled before a byte of it has left is just cancelled', async () => {
    const mute = { ...good, script: () => new Promise<never>(() => undefined) } as Behaviour
    const scene = new Scene({ px: { '192.0.2.1': mute } })
    const controller = new AbortController()
    const reason = new Error('enough')
    void scene.clock.sleep(2000).then(() => controller.abort(reason))
    const call = scene.reach(['px'], { ...writing, signal: controller.signal }, readHello)
    await expect(call).rejects.toBe(reason)
  })

  it('of which not a byte has left goes on to the next address', async () => {
    const dying = { ...good, script: async () => undefined } as Behaviour
    const scene = new Scene({ px: { '192.0.2.1': dying, '192.0.2.2': good } })
    const { value } = await scene.reach(['px'], writing, readHello)
    expect(value.said).toBe('hello')
    expect(scene.network.dials).toHaveLength(2)
  })

  it('that was refused is told as the refusal it is', async () => {
    const scene = new Scene({ px: { '192.0.2.1': good } })
    const failure = await scene.failure(['px'], writing, async (channel) => {
      await put(channel)
      throw refusal
    })
    expect(failure).toBe(refusal)
  })
})
