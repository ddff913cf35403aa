import { describe, expect, it } from 'vitest'
import { attributeShortName } from '../../../../src/asn1/attribute-types.js'
import { TAG } from '../../../../src/asn1/tags.js'
import { subjectFromOneLine } from '../../../../src/myproxy/server/authority/subject-name.js'
import { AccountMap } from '../../../../src/myproxy/server/policy/grid-mapfile.js'
import { decodeText } from '../../../../src/x509/name-text.js'
import { failureOf } from '../../../support/failure.js'

const TAG_NAMES = new Map<number, string>(Object.entries(TAG).map(([name, tag]) => [tag, name]))

/** `CN:printableString:alice`, one for each attribute. */
const spelled = (text: string) =>
  subjectFromOneLine(text).parts.map((part) =>
    part
      .map(({ type, tag, value }) =>
        [attributeShortName(type), TAG_NAMES.get(tag), decodeText(tag, value)].join(':'),
      )
      .join('+'),
  )

/** The string types are those that Debian's myproxy-server 6.2 issued for the same lines. */
describe('subjectFromOneLine', () => {
  it.each([
    [
      '/DC=org/DC=example/OU=Users/CN=bob',
      ['DC:ia5String:org', 'DC:ia5String:example', 'OU:printableString:Users'],
      'CN:printableString:bob',
    ],
    [
      '/C=US/O=Some Place/CN=Bob Builder',
      ['C:printableString:US', 'O:printableString:Some Place'],
      'CN:printableString:Bob Builder',
    ],
    [
      '/C=US/emailAddress=a@b.ch/CN=mail',
      ['C:printableString:US', 'emailAddress:ia5String:a@b.ch'],
      'CN:printableString:mail',
    ],
    ['/dc=low/cn=low', ['DC:ia5String:low'], 'CN:printableString:low'],
    ['/commonName=x/organizationName=y', ['CN:printableString:x'], 'O:printableString:y'],
    ['/DC=a/CN=*star', ['DC:ia5String:a'], 'CN:ia5String:*star'],
    ['/CN=q"x', [], 'CN:ia5String:q"x'],
    ['/UID=x1/CN=c', ['UID:printableString:x1'], 'CN:printableString:c'],
    ['/O=a/b/CN=c', ['O:printableString:a/b'], 'CN:printableString:c'],
    [
      '/DC=org/CN=host/x.example.org',
      ['DC:ia5String:org'],
      'CN:printableString:host/x.example.org',
    ],
    [
      '/ST=Bern/L=x/serialNumber=12/CN=a',
      ['ST:printableString:Bern', 'L:printableString:x', 'serialNumber:printableString:12'],
      'CN:printableString:a',
    ],
  ])('reads %s with the string types of the C server', (text, before, last) => {
    expect(spelled(text)).toEqual([...before, last])
  })

  it.each([
    ['raw', '/O=Grid/CN=José'],
    ['by the numbers of its bytes', '/O=Grid/CN=Jos\\xC3\\xA9'],
  ])('issues a letter that is not ASCII, %s, as UTF-8', (_how, text) => {
    expect(spelled(text)).toEqual(['O:printableString:Grid', 'CN:utf8String:José'])
    expect(subjectFromOneLine(text).oneLine).toBe('/O=Grid/CN=Jos\\xC3\\xA9')
  })

  it('takes a slash that OpenSSL 3 has escaped for one', () => {
    expect(spelled('/CN=host\\/a.b')).toEqual(['CN:printableString:host/a.b'])
  })

  it.each([
    ['no slash at the begin', 'CN=x'],
    ['a blank at the begin', '  /CN=x'],
    ['nothing', ''],
    ['a type that nobody knows', '/XX=a/CN=c'],
    ['Email, which OpenSSL has not', '/C=US/Email=a@b.ch/CN=c'],
    ['a number as type', '/1.2.3.4=a/CN=c'],
    ['an empty value', '/O=x/CN='],
    ['an equals sign in a value', '/CN=a=b/c'],
    ['two attributes in one part', '/O=a+OU=b/CN=c'],
    ['a backslash before a letter', '/CN=a\\b'],
    ['bytes that are not UTF-8', '/CN=a\\xE9'],
    ['a control character', '/CN=a\\x07'],
    ['a tabulator', '/CN=a\tb'],
    ['1025 characters', `/CN=${'x'.repeat(1021)}`],
  ])('refuses %s', (_name, text) => {
    const { code, data } = failureOf(() => subjectFromOneLine(text))
    expect(code).toBe('CONFIG_INVALID')
    expect(data).toHaveProperty('dn')
  })
})

describe('AccountMap', () => {
  const MAP = [
    '# "/CN=comment" bob',
    '"/C=US/O=Some Place/CN=Bob Builder" bob',
    '"/C=US/O=Some Place/CN=Bob Second" bob',
    '"/CN=multi" m1,m2',
    '"/CN=host\\/x.example.org" slash',
    '/DC=org/CN=plain plain',
    '"/CN=Jos\\xc3\\xa9" jose',
  ].join('\n')

  it.each([
    ['bob', '/C=US/O=Some Place/CN=Bob Builder'],
    ['m1', '/CN=multi'],
    ['m2', '/CN=multi'],
    ['slash', '/CN=host/x.example.org'],
    ['plain', '/DC=org/CN=plain'],
    ['jose', '/CN=Jos\\xc3\\xa9'],
    ['m', undefined],
    ['m1,m2', undefined],
    ['', undefined],
  ])('of "%s" is %s, as with the C server', (account, dn) => {
    expect(AccountMap.parse(MAP).dnOf(account)).toBe(dn)
  })
})
