/** Whatever happens to a primary, its runs and the network: one run that works puts everything right. */
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { VoboxError } from '../../src/errors.js'
import { replicateTo } from '../../src/myproxy/server/replication/replicate-to.js'
import { keyOf } from '../../src/myproxy/server/replication/replicated.js'
import { takeSnapshot } from '../../src/myproxy/server/replication/snapshot.js'
import { FakeClock } from '../support/fake-clock.js'
import {
  type Fate,
  PrimaryInMemory,
  ScriptedSecondary,
  STORED,
  StatesInMemory,
  storedEntry,
} from '../support/replication.js'

const NAMES = [{ username: 'a' }, { username: 'b' }, { username: 'a', name: 'b' }] as const

const which = fc.constantFrom(...NAMES)
const change = fc.oneof(
  fc.record({
    kind: fc.constant('put' as const),
    which,
    creds: fc.constantFrom('one', 'two', 'expired'),
    lock: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('remove' as const), which }),
)

/** Of each request in its order; those behind are carried out. */
const fates = fc.array(fc.constantFrom('done', 'refused', 'lost-before', 'lost-after'), {
  maxLength: 4,
})

const step = fc.oneof(
  change,
  fc.record({
    kind: fc.constant('run' as const),
    fates,
    /** After so many requests the process is gone: nothing is written down any more. */
    killedAfter: fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined }),
    /** Made while the run is under way, at its first request. */
    meanwhile: fc.option(change, { nil: undefined }),
  }),
)

type Change = typeof change extends fc.Arbitrary<infer T> ? T : never

function make(primary: PrimaryInMemory, made: Change): void {
  if (made.kind === 'remove') primary.entries.delete(keyOf(made.which))
  else primary.put(storedEntry(made.which, STORED[made.creds], made.lock ? 'stolen' : undefined))
}

it('after any 12 changes and failing runs, a run that works leaves exactly what may be served', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 12, size: 'max' }), async (steps) => {
      const [clock, primary, states] = [
        new FakeClock(),
        new PrimaryInMemory(),
        new StatesInMemory(),
      ]
      const secondary = new ScriptedSecondary()
      const deps = { source: primary, states, clock, signal: new AbortController().signal }
      const run = async () => replicateTo(secondary, await takeSnapshot(primary, clock.now()), deps)

      for (const one of steps) {
        if (one.kind !== 'run') {
          make(primary, one)
          continue
        }
        const left = [...one.fates]
        let requests = 0
        const { killedAfter = Number.POSITIVE_INFINITY } = one
        secondary.fate = (): Fate => {
          requests += 1
          if (one.meanwhile !== undefined && requests === 1) make(primary, one.meanwhile)
          if (requests > killedAfter) return 'lost-before'
          const fate = left.shift() ?? 'done'
          return fate === 'refused' ? new VoboxError('MYPROXY_REFUSED', 'no') : (fate as Fate)
        }
        states.beforeWrite = () => {
          if (requests >= killedAfter) throw new VoboxError('FILE_UNWRITABLE', 'killed')
        }
        await run()
      }

      secondary.fate = () => 'done'
      states.beforeWrite = () => undefined
      expect(await run()).toMatchObject({ behind: 0, behindSince: null, failure: null })
      const held = [...secondary.holds].filter(([, { creds }]) => creds !== STORED.expired)
      const served = [...primary.entries].filter(
        ([, { creds, lockMessage }]) => creds !== STORED.expired && lockMessage === undefined,
      )
      expect(new Map(held)).toEqual(new Map(served))
      secondary.asked.length = 0
      await run()
      expect(secondary.asked).toEqual([])
    }),
    { numRuns: 300 },
  )
})
