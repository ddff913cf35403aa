import { describe, expect, it } from 'vitest'
import { encodeResponse, parseResponse } from '../../../src/myproxy/response.js'
import { encodeFields, type Field } from '../../../src/myproxy/text-message.js'
import { isTrustRootName } from '../../../src/myproxy/trust-roots.js'
import { failureOf } from '../../support/failure.js'

const OK: Field[] = [
  ['VERSION', 'MYPROXYv2'],
  ['RESPONSE', '0'],
]
const parse = (...lines: Field[]) => {
  const response = parseResponse(encodeFields([...OK, ...lines], 1_000_000))
  return response.kind === 'ok' ? response.trustRoots : []
}
/** One file by that name, whose content is "x". */
const oneFile = (name: string) => parse(['TRUSTED_CERTS', name], [`FILEDATA_${name}`, 'eA=='])

describe('trust roots', () => {
  it('are none in a response without them', () => {
    expect(parse()).toEqual([])
    expect(parse(['TRUSTED_CERTS', ''])).toEqual([])
  })

  it('come in the order of the server, 2 files of 1 and 0 bytes', () => {
    const files = parse(
      ['TRUSTED_CERTS', '8b33482b.signing_policy,8b33482b.0'],
      ['FILEDATA_8b33482b.0', ''],
      ['FILEDATA_8b33482b.signing_policy', 'eA=='],
    )
    expect(files).toEqual([
      { name: '8b33482b.signing_policy', content: Buffer.from('x') },
      { name: '8b33482b.0', content: Buffer.alloc(0) },
    ])
  })

  it('are read back as they were written', () => {
    const trustRoots = [{ name: 'CERN-Root-2.pem', content: Buffer.from([0, 255, 10]) }]
    const response = { kind: 'ok' as const, credentials: [], trustRoots }
    expect(parseResponse(encodeResponse(response))).toEqual(response)
  })

  it.each([
    '8b33482b.0',
    '8b33482b.r0',
    '8b33482b.r12',
    '8b33482b.signing_policy',
    '8b33482b.namespaces',
    'CERN-GridCA.pem',
    'AEGIS.crl_url',
    'policy-igtf-classic.info',
    'DigiCertGridRootCA-Root.signing_policy',
  ])('take %s for a file of a CA directory', (name) => {
    expect(isTrustRootName(name)).toBe(true)
    expect(oneFile(name)).toEqual([{ name, content: Buffer.from('x') }])
  })

  it.each([
    'README',
    'myproxy-install-log',
    'core',
    '8b33482b',
    'x.sh',
    '-rf.pem',
    'a b.pem',
    'x.pem~',
  ])('pass over %s, which no CA directory needs', (name) => {
    expect(oneFile(name)).toEqual([])
  })

  it.each([
    '../8b33482b.0',
    '/etc/cron.d/x.pem',
    'sub/8b33482b.0',
    '.8b33482b.0',
    '..',
    'a\\b.pem',
  ])('refuse the whole answer for the name %s', (name) => {
    const failure = failureOf(() => oneFile(name))
    expect(failure).toMatchObject({
      code: 'PROTOCOL_VIOLATION',
      data: { reason: 'trust-root-name', name },
    })
  })

  it.each([
    ['a name twice', [['TRUSTED_CERTS', '8b33482b.0,8b33482b.0']]],
    ['two names that differ in their capitals alone', [['TRUSTED_CERTS', 'A.pem,a.pem']]],
    ['a name without content', [['TRUSTED_CERTS', '8b33482b.0']]],
    ['10,001 names', [['TRUSTED_CERTS', Array.from({ length: 10_001 }, (_, n) => `n${n}`).join()]]],
    [
      'content twice',
      [
        ['TRUSTED_CERTS', '8b33482b.0'],
        ['FILEDATA_8b33482b.0', 'eA=='],
        ['FILEDATA_8b33482b.0', 'eQ=='],
      ],
    ],
    [
      'content that is not base64',
      [
        ['TRUSTED_CERTS', 'a.pem'],
        ['FILEDATA_a.pem', 'e!=='],
      ],
    ],
    [
      'content cut short',
      [
        ['TRUSTED_CERTS', 'a.pem'],
        ['FILEDATA_a.pem', 'eA='],
      ],
    ],
  ] as [string, Field[]][])('refuse the whole answer for %s', (_what, lines) => {
    expect(failureOf(() => parse(...lines)).code).toBe('PROTOCOL_VIOLATION')
  })
})
