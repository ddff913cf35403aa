import { describe, expect, it } from 'vitest'
import {
  derOid,
  derSequence,
  derSet,
  derUtf8String,
  encodeDer,
  TAG,
} from '../../../src/asn1/der.js'
import {
  type AttributeText,
  addedCommonName,
  buildName,
  EMPTY_NAME,
  isEmptyName,
  isNameText,
  nameHash,
  nameHashOld,
  nameWithCommonName,
  parseName,
  sameName,
} from '../../../src/x509/name.js'
import { failureOf } from '../../support/failure.js'

const alice = buildName([
  ['DC', 'org'],
  ['O', 'Example'],
  ['CN', 'Alice Müller'],
])

describe('the one-line form', () => {
  it.each<[string, readonly (AttributeText | readonly AttributeText[])[], string]>([
    [
      'plain ASCII',
      [
        ['C', 'CH'],
        ['CN', 'host/a.example.org'],
      ],
      '/C=CH/CN=host\\/a.example.org',
    ],
    ['UTF-8 letters, byte by byte', [['CN', 'é']], '/CN=\\xC3\\xA9'],
    ['T61 letters, one byte each', [['CN', 'é', 't61']], '/CN=\\xE9'],
    ['BMP letters with their zero bytes', [['CN', 'aé', 'bmp']], '/CN=\\x00a\\x00\\xE9'],
    ['control characters and DEL', [['CN', 'a\n\x7f']], '/CN=a\\x0A\\x7F'],
    [
      'two attributes in one part',
      [
        [
          ['CN', 'a'],
          ['UID', 'b'],
        ],
      ],
      '/CN=a+UID=b',
    ],
    ['an unknown type by its number', [['1.3.6.1.4.1.99999.1', 'x']], '/1.3.6.1.4.1.99999.1=x'],
    ['no parts', [], ''],
  ])('shows %s', (_name, parts, expected) => {
    expect(buildName(parts).oneLine).toBe(expected)
  })

  it('has a classic form without escapes, in which people wrote DNs down', () => {
    const name = buildName([
      ['CN', 'host/a+b'],
      [
        ['CN', 'c'],
        ['UID', 'd'],
      ],
    ])
    expect(name.oneLine).toBe('/CN=host\\/a\\+b/CN=c+UID=d')
    expect(name.classicOneLine).toBe('/CN=host/a+b/CN=c/UID=d')
    expect(isNameText(name, name.oneLine)).toBe(true)
    expect(isNameText(name, '/CN=host/a+b/CN=c/UID=d')).toBe(true)
    expect(isNameText(name, '/CN=host/a+b/CN=c+UID=d')).toBe(false)
  })

  it('shows a GeneralString of 32-bit characters by their last octets, as OpenSSL does', () => {
    const wide = encodeDer(TAG.generalString, Buffer.from('0000004100000042', 'hex'))
    const name = parseName(derSequence(derSet(derSequence(derOid('2.5.4.3'), wide))))
    expect(name.oneLine).toBe('/CN=AB')
  })
})

describe('names as bytes', () => {
  it('tells the same text in two string types apart', () => {
    const utf8 = buildName([['CN', 'Alice']])
    const printable = buildName([['CN', 'Alice', 'printable']])
    expect(utf8.oneLine).toBe(printable.oneLine)
    expect(sameName(utf8, printable)).toBe(false)
    expect(sameName(utf8, parseName(Buffer.from(utf8.der)))).toBe(true)
  })

  it('keeps an unsorted multi-valued part as it came', () => {
    const one = derSequence(derOid('2.5.4.11'), derUtf8String('zz'))
    const other = derSequence(derOid('2.5.4.3'), derUtf8String('a'))
    const der = derSequence(encodeDer(TAG.set, one, other))
    expect(parseName(der).der).toEqual(der)
    expect(parseName(der).oneLine).toBe('/OU=zz+CN=a')
  })

  it('adds one common name and leaves every byte before it alone', () => {
    const proxy = nameWithCommonName(alice, '12345')
    expect(proxy.oneLine).toBe('/DC=org/O=Example/CN=Alice M\\xC3\\xBCller/CN=12345')
    const content = Buffer.from(alice.der).subarray(2)
    expect(Buffer.from(proxy.der).indexOf(content)).toBe(2)
    expect(addedCommonName(alice, proxy)).toBe('12345')
  })

  it.each([
    ['the same name', alice],
    ['two more common names', nameWithCommonName(nameWithCommonName(alice, '1'), '2')],
    [
      'another organisation',
      nameWithCommonName(
        buildName([
          ['DC', 'org'],
          ['O', 'Other'],
          ['CN', 'Alice Müller'],
        ]),
        '1',
      ),
    ],
    [
      'one more part of another type',
      buildName([
        ['DC', 'org'],
        ['O', 'Example'],
        ['CN', 'Alice Müller'],
        ['OU', '1'],
      ]),
    ],
    [
      'one more part with two values',
      buildName([
        ['DC', 'org'],
        ['O', 'Example'],
        ['CN', 'Alice Müller'],
        [
          ['CN', '1'],
          ['UID', '2'],
        ],
      ]),
    ],
    [
      'the same text in another string type',
      nameWithCommonName(
        buildName([
          ['DC', 'org'],
          ['O', 'Example', 'printable'],
          ['CN', 'Alice Müller'],
        ]),
        '1',
      ),
    ],
  ])('sees no added common name in %s', (_name, subject) => {
    expect(addedCommonName(alice, subject)).toBeUndefined()
  })

  it('knows the empty name', () => {
    expect(isEmptyName(EMPTY_NAME)).toBe(true)
    expect(isEmptyName(alice)).toBe(false)
    expect(Buffer.from(EMPTY_NAME.der).toString('hex')).toBe('3000')
  })

  it.each([
    ['trailing bytes', Buffer.concat([alice.der, Buffer.of(0)])],
    ['a part that is not a set', derSequence(derSequence())],
    ['an empty set', derSequence(derSet())],
    ['an attribute without a value', derSequence(derSet(derSequence(derOid('2.5.4.3'))))],
    [
      'an attribute with two values',
      derSequence(derSet(derSequence(derOid('2.5.4.3'), derUtf8String('a'), derUtf8String('b')))),
    ],
    ['a set', derSet()],
  ])('refuses a name with %s', (_name, der) => {
    expect(failureOf(() => parseName(der)).code).toBe('ASN1_MALFORMED')
  })

  it('takes an unknown attribute type for a mistake of the programmer', () => {
    expect(() => buildName([['NONSENSE', 'x']])).toThrow(TypeError)
  })
})

describe('hashes of names', () => {
  // Two public roots, known by these file names in every hashed directory.
  it.each<[string, AttributeText[], string, string]>([
    [
      'ISRG Root X1',
      [
        ['C', 'US', 'printable'],
        ['O', 'Internet Security Research Group', 'printable'],
        ['CN', 'ISRG Root X1', 'printable'],
      ],
      '4042bcee',
      '6187b673',
    ],
    [
      'DigiCert Global Root CA',
      [
        ['C', 'US', 'printable'],
        ['O', 'DigiCert Inc', 'printable'],
        ['OU', 'www.digicert.com', 'printable'],
        ['CN', 'DigiCert Global Root CA', 'printable'],
      ],
      '3513523f',
      '399e7759',
    ],
  ])('are those of %s', (_name, parts, hash, oldHash) => {
    const name = buildName(parts)
    expect([nameHash(name), nameHashOld(name)]).toEqual([hash, oldHash])
  })

  it('ignore case, white space and string type in the present form, nothing in the old one', () => {
    const plain = buildName([
      ['C', 'CH'],
      ['CN', 'example ca'],
    ])
    const odd = buildName([
      ['C', 'CH'],
      ['CN', '  Example \t CA ', 'bmp'],
    ])
    expect(nameHash(odd)).toBe(nameHash(plain))
    expect(nameHashOld(odd)).not.toBe(nameHashOld(plain))
  })
})
