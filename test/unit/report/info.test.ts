import { describe, expect, it } from 'vitest'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import type { CertificateReport, ChainReport, Verdict } from '../../../src/proxy/inspect.js'
import { answerInfo, type InfoQuestion, parseBits } from '../../../src/report/info-answer.js'
import type { Inspected } from '../../../src/report/info-types.js'
import { INFO_VALUES, type InfoValue } from '../../../src/report/info-values.js'
import type { AttributeReport } from '../../../src/voms/attribute-report.js'
import { attributeReport } from '../../support/attribute-report.js'
import { failureOf } from '../../support/failure.js'

const now = asUnixSeconds(1_800_000_000)

const leaf: CertificateReport = {
  subject: '/CN=anna/CN=7',
  issuer: '/CN=anna',
  role: 'proxy',
  kind: 'rfc3820',
  policy: 'inherit-all',
  keyType: 'rsa',
  keyBits: 2048,
  signatureAlgorithm: 'sha256WithRSAEncryption',
  signatureHash: 'sha256',
  notBefore: now - 300,
  notAfter: now + 43_199,
  serial: '07',
  fingerprintSha256: 'ab',
  keyUsage: ['digitalSignature', 'keyEncipherment'],
  carriesAttributes: true,
}

const chain: ChainReport = {
  identity: '/CN=anna',
  subject: '/CN=anna/CN=7',
  kind: 'rfc3820',
  policy: 'inherit-all',
  limited: false,
  depth: 1,
  notBefore: now - 300,
  effectiveEnd: now + 43_199,
  secondsLeft: 43_199,
  carriesAttributes: true,
}

interface Changes {
  chain?: Partial<ChainReport> | null
  verdict?: Verdict
  attributes?: readonly AttributeReport[]
  innerAttributes?: Inspected['innerAttributes']
}

function inspected({ verdict = { valid: true }, ...changes }: Changes = {}): Inspected {
  const anna: CertificateReport = { ...leaf, subject: '/CN=anna', issuer: '/CN=CA', keyUsage: null }
  return {
    file: '/tmp/x509up_u7',
    mode: '0600',
    report: {
      certificates: [leaf, { ...anna, role: 'end-entity', carriesAttributes: false }],
      chain: changes.chain === null ? null : { ...chain, ...changes.chain },
      verdict,
      weaknesses: [],
    },
    attributes: changes.attributes ?? [attributeReport()],
    innerAttributes: changes.innerAttributes ?? [],
  }
}

const NOTHING: InfoQuestion = {
  json: false,
  all: false,
  chain: false,
  text: false,
  values: new Set(),
  exists: false,
  life: {},
  unverified: false,
}

const ask = (question: Partial<InfoQuestion>, changes?: Changes) =>
  answerInfo(inspected(changes), { ...NOTHING, ...question }, now)

const values = (...names: InfoValue[]) => ({ values: new Set(names) })

const INVALID: Verdict = { valid: false, code: 'CHAIN_EXPIRED', message: 'it is over', hint: null }

const refusedBy = (code: 'VOMS_AC_EXPIRED' | 'VOMS_TRUST_MISSING', secondsLeft = 0) =>
  attributeReport({
    verified: false,
    verifiedBy: null,
    secondsLeft,
    problem: { code, message: 'because', hint: 'cure it' },
  })

describe('info --all', () => {
  it('has the lines of voms-proxy-info -all in their order, and ours among them', () => {
    const attributes = [
      attributeReport({
        genericAttributes: [{ name: 'nickname', value: 'anna', qualifier: 'alice' }],
        targets: ['box.example.org'],
      }),
    ]
    expect(ask({ all: true }, { attributes })).toEqual({
      text: [
        'subject   : /CN=anna/CN=7',
        'issuer    : /CN=anna',
        'identity  : /CN=anna',
        'type      : RFC 3820 compliant impersonation proxy',
        'strength  : 2048 bits',
        'path      : /tmp/x509up_u7',
        'timeleft  : 11:59:59',
        'key usage : Digital Signature, Key Encipherment',
        'ends      : 2027-01-15 19:59:59 UTC',
        'depth     : 1',
        'valid     : yes',
        '=== VO alice extension information ===',
        'VO        : alice',
        'subject   : /CN=anna',
        'issuer    : /CN=voms.example.org',
        'attribute : /alice/Role=lcgadmin/Capability=NULL',
        'attribute : /alice/Role=NULL/Capability=NULL',
        'attribute : nickname = anna (alice)',
        'target    : box.example.org',
        'timeleft  : 23:00:00',
        'uri       : voms.example.org:15000',
        'serial    : 2a',
        'verified  : yes, by a server that a .lsc file names',
        '',
      ].join('\n'),
      warnings: [],
      status: 0,
    })
  })

  it('says why attributes are not verified, with every line of the cure', () => {
    const report = refusedBy('VOMS_TRUST_MISSING')
    const problem = report.problem && { ...report.problem, hint: 'make the file\nwith two lines' }
    const { text, status } = ask({ all: true }, { attributes: [{ ...report, problem }] })
    expect(text.split('\n').slice(-4)).toEqual([
      'verified  : no: because (VOMS_TRUST_MISSING)',
      'cure      : make the file',
      '          : with two lines',
      '',
    ])
    expect(status).toBe(0)
  })

  it('names what proxies further inside carry, and that it does not count', () => {
    const innerAttributes = [
      { proxy: '/CN=anna/CN=1', vo: 'alice', fqans: ['/alice'], notAfter: now, secondsLeft: 0 },
      { proxy: '/CN=anna', vo: null, fqans: [], notAfter: null, secondsLeft: 0 },
    ]
    const { text } = ask({ all: true }, { innerAttributes })
    const lines = text.split('\n')
    expect(lines.slice(lines.indexOf('=== Attributes further inside ===') + 1)).toEqual([
      'carrier   : /CN=anna/CN=1',
      'attribute : /alice',
      'timeleft  : 0:00:00',
      'carrier   : /CN=anna',
      'attribute : cannot be read',
      expect.stringMatching(/^note {6}: they do not count; .* store it without VOMS$/),
      '',
    ])
  })

  it.each<[string, Partial<ChainReport>, string]>([
    ['limited', { policy: 'limited', limited: true }, 'RFC 3820 compliant limited proxy'],
    ['draft', { kind: 'draft' }, 'Proxy draft (pre-RFC) compliant impersonation proxy'],
    ['legacy', { kind: 'legacy' }, 'full legacy globus proxy'],
    ['limited legacy', { kind: 'legacy', limited: true }, 'limited legacy globus proxy'],
    ['no proxy', { kind: null, policy: null }, 'end-entity certificate, no proxy'],
  ])('calls a %s one what Globus calls it', (_name, changes, type) => {
    expect(ask(values('type'), { chain: changes }).text).toBe(`${type}\n`)
  })
})

describe('info without options', () => {
  it('adds each certificate', () => {
    const { text, status } = ask({})
    expect(text).toContain('\n\n=== Certificate 1 ===\nsubject   : /CN=anna/CN=7\n')
    expect(text).toContain('\n\n=== Certificate 2 ===\nsubject   : /CN=anna\n')
    expect(text).toContain('until     : 2027-01-15 19:59:59 UTC (in 11 h 59 min)\n')
    expect(status).toBe(0)
  })

  it('prints a proxy that is not valid, why, and fails', () => {
    const { text, status } = ask({}, { verdict: { ...INVALID, hint: 'make another' } })
    expect(text).toContain(
      '\nvalid     : no: it is over (CHAIN_EXPIRED)\ncure      : make another\n',
    )
    expect(status).toBe(1)
    expect(ask({ json: true }, { verdict: INVALID }).status).toBe(1)
  })

  it('shows of a file without a chain where it is and what is wrong', () => {
    const { text } = ask({ all: true }, { chain: null, verdict: INVALID, attributes: [] })
    expect(text).toBe('path      : /tmp/x509up_u7\nvalid     : no: it is over (CHAIN_EXPIRED)\n')
  })

  it('shows the certificate of the proxy with --text, and all of them with --chain', () => {
    expect(ask({ text: true }).text).not.toContain('=== Certificate 2')
    expect(ask({ text: true }).text).not.toContain('=== VO')
    expect(ask({ chain: true }).text).toContain('=== Certificate 2')
  })
})

describe('bare values of info', () => {
  it('are printed in the order of voms-proxy-info, however they were asked for', () => {
    const names = [...INFO_VALUES].reverse()
    expect(ask(values(...names)).text.split('\n')).toEqual([
      '/CN=anna/CN=7',
      '/CN=anna',
      '/CN=anna',
      'RFC 3820 compliant impersonation proxy',
      '2048',
      '/tmp/x509up_u7',
      '43199',
      'Digital Signature, Key Encipherment',
      'alice',
      '/CN=anna',
      '/CN=voms.example.org',
      'voms.example.org:15000',
      '82800',
      '/alice/Role=lcgadmin/Capability=NULL',
      '/alice/Role=NULL/Capability=NULL',
      '2a',
      '',
    ])
  })

  it('are those of 2 VOs, one VO after the other', () => {
    const attributes = [attributeReport(), attributeReport({ vo: 'bob', secondsLeft: 5 })]
    expect(ask(values('vo-name', 'actimeleft'), { attributes }).text).toBe('alice\n82800\nbob\n5\n')
  })

  it('of the proxy are printed whether it is valid or not', () => {
    const changes = { verdict: INVALID, chain: { secondsLeft: 0 } }
    expect(ask(values('timeleft', 'subject'), changes)).toEqual({
      text: '/CN=anna/CN=7\n0\n',
      warnings: [],
      status: 0,
    })
  })

  it('are an error where there is no chain, with what is wrong', () => {
    const changes = { chain: null, verdict: INVALID }
    expect(failureOf(() => ask(values('subject'), changes))).toMatchObject({
      code: 'CHAIN_EXPIRED',
      message: '/tmp/x509up_u7: it is over',
    })
  })

  it('are an error where there are no attributes', () => {
    const failure = failureOf(() => ask(values('fqan'), { attributes: [] }))
    expect(failure).toMatchObject({
      code: 'ATTRIBUTES_MISSING',
      data: { path: '/tmp/x509up_u7' },
    })
  })

  const ATTRIBUTES = ['vo-name', 'acsubject', 'acissuer', 'uri', 'actimeleft', 'fqan', 'serial']
  it.each(ATTRIBUTES as InfoValue[])(
    '--%s is an error where one VO of 2 is not verified',
    (name) => {
      const attributes = [attributeReport(), refusedBy('VOMS_TRUST_MISSING')]
      const failure = failureOf(() => ask(values(name), { attributes }))
      expect(failure).toMatchObject({
        code: 'VOMS_TRUST_MISSING',
        message: 'the attributes are not verified: because',
        hint: 'cure it\n--no-verify prints them all the same',
      })
    },
  )

  it('are 0 seconds of attributes that have expired, of which nothing else is printed', () => {
    const attributes = [refusedBy('VOMS_AC_EXPIRED')]
    expect(ask(values('actimeleft'), { attributes }).text).toBe('0\n')
    expect(failureOf(() => ask(values('fqan'), { attributes })).code).toBe('VOMS_AC_EXPIRED')
  })

  it('are printed unverified with --no-verify, and said to be so', () => {
    const attributes = [refusedBy('VOMS_TRUST_MISSING', 60)]
    expect(ask({ ...values('actimeleft'), unverified: true }, { attributes })).toEqual({
      text: '60\n',
      warnings: ['attributes of VO alice are not verified: because'],
      status: 0,
    })
  })
})

describe('info --exists', () => {
  it.each<[string, Partial<InfoQuestion>]>([
    ['a valid proxy', { exists: true }],
    ['just as long a life', { exists: true, life: { seconds: 43_199 } }],
    ['just as large a key', { life: { bits: 2048 } }],
    ['attributes of its VO', { attributesOf: 'alice' }],
  ])('prints nothing and is content with %s', (_name, question) => {
    expect(ask(question)).toEqual({ text: '', warnings: [], status: 0 })
  })

  it.each<[string, Partial<InfoQuestion>, Changes, string]>([
    ['a proxy that is not valid', { exists: true }, { verdict: INVALID }, 'CHAIN_EXPIRED'],
    ['one second too little', { life: { seconds: 43_200 } }, {}, 'NO_VALID_PROXY'],
    ['a key that is too small', { exists: true, life: { bits: 4096 } }, {}, 'NO_VALID_PROXY'],
    ['attributes of another VO', { attributesOf: 'bob' }, {}, 'ATTRIBUTES_MISSING'],
    [
      'attributes that are not verified',
      { attributesOf: 'alice' },
      { attributes: [refusedBy('VOMS_TRUST_MISSING')] },
      'VOMS_TRUST_MISSING',
    ],
  ])('fails for %s', (_name, question, changes, code) => {
    expect(failureOf(() => ask(question, changes)).code).toBe(code)
  })

  it('prints the values that are asked for beside it', () => {
    expect(ask({ exists: true, ...values('timeleft') }).text).toBe('43199\n')
  })

  it('takes a number of bits and nothing else', () => {
    expect(parseBits('2048')).toBe(2048)
    for (const text of ['', '-1', '2k', '1e3', '123456']) {
      expect(failureOf(() => parseBits(text)).code).toBe('USAGE')
    }
  })
})
