import { describe, expect, it } from 'vitest'
import { buildName, type Name } from '../../../src/x509/name.js'
import { allowsSubject, parseSigningPolicy } from '../../../src/x509/signing-policy.js'
import { failureOf } from '../../support/failure.js'

const ca = buildName([
  ['C', 'CH'],
  ['O', 'Example'],
  ['CN', 'Example CA'],
])
const alice = buildName([
  ['C', 'CH'],
  ['O', 'Example'],
  ['CN', 'Alice'],
])

const policyOf = (subjects: string, authority = '/C=CH/O=Example/CN=Example CA') =>
  parseSigningPolicy(
    `access_id_CA X509 '${authority}'\npos_rights globus CA:sign\ncond_subjects globus ${subjects}\n`,
  )
const allows = (subjects: string, subject: Name = alice) =>
  allowsSubject(policyOf(subjects), ca, subject)

describe('a signing policy', () => {
  it('reads as CAs publish it: comments, tabs, CRLF, several patterns, several CAs', () => {
    const policy = parseSigningPolicy(
      [
        '# EACL Example CA',
        '#############################################################',
        ' access_id_CA\tX509\t"/C=CH/O=Example/CN=Example CA"',
        ' pos_rights\tglobus\tCA:sign',
        ' cond_subjects\tglobus\t\'"/C=CH/O=Example/*"  "/C=ch/O=Other/*"\'',
        '',
        "access_id_CA X509 '/CN=Second'",
        'pos_rights globus CA:sign # why not',
        'cond_subjects globus \'"/CN=x"\'',
        '',
      ].join('\r\n'),
    )
    expect(policy).toEqual([
      {
        authorities: ['/C=CH/O=Example/CN=Example CA'],
        subjects: ['/C=CH/O=Example/*', '/C=ch/O=Other/*'],
        bannedSubjects: [],
      },
      { authorities: ['/CN=Second'], subjects: ['/CN=x'], bannedSubjects: [] },
    ])
  })

  // Each line was put to Globus' own matcher (oldgaa), with the same answer.
  it.each([
    ['a star at the end takes the rest', '"/C=CH/O=Example/*"', true],
    ['a star alone takes everything', '"*"', true],
    ['without a star the whole name counts', '"/C=CH/O=Example/CN=Alice"', true],
    ['without a star a prefix is not enough', '"/C=CH/O=Example"', false],
    ['case does not count', '"/c=ch/o=EXAMPLE/*"', true],
    ['a star in the middle takes what is between', '"/C=CH/*/CN=Alice"', true],
    ['what follows a star must be the end', '"/C=CH/*/CN=Bob"', false],
    ['only the last star is one', '"/C=*/O=Example/*"', false],
    ['a star stands for one character at least', '"/C=CH/O=Example/CN=Alice*"', false],
    ['a question mark is a question mark', '"/C=CH/O=Example/CN=Alic?"', false],
    ['a dot is a dot', '"/C=CH/O=Exampl./*"', false],
    ['one of several patterns is enough', '\'"/C=DE/*" "/C=CH/*"\'', true],
    ['none of several is none', '\'"/C=DE/*" "/C=FR/*"\'', false],
    ['no patterns allow nothing', '""', false],
  ])('%s', (_name, subjects, expected) => {
    expect(allows(subjects)).toBe(expected)
  })

  it('takes old spellings of e-mail address and user id for the new ones', () => {
    const email = buildName([
      ['C', 'CH'],
      ['emailAddress', 'a@b'],
    ])
    const uid = buildName([
      ['C', 'CH'],
      ['UID', 'alice'],
    ])
    expect(allows('"/C=CH/Email=a@b"', email)).toBe(true)
    expect(allows('"/C=CH/E=a@b"', email)).toBe(true)
    expect(allows('"/C=CH/USERID=alice"', uid)).toBe(true)
  })

  it('matches a slash inside a value as CAs write it and as OpenSSL 3 does', () => {
    const host = buildName([
      ['C', 'CH'],
      ['CN', 'host/a.example.org'],
    ])
    expect(allows('"/C=CH/CN=host/*"', host)).toBe(true)
    expect(allows('"/C=CH/CN=host\\/*"', host)).toBe(true)
    expect(allows('"/C=CH/CN=host/b*"', host)).toBe(false)
  })

  it('answers the same when asked again, and what another policy was asked is no answer of its own', () => {
    const upper = policyOf('"/C=CH/O=EXAMPLE/*"')
    const other = policyOf('"/C=CH/O=Other/*"')
    const answers = [upper, other, upper, other].map((policy) => allowsSubject(policy, ca, alice))
    expect(answers).toEqual([true, false, true, false])
  })

  it('of another CA allows nothing', () => {
    expect(allowsSubject(policyOf('"*"', '/CN=Other CA'), ca, alice)).toBe(false)
  })

  it('bans with cond_banned_subjects and with negative rights, whatever else allows', () => {
    const base = "access_id_CA X509 '/C=CH/O=Example/CN=Example CA'\npos_rights globus CA:sign\n"
    const banned = `${base}cond_subjects globus '"*"'\ncond_banned_subjects globus '"*/CN=Alice"'\n`
    expect(allowsSubject(parseSigningPolicy(banned), ca, alice)).toBe(false)
    expect(allowsSubject(parseSigningPolicy(banned), ca, ca)).toBe(true)
    const negative = `${base}cond_subjects globus '"*"'\nneg_rights globus CA:sign\ncond_subjects globus '"*/CN=Alice"'\n`
    expect(allowsSubject(parseSigningPolicy(negative), ca, alice)).toBe(false)
  })

  it('grants nothing by other rights or to other identities', () => {
    const other = "access_id_CA X509 '*'\npos_rights globus CA:read\ncond_subjects globus '\"*\"'\n"
    const anybody =
      "access_id_ANYBODY X509 '/C=CH/O=Example/CN=Example CA'\npos_rights globus CA:sign\ncond_subjects globus '\"*\"'\n"
    expect(allowsSubject(parseSigningPolicy(other), ca, alice)).toBe(false)
    expect(allowsSubject(parseSigningPolicy(anybody), ca, alice)).toBe(false)
  })

  it.each([
    ['a word that means nothing', 'access_id_CA X509 "/CN=a"\nnonsense globus x', 2],
    ['two words in a line', 'access_id_CA X509', 1],
    ['rights before any CA', 'pos_rights globus CA:sign', 1],
    ['conditions before any rights', 'access_id_CA X509 "/CN=a"\ncond_subjects globus "*"', 2],
    [
      'a condition that we do not know',
      'access_id_CA X509 "/CN=a"\npos_rights globus CA:sign\ncond_time globus "9-17"',
      3,
    ],
    ['a quote that does not end', "access_id_CA X509 '/CN=a", 1],
    ['a double quote that does not end', 'access_id_CA X509 "/CN=a', 1],
    ['a name with blanks and no quotes', 'access_id_CA X509 /CN=a b', 1],
    ['binary noise', '\x00\x01\x02', 1],
  ])('is refused in whole for %s', (_name, text, line) => {
    expect(failureOf(() => parseSigningPolicy(text))).toMatchObject({
      code: 'SIGNING_POLICY_MALFORMED',
      data: { line },
    })
  })
})
