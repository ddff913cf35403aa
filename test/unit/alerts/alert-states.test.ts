import { describe, expect, it } from 'vitest'
import { type AlertState, stepAlerts } from '../../../src/alerts/alert-states.js'
import type { Assessment, Condition } from '../../../src/alerts/conditions.js'
import { DAY, HOUR, hours, MINUTE, minutes } from '../../support/time.js'

const short: Condition = { alert: 'user-proxy', kind: 'user-proxy-short', level: 2 }
const expired: Condition = { alert: 'user-proxy', kind: 'user-proxy-expired', level: 3 }
const failing: Condition = {
  alert: 'renewal',
  kind: 'renewal-failing',
  level: 1,
  graceSeconds: 2 * HOUR,
}
const refused: Condition = { alert: 'renewal', kind: 'renewal-refused', level: 2 }

/** What was told at which minute, given what held at which minute. */
function told(looks: readonly (readonly [minute: number, ...conditions: Condition[]])[]): string[] {
  let states: AlertState[] = []
  return looks.flatMap(([minute, ...conditions]) => {
    const stepped = stepAlerts(states, { conditions, unknown: [] }, minutes(minute), DAY)
    states = stepped.states
    return stepped.changes.map(({ step, state }) => `${minute} ${step} ${state.kind}`)
  })
}

describe('stepAlerts', () => {
  it('tells the beginning once, however often it is looked at within a day', () => {
    const looks = Array.from({ length: 24 }, (_, hour) => [hour * 60, short] as const)
    expect(told(looks)).toEqual(['0 begin user-proxy-short'])
  })

  it('reminds after exactly 24 h, and then after 24 more', () => {
    expect(
      told([
        [0, short],
        [24 * 60 - 1, short],
        [24 * 60, short],
        [47 * 60, short],
        [48 * 60, short],
      ]),
    ).toEqual([
      '0 begin user-proxy-short',
      '1440 reminder user-proxy-short',
      '2880 reminder user-proxy-short',
    ])
  })

  it('tells the end once, and then nothing', () => {
    expect(told([[0, short], [60], [120], [1440]])).toEqual([
      '0 begin user-proxy-short',
      '60 end user-proxy-short',
    ])
  })

  it('tells at once when it gets worse, and not when it gets better again', () => {
    expect(
      told([
        [0, short],
        [30, expired],
        [40, short],
        [50, expired],
      ]),
    ).toEqual(['0 begin user-proxy-short', '30 worse user-proxy-expired'])
  })

  it('holds a transient failure back for 2 h, and forgets one that lasted 119 min', () => {
    expect(
      told([
        [0, failing],
        [119, failing],
        [120, failing],
      ]),
    ).toEqual(['120 begin renewal-failing'])
    expect(told([[0, failing], [119, failing], [120]])).toEqual([])
  })

  it('does not wait out the 2 h when the failure turns out permanent', () => {
    expect(
      told([
        [0, failing],
        [5, refused],
      ]),
    ).toEqual(['5 begin renewal-refused'])
  })

  it('keeps two alerts apart', () => {
    expect(
      told([
        [0, short],
        [10, short, refused],
        [20, refused],
      ]),
    ).toEqual(['0 begin user-proxy-short', '10 begin renewal-refused', '20 end user-proxy-short'])
  })

  it('holds the next beginning back for an hour after an end, and tells it then', () => {
    expect(told([[0, short], [10], [20, short], [69, short], [70, short]])).toEqual([
      '0 begin user-proxy-short',
      '10 end user-proxy-short',
      '70 begin user-proxy-short',
    ])
  })

  it('does not hold back what is worse than what was over', () => {
    expect(told([[0, short], [10], [20, expired]])).toEqual([
      '0 begin user-proxy-short',
      '10 end user-proxy-short',
      '20 begin user-proxy-expired',
    ])
  })

  it('makes 10 mails of a day in which it comes and goes every ten minutes, not 144', () => {
    const looks = Array.from({ length: 144 }, (_, n) =>
      n % 2 === 0 ? ([n * 10, short] as const) : ([n * 10] as const),
    )
    expect(told(looks)).toHaveLength(10)
  })

  it('takes a beginning for news again after a quiet day', () => {
    expect(told([[0, short], [10], [1450], [1460, short]])).toEqual([
      '0 begin user-proxy-short',
      '10 end user-proxy-short',
      '1460 begin user-proxy-short',
    ])
  })

  it('leaves an alert as it is while nothing is known about it', () => {
    const begun = stepAlerts([], { conditions: [refused], unknown: [] }, hours(1), DAY).states
    const unknown: Assessment = { conditions: [], unknown: ['renewal'] }
    const later = stepAlerts(begun, unknown, hours(40), DAY)
    expect(later).toEqual({ states: begun, changes: [] })
    const over = stepAlerts(later.states, { conditions: [], unknown: [] }, hours(41), DAY)
    expect(over.changes.map(({ step }) => step)).toEqual(['end'])
  })

  it('neither floods nor falls silent after the clock was set back by ten days', () => {
    const begun = stepAlerts([], { conditions: [short], unknown: [] }, hours(240), DAY).states
    const back = stepAlerts(begun, { conditions: [short], unknown: [] }, hours(1), DAY)
    expect(back.changes).toEqual([])
    const dayLater = stepAlerts(back.states, { conditions: [short], unknown: [] }, hours(26), DAY)
    expect(dayLater.changes.map(({ step }) => step)).toEqual(['reminder'])
  })

  it('says since when, and how many mails there were', () => {
    let states: AlertState[] = []
    for (const at of [hours(5), hours(29), hours(53)]) {
      states = stepAlerts(states, { conditions: [short], unknown: [] }, at, DAY).states
    }
    expect(states).toEqual([
      {
        alert: 'user-proxy',
        kind: 'user-proxy-short',
        level: 2,
        since: hours(5),
        told: { at: hours(53), level: 2, mails: 3 },
      },
    ])
  })

  it('reminds every ten minutes where the configuration says so', () => {
    let states: AlertState[] = []
    const steps: string[] = []
    for (let minute = 0; minute <= 30; minute += 5) {
      const looked: Assessment = { conditions: [short], unknown: [] }
      const stepped = stepAlerts(states, looked, minutes(minute), 10 * MINUTE)
      states = stepped.states
      steps.push(...stepped.changes.map(({ step }) => step))
    }
    expect(steps).toEqual(['begin', 'reminder', 'reminder', 'reminder'])
  })
})
