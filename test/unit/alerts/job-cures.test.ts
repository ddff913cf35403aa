import { describe, expect, it } from 'vitest'
import { type AlertChange, stepAlerts } from '../../../src/alerts/alert-states.js'
import { assess } from '../../../src/alerts/conditions.js'
import { cureInOneLine } from '../../../src/alerts/mail-text.js'
import { VoboxError } from '../../../src/errors.js'
import { withCure } from '../../../src/renewal/cures.js'
import { explainGrant } from '../../../src/renewal/grant.js'
import { jobFile } from '../../support/jobs.js'
import { DAY, hours, later } from '../../support/time.js'
import { AT, type Changes, failure, observed, registration } from './fixtures.js'

const ofJob = { ...registration, fileName: jobFile(1), servers: ['px.example.org:7512'] }
const dressed = { ...ofJob, voms: ['alice:/alice', 'alice:/alice/Role=prod'] }

const aboutJob = (changes: Changes) => observed({ ...changes, registration: dressed })

/** What one look begins, with its cure. */
function curesOf(changes: Changes) {
  const observation = aboutJob(changes)
  const { changes: begun } = stepAlerts([], { ...assess(observation), unknown: [] }, AT, DAY)
  return begun.map((change: AlertChange) => cureInOneLine(change, observation, 'alice'))
}

const REGISTER = 'vobox-proxy --vo alice job register -s px.example.org:7512 -f FILE -j JOB'
const LIST = 'vobox-proxy --vo alice job list --jobs'

const failed = (code: string, stage?: 'attributes') => ({
  failures: 1,
  lastFailure: failure(code, { ...(stage && { stage }) }),
})
const grant = { askedSeconds: 43_200, grantedSeconds: 3600, limit: 'server-cap' } as const

describe('the cure of a job proxy', () => {
  it.each<[string, Changes, string[]]>([
    ['ends soon', { proxyEnd: later(AT, 1200), state: { failures: 1 } }, [REGISTER, LIST]],
    ['has expired', { proxyEnd: hours(99) }, [REGISTER]],
    ['cannot be read', { proxyEnd: null }, [REGISTER]],
    ['has lost its attributes', { proxyEnd: hours(99), chainEnd: hours(120) }, [REGISTER, LIST]],
    ['gets less than is asked for', { state: { shortGrant: grant } }, ['jobs.lifetime_seconds']],
    ['is refused attributes', { state: failed('VOMS_ATTRIBUTE_NOT_GRANTED', 'attributes') }, []],
  ])('that %s names no command of VO-Box registrations', (_words, changes, named) => {
    const text = curesOf(changes).join(' ')
    for (const part of named) expect(text).toContain(part)
    expect(text).not.toMatch(
      /alice (register|renew|unregister)|--allow-partial|Log in to the VO-Box/,
    )
  })

  it.each(['PROXY_EXPIRED', 'RENEWED_IDENTITY_DIFFERS', 'VOMS_ATTRIBUTE_NOT_GRANTED'] as const)(
    'for the failure %s sends nobody to register',
    (code) => {
      const error = new VoboxError(code, 'no', { hint: 'Ask the VO' })
      const { hint = '' } = withCure(error, { registration: dressed })
      expect(hint).not.toBe('')
      expect(hint).not.toMatch(/registers again$|--username|--allow-partial/)
    },
  )

  it('for a grant that is too short names the setting, and not the option of register', () => {
    expect(explainGrant(grant, ofJob).hint).toContain('or set jobs.lifetime_seconds lower')
    expect(explainGrant(grant, registration).hint).toContain('or register with a lower -t')
  })
})

describe('an alert of a job proxy', () => {
  it('gets worse when the chain ends after its attributes, so that the drop is told', () => {
    const levels = [hours(120), hours(99)].map(
      (chainEnd) =>
        assess(aboutJob({ proxyEnd: hours(99), chainEnd })).conditions.find(
          ({ alert }) => alert === 'user-proxy',
        )?.level,
    )
    expect(levels).toEqual([2, 3])
  })
})
