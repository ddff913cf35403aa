import { execFile } from 'node:child_process'
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { derInteger, derOctetString, derOid, derSequence } from '../../../src/asn1/der.js'
import { OID } from '../../../src/asn1/oids.js'
import {
  ENCRYPTED_KEY_LABEL,
  protectKey,
  unprotectKey,
} from '../../../src/myproxy/server/key-protection.js'
import { systemRandom } from '../../../src/node/ports/random.js'
import { type PemBlock, parsePem } from '../../../src/x509/pem.js'
import { rejectionOf } from '../../support/failure.js'
import { testKey } from '../../support/pki.js'
import { describeWithPrograms } from '../../support/programs.js'

const onlyBlock = (pem: string) => parsePem(pem)[0] as PemBlock
const der = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'der' })

describe('protectKey', () => {
  it.each(['p256', 'rsa2048'] as const)('gives a %s key back for its pass phrase', async (kind) => {
    const key = testKey(kind)
    const block = onlyBlock(await protectKey(key, 'Grüße, secret', systemRandom))
    expect(block.label).toBe(ENCRYPTED_KEY_LABEL)
    expect(der(await unprotectKey(block, 'Grüße, secret'))).toEqual(der(key))
  })

  it('writes the same key differently each time', async () => {
    const key = testKey()
    const once = await protectKey(key, 'secret', systemRandom)
    expect(await protectKey(key, 'secret', systemRandom)).not.toBe(once)
  })

  it('opens for nothing but the pass phrase', async () => {
    const block = onlyBlock(await protectKey(testKey(), 'secret', systemRandom))
    const error = await rejectionOf(unprotectKey(block, 'Secret'))
    expect(error.code).toBe('KEY_ENCRYPTED')
    expect(error.data).toMatchObject({ reason: 'wrong-pass-phrase' })
  })

  it('is read by OpenSSL as it is built into Node', async () => {
    const key = testKey()
    const pem = await protectKey(key, 'secret', systemRandom)
    expect(der(createPrivateKey({ key: pem, passphrase: 'secret' }))).toEqual(der(key))
  })
})

describe('unprotectKey', () => {
  it('opens a key that was encrypted as the C server does it, with triple DES', async () => {
    const key = testKey('rsa2048')
    const cipher = 'des-ede3-cbc'
    const pem = key.export({ type: 'pkcs1', format: 'pem', cipher, passphrase: 'secret' })
    expect(der(await unprotectKey(onlyBlock(pem.toString()), 'secret'))).toEqual(der(key))
  })

  it.each([
    ['2^18 rounds', 2 ** 18, 8, 1],
    ['100 MB a block', 2 ** 14, 6400, 1],
    ['a million passes', 2 ** 14, 8, 1_000_000],
    ['a number of rounds that is no power of two', 10_000, 8, 1],
  ])('refuses a file that asks for %s', async (_name, N, r, p) => {
    const parameters = derSequence(
      derOctetString(Buffer.alloc(16)),
      derInteger(N),
      derInteger(r),
      derInteger(p),
    )
    const algorithm = derSequence(
      derOid(OID.pbes2),
      derSequence(
        derSequence(derOid(OID.scrypt), parameters),
        derSequence(derOid(OID.aes256Cbc), derOctetString(Buffer.alloc(16))),
      ),
    )
    const bytes = derSequence(algorithm, derOctetString(Buffer.alloc(32)))
    const block = { label: ENCRYPTED_KEY_LABEL, bytes, headers: new Map<string, string>() }
    const error = await rejectionOf(unprotectKey(block, 'secret'))
    expect(error.code).toBe('MYPROXY_STORE_MALFORMED')
    expect(error.data).toEqual({ N, r, p })
  })
})

describeWithPrograms('protectKey beside openssl', ['openssl'], () => {
  it('is opened by `openssl pkey`', async () => {
    const key = testKey()
    const pem = await protectKey(key, 'secret', systemRandom)
    const running = promisify(execFile)('openssl', ['pkey', '-passin', 'pass:secret'])
    running.child.stdin?.end(pem)
    expect(der(createPrivateKey((await running).stdout))).toEqual(der(key))
  })
})
