/** What we issue, read by the tools that a VO's services and users have. */
import { createPublicKey, randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { attributeType } from '../../src/asn1/attribute-types.js'
import { derOid, derSequence, derUtf8String, encodeDer, TAG } from '../../src/asn1/der.js'
import { asUnixSeconds } from '../../src/ports/clock.js'
import type { Random } from '../../src/ports/random.js'
import { type Credential, parseCredential } from '../../src/proxy/credential.js'
import { type IssuedPolicy, issueProxy } from '../../src/proxy/issue-proxy.js'
import { makeMachineProxy } from '../../src/proxy/machine-proxy.js'
import { validateProxyChain } from '../../src/proxy/validate-proxy-chain.js'
import { buildName, type Name, parseName } from '../../src/x509/name.js'
import { FakeClock } from '../support/fake-clock.js'
import {
  anchorsOf,
  realNow,
  TestAuthority,
  type TestKeyKind,
  testKey,
  userName,
} from '../support/pki.js'
import { writeProxyFile } from '../support/pki-files.js'
import { describeWithPrograms } from '../support/programs.js'
import { field, PeerDirectory } from '../support/proxy-peers.js'
import { HOUR } from '../support/time.js'

const random: Random = { bytes: (length) => randomBytes(length), fraction: () => 0.5 }

const ca = new TestAuthority({ key: 'rsa2048' })
const middle = new TestAuthority({
  name: buildName([
    ['DC', 'org'],
    ['DC', 'example'],
    ['CN', 'Middle CA'],
  ]),
  key: 'rsa2048',
  parent: ca,
})

const peers = new PeerDirectory()
beforeAll(() => peers.open(ca, middle))
afterAll(() => peers.close())
const run = peers.run.bind(peers)

/** A proxy of 12 hours issued now; RSA keys are as real as they get. */
function issue(
  signer: Credential,
  kind: TestKeyKind,
  options: { policy?: IssuedPolicy; pathLength?: number } = {},
): Credential {
  const now = realNow()
  const privateKey = testKey(kind, `issued ${signer.chain.length}`)
  const leaf = issueProxy({
    signer,
    publicKey: createPublicKey(privateKey),
    notAfter: asUnixSeconds(now + 12 * HOUR),
    now,
    random,
    ...options,
  })
  return { privateKey, chain: [leaf, ...signer.chain] }
}

let written = 0
const write = (credential: Credential) =>
  writeProxyFile(peers.directory, `proxy-${written++}.pem`, credential)

const opensslVerify = (path: string) =>
  run('openssl', [
    ...['verify', '-x509_strict', '-allow_proxy_certs', '-crl_check_all', '-purpose', 'sslclient'],
    ...['-CApath', peers.trustDirectory, '-untrusted', path, path],
  ])

/** A part with two attributes in the order that DER would not choose, as some CAs write them. */
function unsortedName(): Name {
  const attribute = (type: string, text: string) =>
    derSequence(derOid(attributeType(type) ?? ''), derUtf8String(text))
  const part = (...attributes: Uint8Array[]) => encodeDer(TAG.set, ...attributes)
  return parseName(
    derSequence(
      part(attribute('O', 'Grid')),
      part(attribute('UID', 'a1'), attribute('CN', 'alice')),
    ),
  )
}

const NAMES: readonly (readonly [string, Name])[] = [
  ['a plain name', userName('alice')],
  [
    'a UTF-8 name',
    buildName([
      ['O', 'Università'],
      ['CN', 'Zoë Ångström'],
    ]),
  ],
  [
    'a T61 name',
    buildName([
      ['O', 'CNRS', 't61'],
      ['CN', 'André', 't61'],
    ]),
  ],
  [
    'a BMP name',
    buildName([
      ['O', 'Grid'],
      ['CN', 'Ωμέγα', 'bmp'],
    ]),
  ],
  [
    'a multi-valued name',
    buildName([
      ['O', 'Grid'],
      [
        ['CN', 'alice'],
        ['UID', 'a1'],
      ],
    ]),
  ],
  ['a multi-valued name out of order', unsortedName()],
]

describeWithPrograms('openssl and grid-proxy-info accept', ['openssl', 'grid-proxy-info'], () => {
  const cases = NAMES.flatMap(([title, name]) =>
    (['rsa2048', 'p256'] as const).map((kind) => [title, kind, name] as const),
  )
  it.each(cases)('two proxies of %s with %s keys', async (_title, kind, name) => {
    const user = ca.issueUser(name, { key: 'rsa2048' })
    const path = await write(issue(issue(user, kind), kind))
    expect(await opensslVerify(path)).toEqual({ exitCode: 0, text: `${path}: OK\n` })
    const { exitCode, text } = await run('grid-proxy-info', ['-f', path])
    expect(exitCode).toBe(0)
    expect(field(text, 'identity')).toBe(name.oneLine)
    expect(field(text, 'type')).toBe('RFC 3820 compliant impersonation proxy')
    expect(field(text, 'timeleft')).toMatch(/^11:59:|^12:00:00/)
  })

  it('a proxy of a P-256 user below an intermediate CA', async () => {
    const path = await write(issue(middle.issueUser('bob'), 'p256'))
    expect(await opensslVerify(path)).toEqual({ exitCode: 0, text: `${path}: OK\n` })
    const { text } = await run('grid-proxy-info', ['-f', path])
    expect(field(text, 'identity')).toBe('/DC=org/DC=example/OU=Users/CN=bob')
  })

  it.each([
    ['inherit-all', 'impersonation', true],
    ['limited', 'limited', true],
    ['independent', 'independent', false],
  ] as const)('a proxy with the policy %s, called %s', async (policy, called, inherits) => {
    const alice = ca.issueUser('alice', { key: 'rsa2048' })
    const proxy = issue(alice, 'rsa2048', { policy })
    const path = await write(proxy)
    expect((await opensslVerify(path)).exitCode).toBe(0)
    const { text } = await run('grid-proxy-info', ['-f', path])
    expect(field(text, 'type')).toBe(`RFC 3820 compliant ${called} proxy`)
    const identity = inherits ? alice.chain[0]?.subject : proxy.chain[0]?.subject
    expect(field(text, 'identity')).toBe(identity?.oneLine)
  })

  it('a limited proxy made from a limited one that was asked for everything', async () => {
    const limited = issue(ca.issueUser('alice'), 'p256', { policy: 'limited' })
    const { text } = await run('grid-proxy-info', ['-f', await write(issue(limited, 'p256'))])
    expect(field(text, 'type')).toBe('RFC 3820 compliant limited proxy')
  })

  it('a path length of 1, and openssl sees it', async () => {
    const first = issue(ca.issueUser('alice'), 'p256', { pathLength: 1 })
    const second = await write(issue(first, 'p256'))
    expect((await opensslVerify(second)).exitCode).toBe(0)
    const { text } = await run('openssl', ['x509', '-in', await write(first), '-noout', '-text'])
    expect(text).toMatch(/Path Length Constraint: 0?1\n/)
    expect(text).toContain('Policy Language: Inherit all')
  })

  it('a machine proxy', async () => {
    const host = ca.issueHost('vobox.example.org', { key: 'rsa2048' })
    const keys = { generate: async () => testKey('rsa2048', 'machine') }
    const clock = new FakeClock(realNow())
    const path = await write(await makeMachineProxy({ hostCredential: host, keys, clock, random }))
    expect((await opensslVerify(path)).exitCode).toBe(0)
    const { text } = await run('grid-proxy-info', ['-f', path])
    expect(field(text, 'identity')).toBe('/DC=org/DC=example/OU=Hosts/CN=vobox.example.org')
    expect(field(text, 'timeleft')).toMatch(/^23:59:|^24:00:00/)
  })
})

describeWithPrograms('voms-proxy-info (C) accepts', ['voms-proxy-info2'], () => {
  it.each([
    ...NAMES.map(([title, name]) => [title, 'rsa2048', name] as const),
    ...NAMES.map(([title, name]) => [title, 'p256', name] as const),
  ])('a proxy of %s with an %s key', async (_title, kind, name) => {
    const path = await write(issue(ca.issueUser(name, { key: 'rsa2048' }), kind))
    const { exitCode, text } = await run('voms-proxy-info2', ['-all', '-file', path])
    expect(exitCode).toBe(0)
    // This tool shows the immediate issuer as the identity.
    expect(field(text, 'identity')).toBe(name.oneLine)
    expect(field(text, 'type')).toBe('RFC compliant proxy')
    const usage = kind === 'p256' ? 'Digital Signature' : 'Digital Signature, Key Encipherment'
    expect(field(text, 'key usage')).toBe(usage)
  })
})

describeWithPrograms('voms-proxy-info (Java) accepts', ['voms-proxy-info3'], () => {
  it('two proxies of an RSA user, showing the user as the identity', async () => {
    const alice = ca.issueUser('alice', { key: 'rsa2048' })
    const path = await write(issue(issue(alice, 'rsa2048'), 'rsa2048'))
    const { exitCode, text } = await run('voms-proxy-info3', ['-all', '-file', path])
    expect(exitCode).toBe(0)
    expect(field(text, 'identity')).toBe('/DC=org/DC=example/OU=Users/CN=alice')
    expect(field(text, 'type')).toBe('RFC3820 compliant impersonation proxy')
  })
})

describeWithPrograms('voms-proxy-init (C) delegates further', ['voms-proxy-init2'], () => {
  it('from a proxy of ours, which has the key identifier that it needs', async () => {
    const alice = ca.issueUser('alice', { key: 'rsa2048' })
    const proxy = await write(issue(alice, 'rsa2048'))
    const out = join(peers.directory, 'further.pem')
    const args = ['-noregen', '-bits', '2048', '-valid', '1:00', '-out', out]
    const { exitCode } = await run('voms-proxy-init2', args, { X509_USER_PROXY: proxy })
    expect(exitCode).toBe(0)
    const { facts } = validateProxyChain(
      parseCredential(await readFile(out)).chain,
      anchorsOf(ca),
      {
        now: realNow(),
        allowLegacyProxies: false,
        maxDelegationDepth: 10,
      },
    )
    expect(facts).toMatchObject({ depth: 2, policy: 'inherit-all' })
    expect(facts.identity.oneLine).toBe('/DC=org/DC=example/OU=Users/CN=alice')
  })
})
