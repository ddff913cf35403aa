import { describe, expect, it } from 'vitest'
import { parseAttributeRequest, showAttributeRequest } from '../../../src/voms/attribute-request.js'
import {
  type Fqan,
  parseFqan,
  sameFqan,
  showFqan,
  showFullFqan,
  voOfFqan,
} from '../../../src/voms/fqan.js'
import { failureOf } from '../../support/failure.js'

describe('an FQAN', () => {
  const read: [string, Fqan, string, string][] = [
    ['/alice', { group: '/alice' }, '/alice', '/alice/Role=NULL/Capability=NULL'],
    [
      '/alice/Role=NULL/Capability=NULL',
      { group: '/alice' },
      '/alice',
      '/alice/Role=NULL/Capability=NULL',
    ],
    [
      '/alice/team/Role=lcgadmin',
      { group: '/alice/team', role: 'lcgadmin' },
      '/alice/team/Role=lcgadmin',
      '/alice/team/Role=lcgadmin/Capability=NULL',
    ],
    [
      '/vo.example.org/a_b-c/Role=r.1/Capability=long job',
      { group: '/vo.example.org/a_b-c', role: 'r.1', capability: 'long job' },
      '/vo.example.org/a_b-c/Role=r.1/Capability=long job',
      '/vo.example.org/a_b-c/Role=r.1/Capability=long job',
    ],
    [
      '/alice/Capability=x',
      { group: '/alice', capability: 'x' },
      '/alice/Capability=x',
      '/alice/Role=NULL/Capability=x',
    ],
  ]

  it.each(read)('%s is read, shown short and shown in full', (text, fqan, short, full) => {
    const parsed = parseFqan(text)
    expect(parsed).toEqual(fqan)
    expect(showFqan(parsed)).toBe(short)
    expect(showFullFqan(parsed)).toBe(full)
  })

  it.each([
    '',
    '/',
    'alice',
    '/alice/',
    '//alice',
    '/alice/Role=',
    '/alice/role=x',
    '/Role=lcgadmin',
    '/alice/Capability=x/Role=y',
    '/alice/Role=x/Role=y',
    '/alice/Role=x/team',
    '/alice/Role=x y',
    '/alice\n',
    '/alice\u0000',
    '/alícé',
    '/alice;rm',
    `/${'a'.repeat(600)}`,
  ])('%j is none', (text) => {
    expect(failureOf(() => parseFqan(text))).toMatchObject({ code: 'FQAN_INVALID' })
  })

  it('is the same with and without its NULL parts, also when built by hand', () => {
    const same = (a: string, b: string) => sameFqan(parseFqan(a), parseFqan(b))
    expect(same('/alice/Role=lcgadmin', '/alice/Role=lcgadmin/Capability=NULL')).toBe(true)
    expect(same('/alice', '/alice/Role=NULL')).toBe(true)
    expect(sameFqan({ group: '/alice', role: 'NULL' }, { group: '/alice' })).toBe(true)
    expect(same('/alice', '/alice/team')).toBe(false)
    expect(same('/alice/Role=a', '/alice/Role=A')).toBe(false)
    expect(same('/alice/Role=a', '/alice')).toBe(false)
  })

  it('belongs to the VO of its first group', () => {
    expect(voOfFqan(parseFqan('/vo.example.org/team/Role=r'))).toBe('vo.example.org')
  })
})

describe('a request for attributes', () => {
  it.each([
    ['alice', { vo: 'alice' }, 'alice'],
    ['alice:/alice/team', { vo: 'alice', fqan: { group: '/alice/team' } }, 'alice:/alice/team'],
    [
      'my-alias:/alice/Role=lcgadmin/Capability=NULL',
      { vo: 'my-alias', fqan: { group: '/alice', role: 'lcgadmin' } },
      'my-alias:/alice/Role=lcgadmin',
    ],
  ])('%s is read and shown', (text, request, shown) => {
    expect(parseAttributeRequest(text)).toEqual(request)
    expect(showAttributeRequest(parseAttributeRequest(text))).toBe(shown)
  })

  it.each(['', ':/alice', 'a b', '/alice', 'alice:', 'alice:x', 'al\u001bice'])(
    '%j is none',
    (text) => {
      expect(failureOf(() => parseAttributeRequest(text)).code).toBe('FQAN_INVALID')
    },
  )

  it('that is none says how to write one', () => {
    expect(failureOf(() => parseAttributeRequest('a b'))).toMatchObject({
      hint: 'write VO or VO:FQAN, e.g. alice:/alice/Role=lcgadmin',
      data: { request: 'a b' },
    })
  })
})
