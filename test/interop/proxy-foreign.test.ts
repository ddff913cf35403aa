/** Proxies that other people's tools make, read and judged by us. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import type { ChainFacts } from '../../src/proxy/chain-facts.js'
import { type Credential, encodeCredential, parseCredential } from '../../src/proxy/credential.js'
import { validateProxyChain } from '../../src/proxy/validate-proxy-chain.js'
import { buildName, type Name } from '../../src/x509/name.js'
import { failureOf } from '../support/failure.js'
import { anchorsOf, realNow, TestAuthority, userName } from '../support/pki.js'
import { writeCredentialPair, writeProxyFile } from '../support/pki-files.js'
import { describeWithPrograms } from '../support/programs.js'
import { PeerDirectory } from '../support/proxy-peers.js'
import { HOUR } from '../support/time.js'

const ca = new TestAuthority({ key: 'rsa2048' })
const peers = new PeerDirectory()
beforeAll(() => peers.open(ca))
afterAll(() => peers.close())

let made = 0

/** Runs a tool that makes a proxy of this user and reads what it wrote. */
async function makeProxy(
  program: string,
  args: readonly string[],
  name: Name = userName('alice'),
): Promise<Credential> {
  const number = made++
  const user = ca.issueUser(name, { key: 'rsa2048' })
  const { cert, key } = await writeCredentialPair(peers.directory, `user-${number}`, user)
  const out = join(peers.directory, `made-${number}.pem`)
  const files = ['-cert', cert, '-key', key, '-out', out, '-bits', '2048']
  const { exitCode, text } = await peers.run(program, [...args, ...files])
  if (exitCode !== 0) throw new Error(`${program}: ${text}`)
  return parseCredential(await readFile(out))
}

const validate = ({ chain }: Credential, allowLegacyProxies = true) =>
  validateProxyChain(chain, anchorsOf(ca), {
    now: realNow(),
    allowLegacyProxies,
    maxDelegationDepth: 10,
    purpose: 'client',
  })

type Expected = Partial<Pick<ChainFacts, 'kind' | 'policy' | 'limited'>> & { pathLength?: number }

/** Checks what a proxy of one delegation is, and that only RFC 3820 is accepted by default. */
function expectProxy(credential: Credential, expected: Expected, name = userName('alice')): void {
  const { pathLength, ...facts } = expected
  const valid = validate(credential)
  expect(valid.facts).toMatchObject({ depth: 1, ...facts })
  expect(valid.facts.proxies[0]?.pathLength).toBe(pathLength)
  expect(valid.facts.identity.der).toEqual(name.der)
  if (expected.kind === 'rfc3820') {
    expect(validate(credential, false).anchor).toBe(ca.certificate)
    return
  }
  const failure = failureOf(() => validate(credential, false))
  expect(failure).toMatchObject({ code: 'PROXY_KIND_REFUSED', data: { kind: expected.kind } })
}

const full = { policy: 'inherit-all', limited: false } as const
const limited = { policy: 'limited', limited: true } as const

const GLOBUS: readonly (readonly [string, Expected])[] = [
  ['', { kind: 'rfc3820', ...full }],
  ['-rfc', { kind: 'rfc3820', ...full }],
  ['-rfc -limited', { kind: 'rfc3820', ...limited }],
  ['-rfc -independent', { kind: 'rfc3820', policy: 'independent', limited: false }],
  ['-rfc -path-length 3', { kind: 'rfc3820', ...full, pathLength: 3 }],
  ['-draft', { kind: 'draft', ...full }],
  ['-draft -limited', { kind: 'draft', ...limited }],
  ['-draft -path-length 1', { kind: 'draft', ...full, pathLength: 1 }],
  ['-old', { kind: 'legacy', ...full }],
  ['-old -limited', { kind: 'legacy', ...limited }],
]

describeWithPrograms('proxies of grid-proxy-init are what they are', ['grid-proxy-init'], () => {
  it.each(GLOBUS)('with "%s"', async (options, expected) => {
    const args = ['-q', ...options.split(' ').filter((option) => option !== '')]
    expectProxy(await makeProxy('grid-proxy-init', args), expected)
  })

  it.each([
    [
      'T61',
      buildName([
        ['O', 'CNRS', 't61'],
        ['CN', 'André', 't61'],
      ]),
    ],
    ['BMP', buildName([['CN', 'Ωμέγα', 'bmp']])],
    [
      'multi-valued',
      buildName([
        ['O', 'Grid'],
        [
          ['CN', 'alice'],
          ['UID', 'a1'],
        ],
      ]),
    ],
  ])('with a %s name', async (_title, name) => {
    const proxy = await makeProxy('grid-proxy-init', ['-q'], name)
    expectProxy(proxy, { kind: 'rfc3820', ...full }, name)
  })

  it('for 2 hours, and still are after we wrote them out again', async () => {
    const proxy = await makeProxy('grid-proxy-init', ['-q', '-valid', '2:00'])
    const path = await writeProxyFile(peers.directory, 'again.pem', proxy)
    expect(await readFile(path)).toEqual(encodeCredential(proxy))
    const { exitCode } = await peers.run('grid-proxy-info', [
      '-f',
      path,
      '-exists',
      '-valid',
      '1:50',
    ])
    expect(exitCode).toBe(0)
    expect(validate(proxy).effectiveEnd).toBeGreaterThan(realNow() + 2 * HOUR - 120)
  })
})

const VOMS: readonly (readonly [string, Expected])[] = [
  ['-rfc', { kind: 'rfc3820', ...full }],
  ['-rfc -limited', { kind: 'rfc3820', ...limited }],
  ['-rfc -path-length 3', { kind: 'rfc3820', ...full, pathLength: 3 }],
  ['-proxyver 3', { kind: 'draft', ...full }],
  ['-proxyver 3 -path-length 2', { kind: 'draft', ...full, pathLength: 2 }],
  ['-old', { kind: 'legacy', ...full }],
  ['-old -limited', { kind: 'legacy', ...limited }],
]

describeWithPrograms(
  'proxies of voms-proxy-init (C) are what they are',
  ['voms-proxy-init2'],
  () => {
    it.each(VOMS)('with "%s"', async (options, expected) => {
      expectProxy(await makeProxy('voms-proxy-init2', ['-quiet', ...options.split(' ')]), expected)
    })
  },
)

describeWithPrograms('a proxy of voms-proxy-fake -rfc', ['voms-proxy-fake'], () => {
  it('carries attributes that we hand on as they are', async () => {
    const voms = ca.issueHost('localhost', { key: 'rsa2048' })
    const host = await writeCredentialPair(peers.directory, 'voms', voms)
    const proxy = await makeProxy('voms-proxy-fake', [
      ...['-rfc', '-quiet', '-hours', '12', '-vomslife', '12', '-uri', 'localhost:15000'],
      ...['-hostcert', host.cert, '-hostkey', host.key],
      ...['-voms', 'alice', '-fqan', '/alice/Role=lcgadmin', '-fqan', '/alice'],
    ])
    expectProxy(proxy, { kind: 'rfc3820', ...full, pathLength: 1 })
    const { acBytes } = validate(proxy).facts
    expect(Buffer.from(acBytes ?? []).toString('latin1')).toContain('/alice/Role=lcgadmin')
    expect(parseCredential(encodeCredential(proxy)).chain[0]?.der).toEqual(proxy.chain[0]?.der)
  })
})
