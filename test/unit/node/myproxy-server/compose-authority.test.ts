import { chmod, readFile, rm, stat } from 'node:fs/promises'
import { beforeEach, describe, expect, it } from 'vitest'
import { encodePem } from '../../../../src/x509/pem.js'
import { rejectionOf } from '../../../support/failure.js'
import { ask, CA_CONFIG_PATH, type IssuingCa, issuingCa } from '../../../support/issuing-ca.js'
import { TestAuthority, testKey, userName } from '../../../support/pki.js'

let ca: IssuingCa
beforeEach(async () => {
  ca = await issuingCa()
})

const pemOf = ({ certificate }: TestAuthority) => encodePem('CERTIFICATE', certificate.der)
const encryptedKey = () =>
  ca.issuer.privateKey
    .export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'open sesame' })
    .toString()

/** Each prepares the directory and returns a line; the failure is at it, the first of the file. */
const MISTAKES: readonly [string, string, string, () => Promise<string>][] = [
  [
    'a certificate that is not there',
    'certificate_issuer_cert',
    'FILE_MISSING',
    async () => `certificate_issuer_cert ${ca.at('none')}`,
  ],
  [
    'a certificate that is none',
    'certificate_issuer_cert',
    'PEM_MALFORMED',
    async () => `certificate_issuer_cert ${await ca.write('x', 'nothing\n')}`,
  ],
  [
    'a certificate that others can write',
    'certificate_issuer_cert',
    'FILE_UNSAFE',
    async () => {
      await chmod(ca.at('ca-cert.pem'), 0o666)
      return `certificate_issuer_cert ${ca.at('ca-cert.pem')}`
    },
  ],
  [
    'a certificate of no CA',
    'certificate_issuer_cert',
    'KEY_USAGE_FORBIDS',
    async () => {
      const host = new TestAuthority({ ca: false })
      return `certificate_issuer_cert ${await ca.write('host', pemOf(host))}`
    },
  ],
  [
    'a CA that has expired',
    'certificate_issuer_cert',
    'CHAIN_EXPIRED',
    async () => {
      const old = new TestAuthority({ notAfter: ca.clock.now() })
      return `certificate_issuer_cert ${await ca.write('old', pemOf(old))}`
    },
  ],
  [
    'a key of another CA',
    'certificate_issuer_key',
    'PROXY_KEY_MISMATCH',
    async () => {
      const pem = testKey().export({ type: 'pkcs8', format: 'pem' })
      return `certificate_issuer_key ${await ca.write('other', pem)}`
    },
  ],
  [
    'a key that others can read',
    'certificate_issuer_key',
    'FILE_UNSAFE',
    async () => {
      await chmod(ca.at('ca-key.pem'), 0o640)
      return `certificate_issuer_key ${ca.at('ca-key.pem')}`
    },
  ],
  [
    'a key whose pass phrase is not written',
    'certificate_issuer_key',
    'KEY_ENCRYPTED',
    async () => `certificate_issuer_key ${await ca.write('key', encryptedKey())}`,
  ],
  [
    'a wrong pass phrase',
    'certificate_issuer_key_passphrase',
    'KEY_ENCRYPTED',
    async () => {
      const path = await ca.write('key', encryptedKey())
      return `certificate_issuer_key_passphrase "shut sesame"\ncertificate_issuer_key ${path}`
    },
  ],
  [
    'a chain with a certificate that has no place in it',
    'certificate_issuer_subca_certfile',
    'CHAIN_BROKEN',
    async () => {
      const stray = new TestAuthority({ name: userName('Stray') })
      const path = await ca.write('chain', `${pemOf(ca.issuer)}${pemOf(stray)}`)
      return `certificate_issuer_subca_certfile ${path}`
    },
  ],
  [
    'an extension that nobody knows',
    'certificate_extfile',
    'CONFIG_INVALID',
    async () => `certificate_extfile ${await ca.write('ext', 'foo=bar\n')}`,
  ],
  [
    'a map that is not there',
    'certificate_mapfile',
    'FILE_MISSING',
    async () => `certificate_mapfile ${ca.at('none')}`,
  ],
  [
    'a program that others can change',
    'certificate_mapapp',
    'PROGRAM_FAILED',
    async () => {
      const path = await ca.program('map.sh', 'exit 1')
      await chmod(path, 0o777)
      return `certificate_mapapp ${path}`
    },
  ],
  [
    'a program that is none',
    'certificate_request_checker',
    'PROGRAM_FAILED',
    async () => `certificate_request_checker ${await ca.write('checker', 'x')}`,
  ],
  [
    'a directory for copies that is not there',
    'certificate_out_dir',
    'FILE_UNWRITABLE',
    async () => `certificate_out_dir ${ca.at('none')}`,
  ],
  [
    'a serial file that is damaged',
    'certificate_serialfile',
    'SERIAL_FILE_UNUSABLE',
    async () => `certificate_serialfile ${await ca.write('damaged', '0')}`,
  ],
  [
    'no serial file where several CAs share the numbers',
    'certificate_serialfile',
    'SERIAL_FILE_UNUSABLE',
    async () => `certificate_serialfile ${ca.at('none')}\ncertificate_serial_skip 2`,
  ],
]

describe('a configuration with a CA', () => {
  it.each(MISTAKES)(
    'is refused at the start for %s, at %s',
    async (_what, directive, reason, prepare) => {
      const lines = (await prepare()).split('\n')
      const failure = await rejectionOf(ca.open(lines))
      expect(failure.code).toBe('CONFIG_INVALID')
      expect(failure.data).toEqual({ path: CA_CONFIG_PATH, line: 1, directive, reason })
      expect(failure.message).toContain(`${CA_CONFIG_PATH}:1: ${directive} `)
      expect(`${failure.message} ${failure.hint}`).not.toContain('shut sesame')
    },
  )

  it('opens a key with the pass phrase that is written', async () => {
    const key = `certificate_issuer_key ${await ca.write('key', encryptedKey())}`
    const authority = await ca.authority([key, 'certificate_issuer_key_passphrase "open sesame"'])
    expect(await ask(authority)).toHaveLength(1)
  })

  it('is of no CA where no certificate and no program is written', async () => {
    expect(await ca.open(['certificate_issuer_cert', 'certificate_issuer_key'])).toBeUndefined()
  })
})

describe('serial numbers', () => {
  const serialOf = async (lines: readonly string[]) =>
    (await ask(await ca.authority(lines)))[0]?.serialHex

  it('are those of the file that is named', async () => {
    await ca.write('serial', '0A\n')
    expect(await serialOf(['certificate_serial_skip 4'])).toBe('0a')
    expect(await readFile(ca.at('serial'), 'utf8')).toBe('0E\n')
  })

  it('begin with one of 63 bits where the file that is named is missing, and the log says so', async () => {
    await rm(ca.at('serial'))
    expect(await serialOf([])).toMatch(/^[4-7][0-9a-f]{15}$/)
    expect(ca.log.map(({ event }) => event)).toContain('myproxy-serial-file')
    expect((await stat(ca.at('serial'))).mode & 0o777).toBe(0o600)
  })

  it('are drawn where none is named', async () => {
    expect(await serialOf(['certificate_serialfile'])).toMatch(/^[4-7][0-9a-f]{31}$/)
  })

  it('go on where a C server kept them among the credentials', async () => {
    await ca.write('store/serial', '21\n')
    expect(await serialOf(['certificate_serialfile'])).toBe('21')
    expect(await readFile(ca.at('store/serial'), 'utf8')).toBe('22\n')
  })
})
