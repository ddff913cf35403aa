/** Walks over lists of servers that do anything, with the rules that hold for all of them. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toVoboxError } from '../../src/errors.js'
import type { SecureChannel } from '../../src/gsi/secure-channel.js'
import { readHello, Scene } from '../support/reach-scene.js'
import type { Behaviour } from '../support/virtual-network.js'

/** `works` serves; `dies` has TLS and then hangs up; `other` has a certificate of another name. */
type Kind = 'unreachable' | 'refuses' | 'mute' | 'hangs-up' | 'works' | 'dies' | 'other'

interface Plan {
  kind: Kind
  afterMs: number
}

const plan: fc.Arbitrary<Plan> = fc.record({
  kind: fc.constantFrom<Kind>(
    ...(['unreachable', 'refuses', 'mute', 'hangs-up', 'works', 'dies', 'other'] as const),
  ),
  afterMs: fc.constantFrom(0, 0, 100, 900, 2500),
})
/** Servers, each with its addresses; one without any has a name that is not found. */
const list = fc.array(fc.array(plan, { maxLength: 3 }), { minLength: 1, maxLength: 4 })

/** TLS costs real time. */
const RUNS = { numRuns: 15, interruptAfterTimeLimit: 8000 }

const addressOf = (server: number, address: number) => `10.0.${server}.${address}`
const nameOf = (server: number) => `px${server}`

function sceneOf(servers: readonly (readonly Plan[])[]): Scene {
  const scene = new Scene({})
  for (const [at, plans] of servers.entries()) {
    if (plans.length === 0) continue
    scene.network.names[`${nameOf(at)}.example.org`] = plans.map((_, index) => addressOf(at, index))
    for (const [index, one] of plans.entries()) {
      scene.network.hosts[addressOf(at, index)] = behaviourOf(scene, nameOf(at), one)
    }
  }
  return scene
}

function behaviourOf(scene: Scene, name: string, { kind, afterMs }: Plan): Behaviour {
  if (kind === 'unreachable') return { kind }
  if (kind === 'works') return { kind: 'serves', afterMs, credential: scene.hostOf(name) }
  if (kind === 'other') return { kind: 'serves', afterMs, credential: scene.hostOf('other') }
  if (kind !== 'dies') return { kind, afterMs }
  const script = (stream: { readExactly(length: number): Promise<unknown> }) =>
    stream.readExactly(3)
  return { kind: 'serves', afterMs, credential: scene.hostOf(name), script }
}

const ask = async (channel: SecureChannel) => {
  await channel.write(Buffer.from('ask'))
  return readHello(channel)
}

/** `server` of each dial, from its address. */
const serversDialled = (scene: Scene) =>
  scene.network.dials.map(({ ip }) => Number(ip.split('.')[2]))

const walk = (scene: Scene, count: number, moves: 'reads' | 'writes') => {
  const names = Array.from({ length: count }, (_, at) => nameOf(at))
  return scene.reach(names, { moves }, ask).then(
    ({ value }) => ({ server: value.server, code: undefined }),
    (error) => ({ server: undefined, code: toVoboxError(error).code }),
  )
}

describe('a walk over any servers', () => {
  it('that reads ends at the first that works, asks nobody after it, and leaves nothing behind', async () => {
    await fc.assert(
      fc.asyncProperty(list, async (servers) => {
        const scene = sceneOf(servers)
        const { server, code } = await walk(scene, servers.length, 'reads')
        const working = servers.findIndex((plans) => plans.some(({ kind }) => kind === 'works'))
        expect(server).toBe(working === -1 ? undefined : `${nameOf(working)}.example.org`)
        expect(code).toBe(working === -1 ? 'ALL_SERVERS_FAILED' : undefined)
        const dialled = serversDialled(scene)
        expect(dialled).toEqual([...dialled].sort())
        if (working !== -1) expect(Math.max(...dialled)).toBe(working)
        await scene.expectNothingLeft()
      }),
      RUNS,
    )
  })

  it('tells of each try once, and of the one that answered last', async () => {
    await fc.assert(
      fc.asyncProperty(list, async (servers) => {
        const scene = sceneOf(servers)
        const { server } = await walk(scene, servers.length, 'reads')
        await scene.expectNothingLeft()
        const told = scene.attempts.filter(({ address }) => address !== undefined)
        expect(told.map(({ address }) => address).sort()).toEqual(
          scene.network.dials.map(({ ip }) => ip).sort(),
        )
        const answered = scene.attempts.filter(({ outcome }) => outcome === 'answered')
        expect(answered).toHaveLength(server === undefined ? 0 : 1)
        for (const { sentence, server: about } of scene.attempts) {
          expect(sentence).toContain(about.split(':', 1)[0])
        }
      }),
      RUNS,
    )
  })

  it('that writes asks the first server alone, and sends its request to one address at most', async () => {
    await fc.assert(
      fc.asyncProperty(list, async (servers) => {
        const scene = sceneOf(servers)
        const { code } = await walk(scene, servers.length, 'writes')
        expect(serversDialled(scene).every((at) => at === 0)).toBe(true)
        const sent = scene.attempts.filter(({ phase, outcome }) => {
          return phase === 'exchange' && outcome !== 'overtaken'
        })
        expect(sent.length).toBeLessThanOrEqual(1)
        expect(code === 'OUTCOME_UNKNOWN').toBe(sent[0]?.outcome === 'failed')
        await scene.expectNothingLeft()
      }),
      RUNS,
    )
  })

  it('twice, with memory, comes to the same server, and no later', async () => {
    await fc.assert(
      fc.asyncProperty(list, async (servers) => {
        const steady = servers.map((plans) => plans.map((one) => ({ ...one, afterMs: 0 })))
        const scene = sceneOf(steady).remembering()
        const first = await walk(scene, servers.length, 'reads')
        const between = scene.clock.monotonicMs()
        const second = await walk(scene, servers.length, 'reads')
        expect(second).toEqual(first)
        // A tick of the virtual clock is 10 ms.
        expect(scene.clock.monotonicMs() - between).toBeLessThanOrEqual(between + 50)
        scene.circuit?.close()
        await scene.expectNothingLeft()
      }),
      RUNS,
    )
  })
})
