import { describe, expect, it } from 'vitest'
import { canonicalVoms, selectRegistrations } from '../../../src/renewal/query/query-selection.js'
import { type AttributeText, buildName } from '../../../src/x509/name.js'
import { failureOf } from '../../support/failure.js'
import { registration } from '../../support/registry.js'

const ROLE = 'alice:/alice/Role=lcgadmin'
const anna = registration('anna', { voms: [ROLE, 'alice'] })
const annaPlain = registration('anna-plain', {
  identity: anna.identity,
  identityDer: anna.identityDer,
  voms: [],
})
const ben = registration('ben', { voms: ['alice'] })
const identityOf = ({ identity, identityDer }: typeof anna) => ({ identity, identityDer })
const all = [anna, annaPlain, ben]
const who = { vo: 'alice', voms: [] }

describe('selectRegistrations', () => {
  it.each([
    ['every registration for --dn all', all, { ...who, dn: 'all' }, undefined, all],
    ['both registrations of one DN', all, { ...who, dn: '/CN=anna' }, undefined, [anna, annaPlain]],
    ['one of them by its role', all, { ...who, dn: '/CN=anna', voms: [ROLE] }, undefined, [anna]],
    [
      'any that carries one of two values',
      all,
      { ...who, dn: 'all', voms: ['x', ROLE] },
      undefined,
      [anna],
    ],
    ['the login proxy without --dn', all, who, ben.identityDer, [ben]],
    ['the only one for a stranger', [ben], who, anna.identityDer, [ben]],
    ['the only one without a login proxy', [ben], who, undefined, [ben]],
    ['the only one with that role', all, { ...who, voms: [ROLE] }, ben.identityDer, [anna]],
    [
      'the plain one of a DN',
      all,
      { ...who, dn: '/CN=anna', noVoms: true },
      undefined,
      [annaPlain],
    ],
    ['nothing for --dn all where nothing is registered', [], { ...who, dn: 'all' }, undefined, []],
  ])('chooses %s', (_name, registrations, wanted, login, chosen) => {
    expect(selectRegistrations(registrations, wanted, login)).toEqual(chosen)
  })

  it('removes none of two registrations of one person for want of a word', () => {
    const wanted = { ...who, dn: '/CN=anna', ownOnly: true }
    const error = failureOf(() => selectRegistrations(all, wanted, undefined))
    expect(error).toMatchObject({ code: 'REGISTRATION_AMBIGUOUS', data: { candidates: 2 } })
    expect(error.hint).toContain('--no-voms')
    expect(selectRegistrations(all, { ...wanted, voms: [ROLE] }, undefined)).toEqual([anna])
    expect(selectRegistrations(all, { ...wanted, dn: 'all' }, undefined)).toEqual(all)
  })

  it('means by an attribute the one of 2 registrations that it names, though both carry it', () => {
    const groups = registration('anna-groups', { ...identityOf(anna), voms: ['alice', ROLE] })
    const both = [anna, groups]
    for (const person of [{ ...who, dn: '/CN=anna' }, who]) {
      const chosenBy = (...voms: string[]) =>
        selectRegistrations(both, { ...person, voms }, anna.identityDer)
      expect(chosenBy('alice:/alice/Role=NULL')).toEqual([groups])
      expect(chosenBy(ROLE)).toEqual([anna])
      expect(chosenBy(ROLE, 'alice')).toEqual(both)
      const removedBy = (...voms: string[]) =>
        selectRegistrations(both, { ...person, voms, ownOnly: true }, anna.identityDer)
      expect(removedBy('alice', ROLE)).toEqual([groups])
      expect(removedBy(ROLE, 'alice')).toEqual([anna])
    }
    expect(selectRegistrations(both, { ...who, dn: 'all', voms: [ROLE] }, undefined)).toEqual(both)
  })

  it('removes none of 2 that are meant by an older form of one DN', () => {
    const [first, second] = [ROLE, 'alice'].map((voms) => ({ ...robot, voms: [voms] }))
    const wanted = { ...who, dn: '/DC=org/CN=Robot/x', ownOnly: true }
    const two = [first, second] as (typeof robot)[]
    const failure = failureOf(() => selectRegistrations(two, wanted, undefined))
    expect(failure).toMatchObject({ code: 'REGISTRATION_AMBIGUOUS', data: { candidates: 2 } })
    expect(selectRegistrations(two, { ...wanted, voms: ['alice'] }, undefined)).toEqual([second])
  })

  it('takes no empty DN, which a script makes of a variable that is not set', () => {
    const error = failureOf(() => selectRegistrations(all, { ...who, dn: '' }, anna.identityDer))
    expect(error).toMatchObject({ code: 'USAGE', data: { option: 'dn' } })
  })

  const named = (...parts: AttributeText[]) => {
    const { oneLine: identity, der } = buildName(parts)
    return registration('robot', { identity, identityDer: Buffer.from(der).toString('base64') })
  }
  const robot = named(['DC', 'org'], ['CN', 'Robot/x'])

  it('knows a DN by both one-line forms: with and without the backslash of OpenSSL 3', () => {
    expect(robot.identity).toBe('/DC=org/CN=Robot\\/x')
    for (const dn of ['/DC=org/CN=Robot\\/x', '/DC=org/CN=Robot/x']) {
      expect(selectRegistrations([anna, robot], { ...who, dn }, undefined)).toEqual([robot])
    }
    const failure = failureOf(() =>
      selectRegistrations([anna, robot], { ...who, dn: '/DC=org/CN=Robot\\x' }, undefined),
    )
    expect(failure.code).toBe('NOT_REGISTERED')
  })

  it('does not guess between two identities of one older form, but takes the exact one', () => {
    const slash = named(['CN', 'a/OU=b+c'])
    const plus = named(['CN', 'a'], ['OU', 'b/c'])
    const parts = named(['CN', 'a'], ['OU', 'b+c'])
    const exact = named(['CN', 'a/OU=b'], ['OU', 'c'])
    expect([slash, parts].map(({ identity }) => identity)).toEqual([
      '/CN=a\\/OU=b\\+c',
      '/CN=a/OU=b\\+c',
    ])
    const dn = '/CN=a/OU=b+c'
    const failure = failureOf(() =>
      selectRegistrations([slash, plus, parts, exact], { ...who, dn }, undefined),
    )
    expect(failure).toMatchObject({
      code: 'REGISTRATION_AMBIGUOUS',
      data: { identities: [slash.identity, parts.identity] },
    })
    expect(selectRegistrations([slash, parts], { ...who, dn: parts.identity }, undefined)).toEqual([
      parts,
    ])
  })

  it('leaves the only registration alone when it is another one and would be removed', () => {
    const wanted = { ...who, ownOnly: true }
    const failure = failureOf(() => selectRegistrations([ben], wanted, anna.identityDer))
    expect(failure.code).toBe('NOT_REGISTERED')
    expect(failure.message).toBe('the login proxy is not registered for VO alice, another one is')
    expect(selectRegistrations([ben], wanted, ben.identityDer)).toEqual([ben])
  })

  it.each([
    [
      'a DN that is not registered',
      all,
      { ...who, dn: '/CN=carl' },
      undefined,
      'NOT_REGISTERED',
      '/CN=carl is not registered for VO alice',
    ],
    [
      'a DN without that role',
      all,
      { ...who, dn: '/CN=ben', voms: [ROLE] },
      undefined,
      'NOT_REGISTERED',
      `/CN=ben is not registered for VO alice with ${ROLE}`,
    ],
    [
      'a stranger where three are registered',
      all,
      who,
      'AAAA',
      'NOT_REGISTERED',
      'the login proxy is not registered for VO alice, 3 others are',
    ],
    [
      'nobody where three are registered',
      all,
      who,
      undefined,
      'REGISTRATION_AMBIGUOUS',
      'there is no login proxy, and 3 registrations for VO alice',
    ],
    [
      'anybody where none is',
      [],
      who,
      undefined,
      'NOT_REGISTERED',
      'nothing is registered for VO alice',
    ],
    [
      'a DN by its beginning',
      all,
      { ...who, dn: '/CN=ann' },
      undefined,
      'NOT_REGISTERED',
      '/CN=ann is not registered for VO alice',
    ],
  ])('refuses %s', (_name, registrations, wanted, login, code, message) => {
    const failure = failureOf(() => selectRegistrations(registrations, wanted, login))
    expect(failure).toMatchObject({ code, message, data: { vo: 'alice' } })
  })

  it('strips control characters of a DN from the message', () => {
    const wanted = { ...who, dn: '/CN=\u001b]0;x\u0007\nevil' }
    const failure = failureOf(() => selectRegistrations(all, wanted, undefined))
    expect(failure.message).toBe('/CN= ]0;x evil is not registered for VO alice')
  })
})

describe('canonicalVoms', () => {
  it.each([
    ['alice', 'alice'],
    ['alice:/alice', 'alice'],
    ['alice:/alice/Role=NULL/Capability=NULL', 'alice'],
    ['alice:/alice/Role=NULL', 'alice'],
    [`${ROLE}/Capability=NULL`, ROLE],
    ['alice:/alice/sub', 'alice:/alice/sub'],
    ['alice:/alice/sub/Role=NULL/Capability=NULL', 'alice:/alice/sub'],
  ])('%s is %s', (value, canonical) => {
    expect(canonicalVoms(value)).toBe(canonical)
  })
})
