import { describe, expect, it } from 'vitest'
import { parseAttributeCertificate } from '../../../src/voms/attribute-certificate.js'
import { parseAttributeRequest } from '../../../src/voms/attribute-request.js'
import { checkGranted } from '../../../src/voms/check-granted.js'
import { parseFqan, showFqan } from '../../../src/voms/fqan.js'
import { makeQuestion } from '../../../src/voms/voms-question.js'
import { TestVoms } from '../../support/ac.js'
import { failureOf } from '../../support/failure.js'
import { TestAuthority } from '../../support/pki.js'

const ask = (...texts: string[]) =>
  makeQuestion('alice', texts.map(parseAttributeRequest), { lifetimeSeconds: 3600 })

describe('a question to a VO', () => {
  it('keeps the order and drops what was said before', () => {
    const { fqans } = ask(
      'alice:/alice/Role=lcgadmin',
      'mine:/alice/team',
      'alice:/alice/Role=lcgadmin',
    )
    expect(fqans.map(showFqan)).toEqual(['/alice/Role=lcgadmin', '/alice/team'])
  })

  it('without an FQAN is for the group of the VO', () => {
    expect(ask('mine').fqans).toEqual([{ group: '/alice' }])
    expect(ask('alice', 'alice:/alice').fqans).toHaveLength(1)
  })

  it.each([
    'alice:/bob',
    'alice:/alicex/team',
    'alice:/bob/alice/Role=x',
    'alice:/alice/Capability=x',
  ])('for %s is refused before anybody is asked', (text) => {
    const failure = failureOf(() => ask(text))
    expect(failure.code).toBe('FQAN_INVALID')
    expect(failure.data).toEqual({ request: text, vo: 'alice' })
  })

  it('with 0 seconds, a part of one, no request, 65 FQANs or a target with an ampersand is misuse', () => {
    const requests = [{ vo: 'alice' }]
    for (const lifetimeSeconds of [0, 1.5, Number.NaN]) {
      expect(() => makeQuestion('alice', requests, { lifetimeSeconds })).toThrow(TypeError)
    }
    expect(() => ask()).toThrow(TypeError)
    const many = Array.from({ length: 65 }, (_, at) => `alice:/alice/g${at}`)
    expect(() => ask(...many)).toThrow(TypeError)
    const lifetimeSeconds = 1
    for (const targets of [['a&b'], ['a b'], ['a#'], ['']]) {
      expect(() => makeQuestion('alice', requests, { lifetimeSeconds, targets })).toThrow(TypeError)
    }
    expect(makeQuestion('alice', requests, { lifetimeSeconds, targets: ['::1'] }).targets).toEqual([
      '::1',
    ])
  })
})

describe('what was granted', () => {
  const ca = new TestAuthority()
  const voms = new TestVoms(ca)
  const user = ca.issueUser('alice')
  const judge = (granted: readonly string[], wanted: readonly string[]) =>
    checkGranted(
      [parseAttributeCertificate(voms.grant(user, { fqans: granted }))],
      wanted.map(parseFqan),
    )

  it.each([
    [['/alice/Role=lcgadmin/Capability=NULL', '/alice'], ['/alice/Role=lcgadmin']],
    [
      ['/alice/team/Role=NULL', '/alice/other', '/alice'],
      ['/alice/team', '/alice'],
    ],
    [['/alice'], ['/alice']],
  ])('%j is as asked for %j', (granted, wanted) => {
    expect(judge(granted, wanted)).toEqual({ kind: 'as-asked' })
  })

  it('is less when one is missing', () => {
    expect(judge(['/alice', '/alice/team'], ['/alice/Role=lcgadmin', '/alice'])).toEqual({
      kind: 'less',
      missing: [{ group: '/alice', role: 'lcgadmin' }],
    })
  })

  it.each([
    ['another primary', ['/alice', '/alice/Role=lcgadmin'], ['/alice/Role=lcgadmin'], '/alice'],
    [
      'another order',
      ['/alice/a', '/alice/c', '/alice/b'],
      ['/alice/a', '/alice/b', '/alice/c'],
      '/alice/a',
    ],
  ])('is disordered with %s', (_what, granted, wanted, primary) => {
    const verdict = judge(granted, wanted)
    expect(verdict).toEqual({ kind: 'disordered', primary: parseFqan(primary) })
  })
})
