import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import type { RegistrationState } from '../../../src/registry/registration.js'
import {
  knownAfter,
  ofStandIn,
  type StoredSight,
  standsIn,
} from '../../../src/renewal/stored-news.js'
import { days, hours, later } from '../../support/time.js'

const FIRST = 'px1.example.org:7512'
const SECOND = 'px2.example.org:7513'
/** As they are registered: without the port where it is the usual one. */
const list = { servers: ['px1.example.org', 'px2.example.org:7513'] }

const sight = (changes: Partial<StoredSight> = {}): StoredSight => ({
  at: days(30),
  learnedAt: hours(2),
  from: 'chain',
  server: FIRST,
  ...changes,
})
const infoFailure = { at: hours(1), code: 'MYPROXY_REFUSED', message: 'no' }
const known = (storedEnd: Partial<StoredSight>, more: object = {}): RegistrationState => ({
  failures: 0,
  storedEnd: sight({ learnedAt: hours(1), ...storedEnd }),
  ...more,
})

describe('knownAfter', () => {
  it('believes the first look, whichever it is', () => {
    expect(knownAfter(list, { failures: 0 }, sight())).toEqual({ storedEnd: sight() })
  })

  it.each<[string, Partial<StoredSight>, Partial<StoredSight>, 'known' | 'sight']>([
    ['keeps that the server said so when a chain shows the same', { from: 'info' }, {}, 'known'],
    ['keeps it with 2 min of difference', { from: 'info' }, { at: later(days(30), -120) }, 'known'],
    ['believes a chain with 121 s', { from: 'info' }, { at: later(days(30), -121) }, 'sight'],
    ['believes a chain of another credential', { from: 'info' }, { at: days(60) }, 'sight'],
    ['believes INFO after a chain', {}, { from: 'info' }, 'sight'],
    ['believes a later look of the same kind', {}, {}, 'sight'],
    ['believes the first server that has less', {}, { at: days(9) }, 'sight'],
    ['believes the first server after the second', { server: SECOND }, { at: days(9) }, 'sight'],
    [
      'believes the second with an hour less: it was stored in one go',
      {},
      { server: SECOND, at: later(days(30), -3600) },
      'sight',
    ],
    ['believes the second with more', {}, { server: SECOND, at: days(31) }, 'sight'],
    [
      'believes the second with less, once what the first had is over',
      { at: hours(2) },
      { server: SECOND, at: hours(0) },
      'sight',
    ],
  ])('%s', (_name, before, look, which) => {
    const state = known(before)
    const after = knownAfter(list, state, sight(look))
    expect(after).toEqual({ storedEnd: which === 'known' ? state.storedEnd : sight(look) })
  })

  it('keeps what the first server holds when the second has a day less, and says which is behind', () => {
    const state = known({ from: 'info' })
    expect(knownAfter(list, state, sight({ server: SECOND, at: days(29) }))).toEqual({
      storedEnd: state.storedEnd,
      behind: { server: SECOND, end: days(29), ahead: { server: FIRST, end: days(30) } },
    })
  })

  it('takes the server from the last renewal in a state from before it was kept', () => {
    const storedEnd = { at: days(30), learnedAt: hours(1), from: 'chain' } as const
    const state = { failures: 0, renewedFrom: FIRST, storedEnd }
    expect(knownAfter(list, state, sight({ server: SECOND, at: days(9) })).behind?.ahead).toEqual({
      server: FIRST,
      end: days(30),
    })
  })

  it('forgets that INFO was refused when it is answered, and not by a chain', () => {
    const state = known({}, { infoFailure })
    expect(knownAfter(list, state, sight())).toEqual({ storedEnd: sight(), infoFailure })
    const info = sight({ from: 'info' })
    expect(knownAfter(list, state, info)).toEqual({ storedEnd: info })
  })
})

describe('a server that stands in', () => {
  it.each([
    [FIRST, false],
    [`${FIRST} (192.0.2.1)`, false],
    [SECOND, true],
    [`${SECOND} (192.0.2.2)`, true],
    ['elsewhere.example.org:7512', false],
    [undefined, false],
  ])('is %s: %s', (server, expected) => {
    expect(standsIn(list, server)).toBe(expected)
  })

  it('fails for now only, and names the first; an old copy is nobody’s upload', () => {
    const refused = new VoboxError('MYPROXY_CREDENTIAL_EXPIRED', `${SECOND} holds an expired one`, {
      hint: 'upload',
      data: { peer: `${SECOND} (192.0.2.2)` },
    })
    const error = ofStandIn(refused, list)
    expect(error).toMatchObject({
      code: 'MYPROXY_CREDENTIAL_EXPIRED',
      persistence: 'transient',
      message: `px1.example.org cannot be reached, and ${SECOND} holds an expired one`,
      data: { standsInFor: 'px1.example.org' },
    })
    expect(error.hint).toMatch(/^It passes when px1.example.org answers again; if it lasts, ask/)
  })

  it('keeps the cure of a refusal that has nothing to do with a copy', () => {
    const data = { peer: SECOND }
    const refused = new VoboxError('MYPROXY_NOT_AUTHORISED_RENEWER', 'no', { hint: 'cure', data })
    expect(ofStandIn(refused, list)).toMatchObject({ persistence: 'transient', hint: 'cure' })
  })

  it.each([
    ['of the first server', new VoboxError('MYPROXY_REFUSED', 'no', { data: { peer: FIRST } })],
    ['that is no refusal', new VoboxError('RENEWED_LIMITED', 'no', { data: { peer: SECOND } })],
  ])('leaves a failure %s as it is', (_name, error) => {
    expect(ofStandIn(error, list)).toBe(error)
  })
})
