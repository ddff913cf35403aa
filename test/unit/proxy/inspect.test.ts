import { describe, expect, it } from 'vitest'
import { OID } from '../../../src/asn1/oids.js'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import { type Credential, encodeCredential } from '../../../src/proxy/credential.js'
import { inspectCredential, judgeMode } from '../../../src/proxy/inspect.js'
import { encodePem } from '../../../src/x509/pem.js'
import { encodePrivateKey } from '../../../src/x509/private-key.js'
import { addProxy, anchorsOf, TestAuthority, VALID_FROM, VALID_UNTIL } from '../../support/pki.js'
import { resignWithSha1 } from '../../support/pki-broken.js'
import { HOUR } from '../../support/time.js'

const NOW = asUnixSeconds(Date.UTC(2026, 0, 1) / 1000)
const ca = new TestAuthority({ key: 'rsa2048' })
const alice = ca.issueUser('alice')
const aliceDn = '/DC=org/DC=example/OU=Users/CN=alice'
const options = { now: NOW, allowLegacyProxies: false, maxDelegationDepth: 10 }

const inspect = (credential: Credential) =>
  inspectCredential(encodeCredential(credential), anchorsOf(ca), options).report

describe('inspectCredential', () => {
  it('describes a valid proxy with a path length of 3, certificate by certificate', () => {
    const attributes = {
      oid: OID.vomsAcSequence,
      critical: false,
      value: Buffer.from('3000', 'hex'),
    }
    const proxy = addProxy(alice, {
      now: NOW,
      hours: 2,
      commonName: '1',
      pathLength: 3,
      extensions: [attributes],
    })
    const report = inspect(proxy)
    expect(report.chain).toEqual({
      identity: aliceDn,
      subject: `${aliceDn}/CN=1`,
      kind: 'rfc3820',
      policy: 'inherit-all',
      limited: false,
      depth: 1,
      notBefore: NOW - 300,
      effectiveEnd: NOW + 2 * HOUR,
      secondsLeft: 2 * HOUR,
      carriesAttributes: true,
    })
    expect(report.certificates).toEqual([
      {
        subject: `${aliceDn}/CN=1`,
        issuer: aliceDn,
        role: 'proxy',
        kind: 'rfc3820',
        policy: 'inherit-all',
        pathLength: 3,
        keyType: 'ec',
        keyBits: 256,
        signatureAlgorithm: 'ecdsa-with-SHA256',
        signatureHash: 'sha256',
        notBefore: NOW - 300,
        notAfter: NOW + 2 * HOUR,
        serial: proxy.chain[0]?.serialHex,
        fingerprintSha256: proxy.chain[0]?.fingerprintSha256,
        keyUsage: ['digitalSignature'],
        carriesAttributes: true,
      },
      {
        subject: aliceDn,
        issuer: ca.name.oneLine,
        role: 'end-entity',
        keyType: 'ec',
        keyBits: 256,
        signatureAlgorithm: 'sha256WithRSAEncryption',
        signatureHash: 'sha256',
        notBefore: VALID_FROM,
        notAfter: VALID_UNTIL,
        serial: alice.chain[0]?.serialHex,
        fingerprintSha256: alice.chain[0]?.fingerprintSha256,
        keyUsage: ['digitalSignature'],
        carriesAttributes: false,
      },
    ])
    expect(report).toMatchObject({ verdict: { valid: true }, weaknesses: [] })
    expect(JSON.parse(JSON.stringify(report))).toEqual(report)
  })

  it('says of an expired proxy since when, and that 0 seconds are left', () => {
    const { chain, verdict } = inspect(addProxy(alice, { notAfter: NOW - 60, commonName: '1' }))
    expect(chain).toMatchObject({ effectiveEnd: NOW - 60, secondsLeft: 0 })
    expect(verdict).toMatchObject({ valid: false, code: 'CHAIN_EXPIRED' })
  })

  it.each(['legacy', 'draft'] as const)('describes a %s proxy and refuses it', (kind) => {
    const report = inspect(addProxy(alice, { now: NOW, kind, policy: 'limited' }))
    expect(report.chain).toMatchObject({
      kind,
      limited: true,
      policy: 'limited',
      identity: aliceDn,
    })
    expect(report.verdict).toMatchObject({ valid: false, code: 'PROXY_KIND_REFUSED' })
    expect(report.certificates[0]).toMatchObject({ role: 'proxy', kind })
  })

  it('says of a bare user certificate that it has no kind', () => {
    expect(inspect(alice)).toMatchObject({
      chain: { kind: null, policy: null, depth: 0 },
      verdict: { valid: true },
      certificates: [{ role: 'end-entity' }],
    })
  })

  it('names the certificates with SHA-1 and 1024 bits, and calls the chain valid', () => {
    const old = resignWithSha1(ca.issueUser('old'), ca.privateKey)
    const report = inspect(addProxy(old, { now: NOW, key: 'rsa1024', commonName: '1' }))
    const oldDn = '/DC=org/DC=example/OU=Users/CN=old'
    expect(report.weaknesses.map(({ kind, subject }) => [kind, subject])).toEqual([
      ['small-key', `${oldDn}/CN=1`],
      ['weak-signature', oldDn],
    ])
    expect(report.verdict).toEqual({ valid: true })
  })

  it('says that nothing can be checked without trust anchors', () => {
    const bytes = encodeCredential(addProxy(alice, { now: NOW }))
    const { verdict, chain } = inspectCredential(bytes, undefined, options).report
    expect(verdict).toMatchObject({ valid: false, code: 'TRUST_ANCHORS_UNREADABLE' })
    expect(chain?.identity).toBe(aliceDn)
  })

  it('shows the certificates of a file whose key is foreign', () => {
    const pem = alice.chain.map(({ der }) => encodePem('CERTIFICATE', der)).join('')
    const foreign = encodePrivateKey(ca.issueUser('bob').privateKey)
    const report = inspectCredential(Buffer.from(pem + foreign), anchorsOf(ca), options).report
    expect(report).toMatchObject({
      chain: null,
      certificates: [{ subject: aliceDn, role: 'unknown' }],
      verdict: { valid: false, code: 'PROXY_KEY_MISMATCH' },
    })
  })

  it('says of garbage what it is', () => {
    const report = inspectCredential(Buffer.from('not a proxy\n'), anchorsOf(ca), options).report
    expect(report).toMatchObject({
      chain: null,
      certificates: [],
      weaknesses: [],
      verdict: { valid: false, code: 'PROXY_FILE_MALFORMED' },
    })
  })
})

describe('judgeMode', () => {
  const valid = inspect(addProxy(alice, { now: NOW, hours: 2 }))

  it.each([0o644, 0o640, 0o604, 0o620])(
    'says that others can get at a key, and the cure',
    (mode) => {
      expect(judgeMode(valid, '/tmp/x', mode).verdict).toEqual({
        valid: false,
        code: 'FILE_UNSAFE',
        message: `others can get at its key: the file has mode 0${mode.toString(8)}`,
        hint: 'chmod 0600 /tmp/x',
      })
    },
  )

  it('leaves a file of mode 0600 or 0400 alone, and the reason why another is not valid', () => {
    expect(judgeMode(valid, '/tmp/x', 0o600)).toBe(valid)
    expect(judgeMode(valid, '/tmp/x', 0o400)).toBe(valid)
    const expired = inspect(addProxy(alice, { notAfter: NOW - 60, commonName: '1' }))
    expect(judgeMode(expired, '/tmp/x', 0o644)).toBe(expired)
  })
})
