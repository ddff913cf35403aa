import { describe, expect, it } from 'vitest'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import { type LogonFacts, sayLogon } from '../../../src/report/myproxy-logon-text.js'
import { showRetrieved } from '../../../src/report/myproxy-retrieve-text.js'
import {
  showTrustRoots,
  type TrustRootsFacts,
  warningsOfTrustRoots,
} from '../../../src/report/myproxy-trust-roots-text.js'

const now = asUnixSeconds(Date.UTC(2026, 0, 1) / 1000)
const end = asUnixSeconds(now + 43_200)
const CONTENT = Buffer.from('the proxy')

const about = { server: 'px.example.org:7512', username: 'anna', credentialName: null }

const received = (file: string | null): NonNullable<LogonFacts['received']> => ({
  ...{ file, content: CONTENT, identity: '/CN=anna', subject: '/CN=anna/CN=1', end, now },
  ...{ limited: false, attributes: [] },
  warnings: [{ code: 'short-grant', message: 'it is short', hint: 'store it anew' }],
})

const fetched: LogonFacts = { ...about, received: received('/tmp/x509up_u1') }
const WARNED = 'vobox-proxy: warning: it is short\n  store it anew\n'

const roots: TrustRootsFacts = {
  server: about.server,
  directory: '/ca',
  added: ['a.0', 'b.0'],
  replaced: [],
  unchanged: ['c.0'],
  newerHere: ['c.r0'],
  refused: [{ name: 'x\u0007y', reason: 'no name that a CA directory has' }],
  newAuthorities: [{ subject: '/CN=CA', fingerprint: '00ffab', notAfter: end }],
}

const say = (facts: LogonFacts, manner = {}) => sayLogon('vobox-proxy', facts, manner)

describe('what myproxy logon says', () => {
  it('begins with the sentence of myproxy-logon', () => {
    expect(say(fetched)).toEqual({
      stdout: [
        'A credential has been received for user anna in /tmp/x509up_u1.',
        '  of     /CN=anna',
        '  from   px.example.org:7512',
        '  until  2026-01-01 12:00:00 UTC (in 12 h)',
        '',
      ].join('\n'),
      stderr: WARNED,
    })
  })

  it('is that sentence alone where it is to be terse', () => {
    const { stdout } = say(fetched, { terse: true })
    expect(stdout).toBe('A credential has been received for user anna in /tmp/x509up_u1.\n')
  })

  it('is nothing where it is to be quiet', () => {
    expect(say(fetched, { quiet: true })).toEqual({ stdout: '', stderr: '' })
  })

  it('leaves standard output to the proxy with -o -, quiet or not', () => {
    const facts = { ...about, received: received(null), trustRoots: roots }
    expect(say(facts, { quiet: true })).toEqual({ stdout: CONTENT, stderr: '' })
    const { stdout, stderr } = say(facts)
    expect(stdout).toBe(CONTENT)
    expect(stderr).toContain('Trust roots have been installed in /ca/.')
    expect(stderr).toContain(WARNED)
  })

  it('says of -N who would be let in, and nothing as the C tool', () => {
    expect(say(about).stdout).toBe('px.example.org:7512 lets user anna have a proxy.\n')
    expect(say(about, { terse: true }).stdout).toBe('')
  })

  it('never holds the proxy in JSON', () => {
    const { stdout } = say(fetched, { json: true })
    expect(stdout).not.toContain('the proxy')
    expect(stdout).not.toContain('content')
  })
})

describe('what get-trustroots says', () => {
  it('counts files, and shows each new CA as openssl shows a fingerprint', () => {
    expect(showTrustRoots(roots).split('\n')).toEqual([
      'Trust roots have been installed in /ca/.',
      '  files from px.example.org:7512: 2 new, 1 as before, 1 newer here than there, and kept',
      '  new CA /CN=CA',
      '    SHA-256 00:FF:AB',
      '',
    ])
  })

  it('says who vouches for a server that nobody knew', () => {
    const vouchedBy = { subject: '/CN=CA', fingerprint: '00ff' }
    const text = showTrustRoots({ ...roots, vouchedBy })
    expect(text).toContain('the server itself is vouched for by /CN=CA\n    SHA-256 00:FF\n')
    expect(text).toContain('compare this with what the CA publishes')
  })

  it('names what was left out, without the bell in its name', () => {
    expect(warningsOfTrustRoots(roots)).toEqual([
      { message: "the CA file 'x y' was left out: no name that a CA directory has" },
    ])
  })
})

describe('what retrieve says', () => {
  const facts = {
    ...{ ...about, certificateFile: '/c', keyFile: '/k', keyEncrypted: false },
    ...{ identity: '/CN=anna', end, now, kept: ['/k.old'] },
  }

  it('begins with the words of myproxy-retrieve, and is these alone where it is terse', () => {
    const words = 'Credentials for anna have been stored in\n/c and\n/k.\n'
    expect(showRetrieved(facts, true)).toBe(words)
    expect(showRetrieved(facts)).toBe(
      `${words}The key is NOT encrypted.\nWhat was there before is in /k.old.\n` +
        'It is of /CN=anna, valid until 2026-01-01 12:00:00 UTC (in 12 h).\n',
    )
  })
})
