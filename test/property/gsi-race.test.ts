import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Entrant, OVERTAKEN, race } from '../../src/gsi/race.js'
import { FakeClock } from '../support/fake-clock.js'

/** What one entrant does, in steps of 10 ms, so that ties within a millisecond are exact ones. */
interface Plan {
  headStart: number
  takes: number
  ends: 'arrives' | 'fails' | 'never'
}

const plan: fc.Arbitrary<Plan> = fc.record({
  headStart: fc.integer({ min: 0, max: 12 }).map((step) => step * 10),
  takes: fc.integer({ min: 0, max: 30 }).map((step) => step * 10),
  ends: fc.constantFrom('arrives', 'fails', 'never'),
})

/** The rules written down once more, without a clock: when each begins, and who is first. */
function foretell(plans: readonly Plan[], lastStartMs: number) {
  const begins: number[] = []
  let next = 0
  for (const { headStart, takes, ends } of plans) {
    if (next > lastStartMs) break
    begins.push(next)
    next += ends === 'fails' ? Math.min(headStart, takes) : headStart
  }
  const arrivals = begins
    .map((begin, at) => ({ at, ms: begin + (plans[at]?.takes ?? 0) }))
    .filter(({ at }) => plans[at]?.ends === 'arrives')
    .sort((a, b) => a.ms - b.ms || a.at - b.at)
  const winner = arrivals[0]
  const started =
    winner === undefined
      ? begins
      : begins.filter((ms) => ms < winner.ms || ms === begins[winner.at])
  return { begins, winner, startedBefore: started.length }
}

class Run {
  readonly clock = new FakeClock()
  readonly begun: number[] = []
  readonly stopped: unknown[] = []
  readonly discarded: number[] = []
  running = 0

  entrants(plans: readonly Plan[]): Entrant<number>[] {
    return plans.map(({ headStart, takes, ends }, at) => ({
      headStartMs: headStart,
      run: async (signal) => {
        this.begun.push(this.clock.monotonicMs())
        this.running++
        try {
          await this.clock.sleep(ends === 'never' ? 1e9 : takes, signal)
        } catch (reason) {
          this.stopped.push(reason)
          throw reason
        } finally {
          this.running--
        }
        if (ends === 'fails') throw new Error(`${at} failed`)
        return at
      },
    }))
  }

  race(plans: readonly Plan[], lastStartMs = Number.POSITIVE_INFINITY, signal?: AbortSignal) {
    return race(this.entrants(plans), {
      clock: this.clock,
      lastStartMs,
      signal,
      isFatal: () => false,
      discard: (at) => this.discarded.push(at),
    })
  }
}

const finite = fc.array(plan, { minLength: 1, maxLength: 6 })

describe('race, for any entrants', () => {
  it('begins each when its rules say, and lets the first in time, then in order, win', async () => {
    await fc.assert(
      fc.asyncProperty(finite, async (plans) => {
        const someone = plans.filter(({ ends }) => ends !== 'never')
        fc.pre(someone.some(({ ends }) => ends === 'arrives'))
        const told = foretell(plans, Number.POSITIVE_INFINITY)
        const run = new Run()
        const result = run.race(plans)
        await run.clock.advance(10_000)
        const { winner } = await result
        expect(winner?.at).toBe(told.winner?.at)
        expect(run.begun).toEqual(told.begins.slice(0, run.begun.length))
        expect(run.begun.length).toBeGreaterThanOrEqual(told.startedBefore)
      }),
      { numRuns: 300 },
    )
  })

  it('leaves nobody running, no timer set and nothing kept that a loser got', async () => {
    await fc.assert(
      fc.asyncProperty(finite, fc.integer({ min: 0, max: 40 }), async (plans, cancelAfter) => {
        const run = new Run()
        const controller = new AbortController()
        const settled = run.race(plans, Number.POSITIVE_INFINITY, controller.signal).then(
          ({ winner }) => winner?.at,
          () => undefined,
        )
        await run.clock.advance(cancelAfter * 10 + 5)
        controller.abort(new Error('cancelled'))
        await run.clock.advance(0)
        const winner = await settled
        await run.clock.settle()
        expect(run.running).toBe(0)
        expect(run.clock.sleeping).toBe(0)
        expect(run.discarded).not.toContain(winner)
        expect(new Set(run.stopped).size).toBeLessThanOrEqual(1)
      }),
      { numRuns: 300 },
    )
  })

  it('begins nobody after the last moment for that, and says how many began', async () => {
    await fc.assert(
      fc.asyncProperty(finite, fc.integer({ min: 0, max: 300 }), async (plans, lastStartMs) => {
        const failing = plans.map((one): Plan => ({ ...one, ends: 'fails' }))
        const told = foretell(failing, lastStartMs)
        const run = new Run()
        const result = run.race(failing, lastStartMs)
        await run.clock.advance(10_000)
        const { winner, started, failed } = await result
        expect(winner).toBeUndefined()
        expect(started).toBe(told.begins.length)
        expect(failed.size).toBe(started)
        expect(run.begun).toEqual(told.begins)
      }),
      { numRuns: 300 },
    )
  })
})

describe('race', () => {
  const arrives = (takes: number, headStart = 1000): Plan => ({ headStart, takes, ends: 'arrives' })
  const never: Plan = { headStart: 1000, takes: 0, ends: 'never' }

  it.each([
    ['1200 ms, the second at 200 ms after its start at 1000 ms', [arrives(1200), arrives(200)], 0],
    ['1201 ms, a millisecond after the second', [arrives(1201), arrives(200)], 0],
    ['1202 ms, two milliseconds after the second', [arrives(1202), arrives(200)], 1],
  ])('lets the first one win a tie: it arrives at %s', async (_what, plans, winner) => {
    const run = new Run()
    const result = run.race(plans)
    await run.clock.advance(5000)
    expect((await result).winner?.at).toBe(winner)
    expect(run.clock.sleeping).toBe(0)
  })

  it('tells a loser that it was overtaken', async () => {
    const run = new Run()
    const result = run.race([never, arrives(100)])
    await run.clock.advance(2000)
    await result
    await run.clock.settle()
    expect(run.stopped).toEqual([OVERTAKEN])
  })

  it('lets go of what a loser got that did not hear its signal', async () => {
    const clock = new FakeClock()
    const discarded: string[] = []
    const deaf = (text: string, ms: number): Entrant<string> => ({
      headStartMs: 0,
      run: () => clock.sleep(ms).then(() => text),
    })
    const result = race([deaf('slow', 500), deaf('quick', 100)], {
      clock,
      lastStartMs: 0,
      isFatal: () => false,
      discard: (text) => discarded.push(text),
    })
    await clock.advance(1000)
    expect((await result).winner?.value).toBe('quick')
    expect(discarded).toEqual(['slow'])
  })

  it('ends for all at a failure that is fatal', async () => {
    const clock = new FakeClock()
    const fatal = new Error('the credential cannot be used')
    const stopped: unknown[] = []
    const result = race<string>(
      [
        {
          headStartMs: 0,
          run: (signal) =>
            clock.sleep(9000, signal).then(
              () => 'late',
              (reason) => {
                stopped.push(reason)
                throw reason
              },
            ),
        },
        { headStartMs: 0, run: () => Promise.reject(fatal) },
      ],
      { clock, lastStartMs: 0, isFatal: (error) => error === fatal, discard: () => undefined },
    )
    await expect(result).rejects.toBe(fatal)
    await clock.settle()
    expect(stopped).toEqual([fatal])
    expect(clock.sleeping).toBe(0)
  })

  it('of nobody is over at once', async () => {
    const run = new Run()
    expect(await run.race([])).toEqual({ failed: new Set(), started: 0 })
  })
})
