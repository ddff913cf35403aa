import { describe, expect, it } from 'vitest'
import { showBareValues, showBlocks } from '../../../src/report/query-text.js'
import { attributeReport } from '../../support/attribute-report.js'
import { days, hours } from '../../support/time.js'

const known = {
  identity: '/DC=ch/CN=A B',
  file: '/var/lib/vobox/alice/proxy_repository/+2fDC',
  proxySeconds: 172_000,
  myproxySeconds: 864_001,
}
const unknown = { ...known, identity: '/CN=x', proxySeconds: 0, myproxySeconds: undefined }

describe('showBlocks', () => {
  it('ends each value with one space, in the order of the contract', () => {
    expect(showBlocks([known])).toBe(
      'DN: /DC=ch/CN=A B \n' +
        'File: /var/lib/vobox/alice/proxy_repository/+2fDC \n' +
        'Proxy Time Left (seconds): 172000 \n' +
        'Myproxy Time Left (seconds): 864001 \n',
    )
  })

  it('says below the four lines of a job proxy how many jobs share it', () => {
    expect(
      showBlocks([{ ...known, jobs: 2 }])
        .split('\n')
        .slice(3),
    ).toEqual(['Myproxy Time Left (seconds): 864001 ', 'Job Proxy Shared By: 2 jobs ', ''])
  })

  it('prints 0 for a stored credential of which nothing is known, and says so below', () => {
    const lines = showBlocks([unknown]).split('\n')
    expect(lines.slice(3)).toEqual([
      'Myproxy Time Left (seconds): 0 ',
      'Myproxy Time Left Known: no ',
      '',
    ])
  })

  it.each([
    ['gone', 'Stored Credential: none on the MyProxy server (1970-01-01 01:00:00 UTC) '],
    ['expired', 'Stored Credential: expired, says the MyProxy server (1970-01-01 01:00:00 UTC) '],
  ] as const)('says below that one is %s, whose seconds are known to be 0', (kind, line) => {
    const block = { ...known, myproxySeconds: 0, stored: { kind, since: hours(1) } }
    const lines = showBlocks([block]).split('\n')
    expect(lines.slice(3)).toEqual(['Myproxy Time Left (seconds): 0 ', line, ''])
    expect(showBareValues('query-myproxy-timeleft', [block])).toBe('0\n')
  })

  const at = hours(1)
  const server = 'px.example.org:7512'
  it.each([
    [
      'INFO',
      { kind: 'seen', end: days(9), learnedAt: at, from: 'info', server },
      false,
      'by INFO of px.example.org:7512 (1970-01-01 01:00:00 UTC)',
    ],
    [
      'the chain of the last renewal',
      { kind: 'seen', end: days(9), learnedAt: at, from: 'chain', server },
      false,
      'in the chain of the last renewal, from px.example.org:7512 (1970-01-01 01:00:00 UTC)',
    ],
    [
      'the chain, where a server refuses INFO, in a file from before servers were kept',
      { kind: 'seen', end: days(9), learnedAt: at, from: 'chain' },
      true,
      'in the chain of the last renewal (1970-01-01 01:00:00 UTC); the server does not answer INFO',
    ],
  ] as const)('says below that the end was seen by %s', (_name, stored, infoUnanswered, how) => {
    const lines = showBlocks([{ ...known, stored, infoUnanswered }]).split('\n')
    expect(lines.slice(4)).toEqual([`Stored Credential Seen: ${how} `, ''])
  })

  it('says below which server is behind which, and in which file the pass phrase is', () => {
    const behind = { server: 'b:7512', end: days(1), ahead: { server: 'a:7512', end: days(2) } }
    const lines = showBlocks([{ ...known, behind, passPhraseFile: '/p\u001b' }]).split('\n')
    expect(lines.slice(4)).toEqual([
      'Renewed From Secondary: b:7512, whose stored credential ends 1970-01-02 00:00:00 UTC and is ' +
        'older than that of a:7512, which ends 1970-01-03 00:00:00 UTC ',
      'Renewed By: the pass phrase in /p  ',
      '',
    ])
  })

  const two = [
    attributeReport(),
    attributeReport({ vo: 'bob', fqans: ['/bob'], secondsLeft: 3600 }),
  ]
  const refused = attributeReport({
    verified: false,
    problem: { code: 'VOMS_AC_UNTRUSTED', message: 'nobody\u001bvouches', hint: null },
  })

  it.each([
    [
      'verified, of two VOs, the first of which to expire counts',
      { attributes: two, wantsAttributes: true },
      ['/alice/Role=lcgadmin,/alice,/bob', '3600', 'yes'],
    ],
    [
      'not believed',
      { attributes: [refused] },
      ['/alice/Role=lcgadmin,/alice', '82800', 'no, nobody vouches (VOMS_AC_UNTRUSTED)'],
    ],
    [
      'missing though registered',
      { attributes: [], wantsAttributes: true },
      ['none', '0', 'no, it carries none'],
    ],
  ])('says in three lines of attributes that are %s', (_name, changes, [fqans, left, verified]) => {
    const lines = showBlocks([{ ...known, ...changes }]).split('\n')
    expect(lines.slice(4)).toEqual([
      `Attributes: ${fqans} `,
      `Attributes Time Left (seconds): ${left} `,
      `Attributes Verified: ${verified} `,
      '',
    ])
  })

  it('says nothing of attributes of a plain proxy', () => {
    expect(showBlocks([{ ...known, attributes: [] }])).toBe(showBlocks([known]))
  })

  it('separates blocks by an empty line, and ends without one', () => {
    const text = showBlocks([known, unknown, known])
    expect(text.split('\n\n')).toHaveLength(3)
    expect(text.endsWith(' \n')).toBe(true)
    expect(showBlocks([])).toBe('')
  })
})

describe('showBareValues', () => {
  it.each([
    ['query-dn', '/DC=ch/CN=A B\n/CN=x\n'],
    ['query-proxy-filename', `${known.file}\n${known.file}\n`],
    ['query-proxy-timeleft', '172000\n0\n'],
    ['query-myproxy-timeleft', '864001\n0\n'],
  ] as const)('%s prints one value a line', (command, text) => {
    expect(showBareValues(command, [known, unknown])).toBe(text)
    expect(showBareValues(command, [])).toBe('')
  })
})
