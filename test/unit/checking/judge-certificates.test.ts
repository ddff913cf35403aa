import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import { describeChain } from '../../../src/proxy/chain-facts.js'
import {
  judgeCertificateEnd,
  judgeDepth,
  judgeWeaknesses,
} from '../../../src/renewal/checking/judge-chain.js'
import {
  type HostCertificateLook,
  judgeHostCertificate,
  type KeyLook,
  missingKey,
} from '../../../src/renewal/checking/judge-host-certificate.js'
import { addProxies, type CertificateOptions, TestAuthority } from '../../support/pki.js'
import { DAY } from '../../support/time.js'

const now = asUnixSeconds(1_800_000_000)
const at = (seconds: number) => asUnixSeconds(now + seconds)
const ca = new TestAuthority()

describe('judgeWeaknesses', () => {
  const weakUser = ca.issueUser('weak', { key: 'rsa1024' })
  const weakCa = new TestAuthority({ key: 'rsa1024' })

  it('names the certificate whose key is short, once, whoever shows it', () => {
    const seen = [
      { chain: weakUser.chain, about: { server: 'px:7512' } },
      { chain: weakUser.chain },
    ]
    expect(judgeWeaknesses(seen)).toMatchObject([
      {
        check: 'chain',
        verdict: 'doubtful',
        server: 'px:7512',
        sentence: expect.stringMatching(/CN=weak has an RSA key of only 1024 bits$/),
        cure: expect.stringContaining('RSA of 2048 bits'),
      },
    ])
  })

  it('a short key of the root itself counts, since it signs others', () => {
    expect(judgeWeaknesses([{ chain: [weakCa.certificate] }])).toMatchObject([
      { verdict: 'doubtful', sentence: expect.stringContaining('1024 bits') },
    ])
  })

  it('says that all is well once something was seen, and nothing where nothing was', () => {
    expect(judgeWeaknesses([{ chain: ca.issueUser('strong').chain }])).toMatchObject([
      { verdict: 'good' },
    ])
    expect(judgeWeaknesses([])).toEqual([])
  })
})

describe('judgeDepth, where 10 is the most', () => {
  const user = ca.issueUser('deep')
  it.each([
    [5, 0, []],
    [5, 1, ['doubtful']],
    [6, 0, ['doubtful']],
    [9, 1, ['doubtful']],
    [10, 1, ['bad']],
    [11, 0, ['bad']],
  ])('%d delegations and %d more are %j', (depth, more, verdicts) => {
    const facts = describeChain(addProxies(user, depth).chain)
    expect(judgeDepth(facts, more, 10, {}).map(({ verdict }) => verdict)).toEqual(verdicts)
  })
})

describe('judgeCertificateEnd', () => {
  it.each([
    [14 * DAY, 'good', /^the certificate ends in 14 d/],
    [14 * DAY - 1, 'doubtful', /^the certificate ends in 13 d/],
    [1, 'doubtful', /ends/],
    [0, 'bad', /^the certificate expired/],
    [-DAY, 'bad', /^the certificate expired .*ago/],
  ])('with %d s left is %s', (left, verdict, sentence) => {
    const judged = judgeCertificateEnd('the certificate', at(left), now)
    expect(judged.verdict).toBe(verdict)
    expect(judged.sentence).toMatch(sentence)
  })
})

describe('judgeHostCertificate', () => {
  const look = (options: CertificateOptions, key: KeyLook = { kind: 'fits' }) => ({
    certificateFile: '/c.pem',
    keyFile: '/k.pem',
    chain: ca.issueHost('vobox.example.org', options).chain,
    key,
  })
  const SERVER_AUTH = '1.3.6.1.5.5.7.3.1'

  it.each<[string, HostCertificateLook, string[], RegExp]>([
    ['one of a year', look({ notAfter: now + 365 * DAY }), ['good undefined'], /ends in 365 d/],
    [
      'one whose key only root sees',
      look({ notAfter: now + 365 * DAY }, { kind: 'hidden' }),
      ['good undefined'],
      /^the host certificate .*CN=vobox/,
    ],
    ['one of 13 days', look({ notAfter: now + 13 * DAY }), ['doubtful undefined'], /ends in 13 d/],
    ['one that has ended', look({ notAfter: now - 1 }), ['bad CHAIN_EXPIRED'], /expired|ended/],
    [
      'one of tomorrow',
      look({ notBefore: now + DAY, notAfter: now + 99 * DAY }),
      ['bad CHAIN_NOT_YET_VALID'],
      /^the certificate .*CN=vobox\.example\.org is not valid before 20/,
    ],
    [
      'one for servers alone',
      look({ extendedKeyUsage: [SERVER_AUTH] }),
      ['bad KEY_USAGE_FORBIDS'],
      /client/,
    ],
    [
      'a key of mode 0440 is told before the certificate',
      look({ notAfter: now + 13 * DAY }, { kind: 'open-to-others', mode: 0o440 }),
      ['bad undefined', 'doubtful undefined'],
      /\/k\.pem: it has mode 0440$/,
    ],
    [
      'no key at all',
      look({}, { kind: 'failed', error: missingKey('/k\u001b.pem') }),
      ['bad FILE_MISSING', 'good undefined'],
      /^there is no host key \/k \.pem$/,
    ],
    [
      'a certificate that cannot be read: nothing else is said',
      {
        ...look({}),
        chain: {
          error: new VoboxError('FILE_MISSING', 'there is no /c.pem', { hint: 'Put it there' }),
        },
      },
      ['bad FILE_MISSING'],
      /^there is no \/c\.pem$/,
    ],
  ])('%s', (_name, looked, verdicts, sentence) => {
    const findings = judgeHostCertificate(looked, now)
    expect(findings.map(({ verdict, code }) => `${verdict} ${code}`)).toEqual(verdicts)
    expect(findings[0]?.sentence).toMatch(sentence)
    for (const finding of findings) {
      expect(finding.check).toBe('host-certificate')
      if (finding.verdict !== 'good') expect(finding.cure ?? '').not.toBe('')
    }
  })
})
