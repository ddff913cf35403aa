import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeJson, parseAlertRecord } from '../../src/alerts/alert-schema.js'
import { type AlertChange, type AlertState, stepAlerts } from '../../src/alerts/alert-states.js'
import type { AlertName, Assessment, Condition } from '../../src/alerts/conditions.js'
import { asUnixSeconds } from '../../src/ports/clock.js'
import { parseMailAddress } from '../../src/ports/mail-address.js'
import { DAY } from '../support/time.js'

const conditions: readonly Condition[] = [
  { alert: 'user-proxy', kind: 'user-proxy-short', level: 2 },
  { alert: 'user-proxy', kind: 'user-proxy-expired', level: 3 },
  { alert: 'stored-credential', kind: 'stored-credential-short', level: 2 },
  { alert: 'renewal', kind: 'renewal-failing', level: 1, graceSeconds: 7200 },
  { alert: 'renewal', kind: 'renewal-refused', level: 2 },
]
const names: readonly AlertName[] = ['user-proxy', 'stored-credential', 'renewal']

/** A look: how long after the last one, what holds, and what is not known. */
const look = fc.record({
  afterSeconds: fc.oneof(fc.integer({ min: 1, max: 7200 }), fc.integer({ min: 1, max: 3 * DAY })),
  holding: fc.subarray([...conditions]),
  unknown: fc.subarray([...names]),
})
interface Look {
  afterSeconds: number
  holding: readonly Condition[]
  unknown: readonly AlertName[]
}

/** One condition an alert, and nothing both known and unknown, as `assess` has it. */
function assessment({ holding, unknown }: Look): Assessment {
  const byAlert = new Map(holding.map((condition) => [condition.alert, condition]))
  return {
    conditions: [...byAlert.values()],
    unknown: unknown.filter((alert) => !byAlert.has(alert)),
  }
}

interface Told extends AlertChange {
  at: number
}

function watch(looks: readonly Look[]): { told: Told[]; states: AlertState[] } {
  let states: AlertState[] = []
  let at = 1_000_000
  const told: Told[] = []
  for (const one of looks) {
    at += one.afterSeconds
    const stepped = stepAlerts(states, assessment(one), asUnixSeconds(at), DAY)
    states = stepped.states
    told.push(...stepped.changes.map((change) => ({ ...change, at })))
  }
  return { told, states }
}

const looks = fc.array(look, { maxLength: 60 })
const of = (told: readonly Told[], alert: AlertName) =>
  told.filter(({ state }) => state.alert === alert)

describe('alerts, whatever happens', () => {
  it('begin and end in turns, with nothing but "worse" and reminders between', () => {
    fc.assert(
      fc.property(looks, (given) => {
        const { told } = watch(given)
        for (const alert of names) {
          let open = false
          for (const { step } of of(told, alert)) {
            expect(step === 'begin').toBe(!open)
            open = step !== 'end'
          }
        }
      }),
    )
  })

  it('never make more than 14 mails about one alert in any 24 hours', () => {
    fc.assert(
      fc.property(looks, (given) => {
        const { told } = watch(given)
        for (const alert of names) {
          const times = of(told, alert).map(({ at }) => at)
          for (const from of times) {
            const within = times.filter((at) => at >= from && at < from + DAY)
            expect(within.length).toBeLessThanOrEqual(14)
          }
        }
      }),
    )
  })

  it('say at once when something is worse than anything that was told within the day', () => {
    fc.assert(
      fc.property(looks, (given) => {
        const { told } = watch([
          ...given,
          { afterSeconds: 2 * DAY, holding: [], unknown: [] },
          { afterSeconds: 2 * DAY, holding: [], unknown: [] },
          { afterSeconds: 60, holding: [conditions[1] as Condition], unknown: [] },
        ])
        expect(told.at(-1)).toMatchObject({ step: 'begin', state: { kind: 'user-proxy-expired' } })
      }),
    )
  })

  it('are the same after they were written and read at any moment', () => {
    fc.assert(
      fc.property(looks, (given) => {
        const { states } = watch(given)
        expect(parseAlertRecord(encodeJson({ states, outbox: [] }))?.states).toEqual(states)
      }),
    )
  })

  it('leave no state behind when all is well for long enough', () => {
    fc.assert(
      fc.property(looks, (given) => {
        const quiet = { afterSeconds: 2 * DAY, holding: [], unknown: [] }
        expect(watch([...given, quiet, quiet]).states).toEqual([])
      }),
    )
  })

  it('survive a record of any JSON, and never believe half of one', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        const record = parseAlertRecord(Buffer.from(text))
        if (record !== undefined) expect(Array.isArray(record.states)).toBe(true)
      }),
    )
  })
})

describe('texts, whatever comes in', () => {
  it('an address that is taken has no character with a meaning to headers, shells or sendmail', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 40 }), (text) => {
        try {
          expect(parseMailAddress(text)).toMatch(/^[A-Za-z0-9_][A-Za-z0-9_+=~'&#.@-]*$/)
        } catch (error) {
          expect(error).toMatchObject({ code: 'MAIL_ADDRESS_INVALID' })
        }
      }),
    )
  })
})
