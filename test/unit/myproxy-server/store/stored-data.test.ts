import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  encodeStoredData,
  parseStoredData,
  type StoredData,
} from '../../../../src/myproxy/server/store/stored-data.js'
import { failureOf } from '../../../support/failure.js'

/** Written by Debian's myproxy-server 6.2.14 for `myproxy-init -l alice -k second/x -K … -R …`. */
const FROM_THE_C_SERVER = [
  'OWNER=/DC=ch/DC=cern/OU=Users/CN=alicesgm',
  'LIFETIME=86400',
  'NAME=second/x',
  'DESCRIPTION=a second one',
  'RENEWERS=*/CN=vobox.test.ch',
  'USERNAME=alicepass',
  'END_OPTIONS',
  '',
].join('\n')

const parse = (text: string) => parseStoredData(Buffer.from(text))

describe('parseStoredData', () => {
  it('reads what the C server wrote', () => {
    expect(parse(FROM_THE_C_SERVER)).toEqual({
      username: 'alicepass',
      name: 'second/x',
      owner: '/DC=ch/DC=cern/OU=Users/CN=alicesgm',
      lifetimeSeconds: 86_400,
      description: 'a second one',
      renewer: '*/CN=vobox.test.ch',
    })
  })

  it.each([
    ['an empty file', '', 'END_OPTIONS'],
    ['no end', FROM_THE_C_SERVER.replace('END_OPTIONS\n', ''), 'END_OPTIONS'],
    ['an end cut short', FROM_THE_C_SERVER.slice(0, -2), 'END_OPTIONS'],
    ['no owner', FROM_THE_C_SERVER.replace(/OWNER.*\n/, ''), 'OWNER'],
    ['no user name', FROM_THE_C_SERVER.replace(/USERNAME.*\n/, ''), 'USERNAME'],
    ['a line of a kind that it does not know', `HOLDERS=x\n${FROM_THE_C_SERVER}`, 'HOLDERS'],
    ['a line that is no setting', `# by hand\n${FROM_THE_C_SERVER}`, '# by hand'],
    ['two owners', `OWNER=/CN=eve\n${FROM_THE_C_SERVER}`, 'OWNER'],
    ['a lifetime in words', FROM_THE_C_SERVER.replace('86400', 'a day'), 'LIFETIME'],
    ['a negative lifetime', FROM_THE_C_SERVER.replace('86400', '-1'), 'LIFETIME'],
  ])('refuses %s', (_name, text, what) => {
    const error = failureOf(() => parse(text))
    expect(error.code).toBe('MYPROXY_STORE_MALFORMED')
    expect(error.data).toEqual({ what })
  })

  it.each([
    ['alice', '', { username: 'alice' }],
    ['alice-grid', 'NAME=grid\n', { username: 'alice', name: 'grid' }],
  ])('takes the user from the file name %s where an old C server wrote none', (stem, line, who) => {
    const text = `OWNER=/CN=alice\n${line}END_OPTIONS\n`
    const data = { ...who, owner: '/CN=alice', lifetimeSeconds: 0 }
    expect(parseStoredData(Buffer.from(text), stem)).toEqual(data)
  })

  it('takes the empty name of `-k ""` for none, as INFO of the C server shows it', () => {
    expect(parse(FROM_THE_C_SERVER.replace('second/x', ''))).not.toHaveProperty('name')
  })

  it('refuses bytes that are not UTF-8', () => {
    const bytes = Buffer.concat([Buffer.from('OWNER='), Buffer.of(0xff), Buffer.from('\n')])
    expect(failureOf(() => parseStoredData(bytes)).data).toEqual({ what: 'text' })
  })
})

describe('encodeStoredData', () => {
  it('puts the fingerprint after the end, where the C server has stopped reading', () => {
    const data = { username: 'a', owner: '/CN=a', lifetimeSeconds: 60, fingerprint: 'ab' }
    const text = encodeStoredData(data).toString()
    expect(text).toMatch(/END_OPTIONS\nCREDS_SHA256=ab\n$/)
  })

  it('refuses a value that would become a line of its own', () => {
    const data = { username: 'a', owner: '/CN=a', lifetimeSeconds: 0, renewer: 'x\nOWNER=/CN=eve' }
    const error = failureOf(() => encodeStoredData(data))
    expect(error.code).toBe('MYPROXY_VALUE_INVALID')
    expect(error.data).toMatchObject({ key: 'RENEWERS' })
  })

  it('names a damaged line without its control characters', () => {
    const bytes = Buffer.from('LIFETIME=0\nOWNER=/CN=a\n\u0001X=\n\u0001X=\nEND_OPTIONS\n')
    const error = failureOf(() => parseStoredData(bytes))
    expect(error).toMatchObject({ code: 'MYPROXY_STORE_MALFORMED', data: { what: ' X' } })
  })

  it('gives back whatever was put in', () => {
    const anything = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 60 })
    const hostile = fc.constantFrom(
      '\u2028END_OPTIONS',
      'x\u2029OWNER=/CN=eve',
      '\u0085END_OPTIONS',
    )
    const text = fc.oneof(anything, hostile).filter((value) => !/[\r\n\0]/.test(value))
    const data = fc.record(
      {
        username: text,
        owner: text,
        // As many digits as a request can have.
        lifetimeSeconds: fc.nat({ max: 999_999_999_999_999 }),
        name: text,
        description: text,
        renewer: text,
        retriever: text,
        trustedRetriever: text,
        keyRetriever: text,
        fingerprint: fc.stringMatching(/^[0-9a-f]{64}$/),
      },
      { requiredKeys: ['username', 'owner', 'lifetimeSeconds'] },
    )
    fc.assert(
      fc.property(data, (given) => {
        expect(parseStoredData(encodeStoredData(given as StoredData))).toEqual(given)
      }),
    )
  })
})
