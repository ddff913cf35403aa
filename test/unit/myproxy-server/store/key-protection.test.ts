import { execFile } from 'node:child_process'
import { createPrivateKey, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { describe, expect, it } from 'vitest'
import { derInteger, derOctetString, derOid, derSequence } from '../../../../src/asn1/der.js'
import { OID } from '../../../../src/asn1/oids.js'
import { VoboxError } from '../../../../src/errors.js'
import {
  ENCRYPTED_KEY_LABEL,
  pretendToUnprotect,
  protectKey,
  requireAffordable,
  unprotectKey,
  workToOpen,
} from '../../../../src/myproxy/server/store/key-protection.js'
import { systemRandom } from '../../../../src/node/ports/random.js'
import { encodePem, type PemBlock, parsePem } from '../../../../src/x509/pem.js'
import { rejectionOf } from '../../../support/failure.js'
import { testKey } from '../../../support/pki.js'
import { describeWithPrograms } from '../../../support/programs.js'

const GUARD = { random: systemRandom, passPhraseCost: 1 }
const onlyBlock = (pem: string) => parsePem(pem)[0] as PemBlock
const der = (key: KeyObject) => key.export({ type: 'pkcs8', format: 'der' })

describe('protectKey', () => {
  it.each(['p256', 'rsa2048'] as const)('gives a %s key back for its pass phrase', async (kind) => {
    const key = testKey(kind)
    const block = onlyBlock(await protectKey(key, 'Grüße, secret', GUARD))
    expect(block.label).toBe(ENCRYPTED_KEY_LABEL)
    expect(der(await unprotectKey(block, 'Grüße, secret'))).toEqual(der(key))
  })

  it('writes the same key differently each time', async () => {
    const key = testKey()
    const once = await protectKey(key, 'secret', GUARD)
    expect(await protectKey(key, 'secret', GUARD)).not.toBe(once)
  })

  it.each([1, 3, 8])('makes a guess cost %i times N = 2^14, r = 8, and opens it', async (p) => {
    const key = testKey()
    const block = onlyBlock(
      await protectKey(key, 'secret', { random: systemRandom, passPhraseCost: p }),
    )
    expect(workToOpen(block)).toBe(p * 2 ** 14 * 8)
    expect(der(await unprotectKey(block, 'secret'))).toEqual(der(key))
  })

  it('opens for nothing but the pass phrase', async () => {
    const block = onlyBlock(await protectKey(testKey(), 'secret', GUARD))
    const error = await rejectionOf(unprotectKey(block, 'Secret'))
    expect(error.code).toBe('KEY_ENCRYPTED')
    expect(error.data).toMatchObject({ reason: 'wrong-pass-phrase' })
  })

  it('is read by OpenSSL as it is built into Node', async () => {
    const key = testKey()
    const pem = await protectKey(key, 'secret', GUARD)
    expect(der(createPrivateKey({ key: pem, passphrase: 'secret' }))).toEqual(der(key))
  })
})

describe('pretendToUnprotect', () => {
  /** Computing time of all threads, in seconds, and how often a salt was drawn. */
  const pretend = async (passPhraseCost: number, spent = 0) => {
    let salts = 0
    const random = {
      bytes: (count: number) => {
        salts += 1
        return systemRandom.bytes(count)
      },
    }
    const before = process.cpuUsage()
    await pretendToUnprotect(
      'guess',
      { random: { ...systemRandom, ...random }, passPhraseCost },
      { spent },
    )
    const { user, system } = process.cpuUsage(before)
    return { salts, seconds: (user + system) / 1e6 }
  }

  it.each([
    ['600,000 rounds of PBKDF2 were', 5, 600_000],
    ['a key that costs as much was', 5, 5 * 2 ** 17],
    ['8 keys were, of which each costs as much', 1, 8 * 2 ** 17],
  ])('spends nothing more where %s tried', async (_what, cost, spent) => {
    expect((await pretend(cost, spent)).salts).toBe(0)
  })

  it('spends on a name without a key, or with 2048 rounds of PBKDF2, over twice what a cost of 1 is', async () => {
    const one = await pretend(1)
    expect((await pretend(8)).seconds / one.seconds).toBeGreaterThan(2)
    expect((await pretend(8, 2048)).seconds / one.seconds).toBeGreaterThan(2)
  })
})

describe('a derivation whose request has ended', () => {
  const GONE = new VoboxError('DEADLINE_EXCEEDED', 'gone')
  const GUARD_OF_2 = { random: systemRandom, passPhraseCost: 2 }

  it('is not begun: 20 that wait behind 2 cost no time of theirs', async () => {
    const block = onlyBlock(await protectKey(testKey(), 'secret', GUARD_OF_2))
    const ending = new AbortController()
    const before = process.cpuUsage()
    const running = [1, 2].map(() => unprotectKey(block, 'secret'))
    const waiting = Array.from({ length: 20 }, (_, at) => {
      if (at % 3 === 0) return protectKey(testKey(), 'secret', GUARD_OF_2, ending.signal)
      if (at % 3 === 1) return unprotectKey(block, 'secret', ending.signal)
      return pretendToUnprotect('secret', GUARD_OF_2, { signal: ending.signal })
    }).map(rejectionOf)
    ending.abort(GONE)
    await Promise.all(running)
    const { user, system } = process.cpuUsage(before)
    expect(await Promise.all(waiting)).toEqual(waiting.map(() => GONE))
    const spent = user + system
    const once = process.cpuUsage()
    await unprotectKey(block, 'secret')
    const { user: oneUser, system: oneSystem } = process.cpuUsage(once)
    expect(spent / (oneUser + oneSystem)).toBeLessThan(10)
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
    ['2^18 rounds of scrypt', { N: 2 ** 18, r: 8, p: 1 }],
    ['100 MB a block', { N: 2 ** 14, r: 6400, p: 1 }],
    ['a million passes', { N: 2 ** 14, r: 8, p: 1_000_000 }],
    ['20 s, 268 MB a block', { N: 2 ** 17, r: 16, p: 16 }],
    ['2 s, a bit of everything', { N: 2 ** 17, r: 8, p: 2 }],
    ['a number of rounds that is no power of two', { N: 10_000, r: 8, p: 1 }],
  ])('refuses a file that asks for %s', async (_name, { N, r, p }) => {
    const cost = [N, r, p].map(derInteger)
    const block = encryptedBy(OID.scrypt, derOctetString(Buffer.alloc(16)), ...cost)
    const error = await rejectionOf(unprotectKey(block, 'secret'))
    expect(error.code).toBe('MYPROXY_STORE_MALFORMED')
    expect(error.data).toEqual({ N, r, p })
  })

  it.each([0, 2_000_001, 2 ** 30])('refuses %d rounds of PBKDF2', async (rounds) => {
    const block = encryptedBy(OID.pbkdf2, derOctetString(Buffer.alloc(16)), derInteger(rounds))
    const error = await rejectionOf(unprotectKey(block, 'secret'))
    expect(error).toMatchObject({ code: 'MYPROXY_STORE_MALFORMED', data: { rounds } })
    expect(() => requireAffordable(encodePem(block.label, block.bytes))).toThrow(error.message)
  })

  it('takes no time to guess at where nothing opens the key', () => {
    const block = encryptedBy('1.2.3.4', derOctetString(Buffer.alloc(16)))
    expect([block, { ...block, bytes: Buffer.from('300302', 'hex') }].map(workToOpen)).toEqual([
      0, 0,
    ])
  })

  it('refuses a million rounds of the schemes before PBES2, and what it does not know', async () => {
    const withRounds = (oid: string) =>
      derSequence(
        derSequence(
          derOid(oid),
          derSequence(derOctetString(Buffer.alloc(8)), derInteger(1_000_000)),
        ),
        derOctetString(Buffer.alloc(32)),
      )
    const refusalOf = (bytes: Uint8Array) =>
      rejectionOf(unprotectKey({ ...ENCRYPTED, bytes }, 'secret'))
    expect(await refusalOf(withRounds(OID.pbeSha1TripleDes))).toMatchObject({
      code: 'MYPROXY_STORE_MALFORMED',
      data: { rounds: 1_000_000 },
    })
    expect(await refusalOf(withRounds('1.2.3.4'))).toMatchObject({
      code: 'KEY_ENCRYPTED',
      data: { reason: 'unsupported-cipher', oid: '1.2.3.4' },
    })
    expect((await refusalOf(Buffer.from('3003020100', 'hex'))).code).toBe('KEY_MALFORMED')
  })
})

const ENCRYPTED = { label: ENCRYPTED_KEY_LABEL, headers: new Map<string, string>() }

/** PBES2 with AES-256. */
function encryptedBy(derivation: string, ...parameters: Uint8Array[]): PemBlock {
  const algorithm = derSequence(
    derOid(OID.pbes2),
    derSequence(
      derSequence(derOid(derivation), derSequence(...parameters)),
      derSequence(derOid(OID.aes256Cbc), derOctetString(Buffer.alloc(16))),
    ),
  )
  return { ...ENCRYPTED, bytes: derSequence(algorithm, derOctetString(Buffer.alloc(32))) }
}

describeWithPrograms('protectKey beside openssl', ['openssl'], () => {
  it('is opened by `openssl pkey`', async () => {
    const key = testKey()
    const pem = await protectKey(key, 'secret', GUARD)
    const running = promisify(execFile)('openssl', ['pkey', '-passin', 'pass:secret'])
    running.child.stdin?.end(pem)
    expect(der(createPrivateKey((await running).stdout))).toEqual(der(key))
  })

  it.each([
    ['-v2 aes-256-cbc'],
    ['-v2 aes-128-cbc -v2prf hmacWithSHA1'],
    ['-v2 aes-192-cbc -v2prf hmacWithSHA512 -iter 100000'],
    ['-v2 des3 -iter 4096'],
    ['-scrypt'],
    ['-v1 PBE-SHA1-3DES'],
    ['-v1 PBE-SHA1-3DES -iter 20000'],
  ])(
    'opens what `openssl pkcs8 -topk8 %s` wrote, and not with another pass phrase',
    async (how) => {
      const key = testKey()
      const words = ['pkcs8', '-topk8', ...how.split(' '), '-passout', 'pass:secret']
      const running = promisify(execFile)('openssl', words)
      running.child.stdin?.end(key.export({ type: 'pkcs8', format: 'pem' }))
      const { stdout } = await running
      requireAffordable(stdout)
      expect(der(await unprotectKey(onlyBlock(stdout), 'secret'))).toEqual(der(key))
      const wrong = await rejectionOf(unprotectKey(onlyBlock(stdout), 'Secret'))
      expect(wrong).toMatchObject({ code: 'KEY_ENCRYPTED', data: { reason: 'wrong-pass-phrase' } })
    },
  )
})
