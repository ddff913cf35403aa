/** What a process that lives long makes of servers that it knows to be dead. */
import { describe, expect, it } from 'vitest'
import { good, Scene } from '../../support/reach-scene.js'
import type { Behaviour } from '../../support/virtual-network.js'

const unreachable: Behaviour = { kind: 'unreachable' }
const mute: Behaviour = { kind: 'mute' }

/** Dead in three ways, and then one that answers. */
const threeDead = () => {
  const scene = new Scene({
    dead1: { '192.0.2.1': unreachable },
    dead2: { '192.0.2.2': mute },
    px: { '192.0.2.9': good },
  })
  scene.network.names['dead3.example.org'] = 'mute'
  return scene
}
const list = ['dead1', 'dead2', 'dead3', 'px']

describe('three dead servers before one that answers', () => {
  it('cost three connect deadlines of 5 s the first time, and less than one second the next', async () => {
    const scene = threeDead().remembering()
    const first = await scene.reach(list)
    expect(first.tookMs).toBeGreaterThanOrEqual(15_000)
    expect(first.tookMs).toBeLessThan(15_100)
    const next = await scene.reach(list)
    expect(next.value.server).toBe('px.example.org')
    expect(next.tookMs).toBeLessThan(1000)
    expect(scene.told.slice(4)).toEqual([
      '192.0.2.1 connect failed',
      '192.0.2.2 tls failed',
      'dead3 name failed',
      '192.0.2.9 exchange answered',
    ])
  })

  it('cost 15 s every time in a command, which remembers nothing', async () => {
    const scene = threeDead()
    await scene.reach(list)
    expect((await scene.reach(list)).tookMs).toBeGreaterThanOrEqual(15_000)
  })

  it('are told in the log when they die, not with every renewal, and when they are back', async () => {
    const scene = threeDead().remembering()
    for (let round = 0; round < 3; round++) await scene.reach(list)
    const said = () =>
      scene.journal.filter(({ event }) => event.startsWith('server-') && !event.endsWith('reached'))
    expect(said().map(({ message }) => message.replace(/ where .*/, ''))).toEqual([
      'dead1.example.org:7512 (192.0.2.1) does not answer;',
      'dead2.example.org:7512 (192.0.2.2) does not answer;',
      'the name service for dead3.example.org does not answer;',
    ])
    scene.network.hosts['192.0.2.1'] = { ...good, credential: scene.hostOf('dead1') } as Behaviour
    expect((await scene.reach(list)).value.server).toBe('dead1.example.org')
    expect(said().at(-1)?.message).toMatch(/^dead1.*\(192\.0\.2\.1\) answers again, after \d+ s$/)
  })

  it('leave neither connection nor timer behind, once the looks beside them are over', async () => {
    const scene = threeDead().remembering()
    await scene.reach(list)
    await scene.reach(list)
    await scene.clock.advance(10_000)
    await scene.expectNothingLeft()
  })

  it('are looked at no more once the service ends', async () => {
    const scene = threeDead().remembering()
    await scene.reach(list)
    await scene.reach(list)
    expect(scene.network.open).toBeGreaterThan(0)
    scene.circuit?.close()
    await scene.expectNothingLeft()
  })
})

describe('a server that is known dead', () => {
  it('is waited for 0.25 s, and looked at beside that with its whole 5 s, once at a time', async () => {
    const scene = new Scene({ px1: { '192.0.2.1': unreachable }, px: { '192.0.2.9': good } })
    scene.remembering()
    await scene.reach(['px1', 'px'])
    const before = scene.network.dials.length
    await scene.reach(['px1', 'px'])
    await scene.reach(['px1', 'px'])
    const dead = scene.network.dials.slice(before).filter(({ ip }) => ip === '192.0.2.1')
    // Two tries of renewals, and one look that lasts longer than both.
    expect(dead).toHaveLength(3)
    expect(
      scene.attempts.filter(({ outcome }) => outcome === 'failed').map((one) => one.milliseconds),
    ).toEqual([5000, 250, 250])
  })

  it('and merely slow, 400 ms for TCP, is used again as soon as a look has found it', async () => {
    const scene = new Scene({ px: { '192.0.2.1': unreachable }, px2: { '192.0.2.2': good } })
    scene.network.hosts['192.0.2.2'] = { kind: 'serves', credential: scene.hostOf('px2') }
    scene.remembering()
    await scene.reach(['px', 'px2'])
    scene.network.hosts['192.0.2.1'] = { ...good, afterMs: 400 } as Behaviour
    expect((await scene.reach(['px', 'px2'])).value.server).toBe('px2.example.org')
    await scene.settle()
    expect((await scene.reach(['px', 'px2'])).value.server).toBe('px.example.org')
  })

  it('by TCP gets all of 5 s for TLS when TCP works again', async () => {
    const scene = new Scene({ px1: { '192.0.2.1': unreachable }, px: { '192.0.2.9': good } })
    scene.remembering()
    const took = async () => (await scene.reach(['px1', 'px'])).tookMs
    await took()
    scene.network.hosts['192.0.2.1'] = mute
    expect(await took()).toBeGreaterThanOrEqual(5000)
    expect(await took()).toBeLessThan(400)
  })

  it.each([
    ['the only one', ['px1'], {}],
    ['the first and only one that a change may go to', ['px1', 'px'], { moves: 'writes' }],
  ] as const)('is given all its 5 s where it is %s', async (_what, names, changes) => {
    const scene = new Scene({ px1: { '192.0.2.1': unreachable }, px: { '192.0.2.9': good } })
    scene.remembering()
    await scene.failure(names, changes)
    await scene.failure(names, changes)
    expect(
      scene.attempts.filter(({ outcome }) => outcome === 'failed').map((one) => one.milliseconds),
    ).toEqual([5000, 5000])
  })

  it('is given 0.25 s where it is the only one of several lists that follow each other', async () => {
    const scene = new Scene({ px1: { '192.0.2.1': unreachable } }).remembering()
    await scene.failure(['px1'], { othersFollow: true })
    await scene.failure(['px1'], { othersFollow: true })
    expect(scene.attempts.map(({ milliseconds }) => milliseconds)).toEqual([5000, 250])
  })

  it('is not learned from one who was cancelled after 2 s', async () => {
    const scene = new Scene({ px1: { '192.0.2.1': unreachable } }).remembering()
    const controller = new AbortController()
    void scene.clock.sleep(2000).then(() => controller.abort(new Error('enough')))
    await expect(scene.reach(['px1'], { signal: controller.signal })).rejects.toThrow('enough')
    expect(scene.circuit?.deadAt('px1.example.org:7512 (192.0.2.1)')).toBeUndefined()
  })

  it('is not who refuses within 0.25 s, or shows another name', async () => {
    const other: Behaviour = { kind: 'serves', credential: new Scene({}).hostOf('other') }
    const scene = new Scene({
      px1: { '192.0.2.1': { kind: 'refuses', afterMs: 240 }, '192.0.2.2': other },
      px: { '192.0.2.9': good },
    }).remembering()
    await scene.reach(['px1', 'px'])
    await scene.reach(['px1', 'px'])
    expect(scene.network.dials.map(({ ip }) => ip)).toEqual([
      '192.0.2.1',
      '192.0.2.2',
      '192.0.2.9',
      '192.0.2.1',
      '192.0.2.2',
      '192.0.2.9',
    ])
    expect(scene.journal.filter(({ event }) => event === 'server-silent')).toEqual([])
  })
})

describe('a name that was not found within 5 s', () => {
  it('is waited for 0.25 s where another server follows, and used once it is found', async () => {
    const scene = new Scene({ px: { '192.0.2.9': good } }).remembering()
    const back = scene.network
    back.names['px1.example.org'] = 'mute'
    back.hosts['192.0.2.1'] = { kind: 'serves', credential: scene.hostOf('px1') }
    expect((await scene.reach(['px1', 'px'])).tookMs).toBeGreaterThanOrEqual(5000)
    expect((await scene.reach(['px1', 'px'])).tookMs).toBeLessThan(500)
    back.names['px1.example.org'] = ['192.0.2.1']
    expect((await scene.reach(['px1', 'px'])).value.server).toBe('px1.example.org')
    expect(scene.circuit?.deadAt('the name service for px1.example.org')).toBeUndefined()
    await scene.settle()
    await scene.expectNothingLeft()
  })
})

describe('an address that was overtaken after its head start of 1 s', () => {
  const half = () =>
    new Scene({ px: { '2001:db8::1': unreachable, '192.0.2.1': good } }).remembering()

  it('delays nobody the next time: both begin at once', async () => {
    const scene = half()
    expect((await scene.reach(['px'])).tookMs).toBeGreaterThanOrEqual(1000)
    const { tookMs } = await scene.reach(['px'])
    expect(tookMs).toBeLessThan(500)
    const [first, second] = scene.network.dials.slice(2)
    expect(first?.atMs).toBe(second?.atMs)
  })

  it('is the first again once it answers as soon as the other', async () => {
    const scene = half()
    await scene.reach(['px'])
    scene.network.hosts['2001:db8::1'] = good
    scene.network.hosts['192.0.2.1'] = { ...good, afterMs: 300 } as Behaviour
    await scene.reach(['px'])
    await scene.reach(['px'])
    expect(scene.told.at(-1)).toBe('2001:db8::1 exchange answered')
    // Only the first address is dialled: nothing is held against it any more.
    expect(scene.network.dials.slice(4)).toHaveLength(1)
  })

  it('is not held against one that began 0.3 s before the first one arrived', async () => {
    const late: Behaviour = { ...good, afterMs: 1300 } as Behaviour
    const scene = new Scene({ px: { '2001:db8::1': late, '192.0.2.1': unreachable } }).remembering()
    await scene.reach(['px'])
    expect(scene.told).toEqual(['192.0.2.1 connect overtaken', '2001:db8::1 exchange answered'])
    expect(scene.circuit?.deadAt('px.example.org:7512 (192.0.2.1)')).toBeUndefined()
    expect(scene.journal.filter(({ event }) => event === 'server-silent')).toEqual([])
  })
})
