import { describe, expect, it } from 'vitest'
import type { StoredCredential } from '../../../src/myproxy/response.js'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import { accessOf, showAccess, whomOf } from '../../../src/report/myproxy-access-words.js'
import {
  encodeMyProxyInfo,
  type MyProxyInfo,
  showMyProxyInfo,
  showMyProxyTable,
} from '../../../src/report/myproxy-info-text.js'

const now = asUnixSeconds(1_800_000_000)
const OWNER = '/DC=org/DC=example/CN=alice'

function stored(left: number, changes: Partial<StoredCredential> = {}): StoredCredential {
  return {
    owner: OWNER,
    start: asUnixSeconds(now - 300),
    end: asUnixSeconds(now + left),
    ...changes,
  }
}

const info = (...credentials: StoredCredential[]): MyProxyInfo => ({
  server: 'px.example.org:7512',
  username: 'multi',
  credentials,
  now,
})

const EVERYTHING = stored(604_797, {
  name: 'one',
  description: 'for the VO-Box',
  renewer: '*/CN=vobox',
  retriever: '*/CN=x',
  keyRetriever: '*/CN=bob',
  trustedRetriever: '*/CN=y',
  lockMessage: 'under investigation',
})

describe('the text of myproxy info', () => {
  it('has, when terse, the lines of myproxy-info and no others, in their order', () => {
    expect(showMyProxyInfo(info(stored(604_797, { renewer: '*' }), EVERYTHING), true)).toBe(
      [
        'username: multi',
        `owner: ${OWNER}`,
        '  renewal policy: *',
        '  timeleft: 167:59:57  (7.0 days)',
        `owner: ${OWNER}`,
        '  name: one',
        '  description: for the VO-Box',
        '  retrieval policy: */CN=x',
        '  renewal policy: */CN=vobox',
        '  key retrieval policy: */CN=bob',
        '  trusted retrieval policy: */CN=y',
        '  locked: under investigation',
        '  timeleft: 167:59:57  (7.0 days)',
        '',
      ].join('\n'),
    )
  })

  it.each([
    [-172_800, '0:00:00'],
    [0, '0:00:00'],
    [59, '0:00:59'],
    [3599, '0:59:59'],
    [86_399, '23:59:59'],
    [86_400, '24:00:00'],
    [86_401, '24:00:01  (1.0 days)'],
    [172_799, '47:59:59  (2.0 days)'],
    [8_640_007, '2400:00:07  (100.0 days)'],
  ])('writes %d seconds as myproxy-info does: %s', (left, text) => {
    expect(showMyProxyInfo(info(stored(left)), true)).toContain(`  timeleft: ${text}\n`)
  })

  it('says below the time left when that is, and who may do what', () => {
    const text = showMyProxyInfo(info(EVERYTHING))
    expect(text.split('\n').slice(9)).toEqual([
      '  timeleft: 167:59:57  (7.0 days)',
      '  ends: 2027-01-22 07:59:57 UTC (in 6 d 23 h)',
      '  access: renewal by vobox; retrieval without a pass phrase by y; ' +
        'retrieval with the pass phrase by x; retrieval of the key itself by bob',
      '',
    ])
  })

  it('keeps a description that sends control characters on its line', () => {
    const text = showMyProxyInfo(info(stored(60, { description: 'a\u001b[2Jb\nowner: eve' })), true)
    expect(text).toContain('  description: a [2Jb owner: eve\n')
  })
})

describe('access in words', () => {
  it.each([
    ['*', 'anybody whom the server lets'],
    ['*/CN=vobox.example.org', 'vobox.example.org'],
    ['/DC=org/CN=vobox', '/DC=org/CN=vobox'],
    ['/DC=org/.*', 'whose DN is like /DC=org/.*'],
    ['*/CN=a|*/CN=b', 'whose DN is like */CN=a|*/CN=b'],
  ])('%s means %s', (policy, who) => {
    expect(whomOf(policy)).toBe(who)
  })

  it('of a credential without policies is left to the server', () => {
    expect(accessOf({})).toEqual([])
    expect(showAccess({})).toBe("nobody is named: the server's defaults decide")
  })
})

describe('the table of myproxy info', () => {
  it('has a row for each credential, and a lock below its row', () => {
    const expired = stored(-5, { renewer: '*' })
    expect(showMyProxyTable(info(expired, EVERYTHING)).split('\n')).toEqual([
      'NAME       LEFT      ENDS                  DESCRIPTION     ACCESS',
      `(default)  expired   2027-01-15 07:59 UTC  ${' '.repeat(14)}  ${showAccess(expired)}`,
      `one        6 d 23 h  2027-01-22 07:59 UTC  for the VO-Box  ${showAccess(EVERYTHING)}`,
      '  ! locked: under investigation',
      '',
    ])
  })
})

describe('the JSON of myproxy info', () => {
  it('has policies as they are and in words, and null for what is not there', () => {
    expect(JSON.parse(encodeMyProxyInfo(info(stored(-5, { renewer: '*' }))))).toEqual({
      version: 1,
      server: 'px.example.org:7512',
      username: 'multi',
      credentials: [
        {
          name: null,
          owner: OWNER,
          start: now - 300,
          end: now - 5,
          secondsLeft: 0,
          description: null,
          lockMessage: null,
          access: [{ right: 'renewal', policy: '*', who: 'anybody whom the server lets' }],
        },
      ],
    })
  })
})
