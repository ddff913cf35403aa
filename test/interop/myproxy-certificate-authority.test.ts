/**
 * A server that is a certificate authority: Debian's and ours, from the same configuration and files,
 * asked by the same client.
 */
import { execFile } from 'node:child_process'
import { readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { OID } from '../../src/asn1/oids.js'
import { certificatesIn } from '../../src/myproxy/server/authority/issuer.js'
import type { Certificate } from '../../src/x509/certificate.js'
import { buildName } from '../../src/x509/name.js'
import { keyIdentifier } from '../../src/x509/public-key.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../support/embedded-myproxy.js'
import { addProxy, TestAuthority } from '../support/pki.js'
import { writeCredentialPair } from '../support/pki-files.js'
import { describeWithPrograms } from '../support/programs.js'
import {
  MYPROXY_PROGRAMS,
  type ProgramResult,
  type RealGrid,
  type RunOptions,
  startRealGrid,
} from '../support/real-peers.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'

const run = promisify(execFile)

const HOUR = 3600
const RSA = { key: 'rsa2048' } as const
const BELOW = [
  ['DC', 'org'],
  ['DC', 'example'],
] as const
const USER = '/DC=org/DC=example/OU=Users'

/** As in the man page, with a place for revocation lists. */
const EXTENSIONS = `keyUsage=digitalSignature,keyEncipherment,dataEncipherment
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid,issuer:always
crlDistributionPoints=URI:http://ca.example.org/1.r0
certificatePolicies=1.2.840.113612.5.2.2.1
basicConstraints=critical,CA:FALSE
`

const MAP = `"${USER}/CN=alice" alice
"${USER}/CN=bob" bob,robert
"/C=CH/O=Some Place/CN=host\\/x.example.org" service
`

interface Logon extends ProgramResult {
  certificates: Certificate[]
}

describeWithPrograms(
  'myproxy-logon, and a server that is a CA',
  [...MYPROXY_PROGRAMS, 'openssl'],
  () => {
    let temporary: Awaited<ReturnType<typeof makeTemporaryDirectory>>
    let root: TestAuthority
    let issuer: TestAuthority
    let theirs: RealGrid
    let ours: EmbeddedGrid
    let given: readonly string[]
    const at = (name: string) => join(temporary.path, name)

    beforeAll(async () => {
      temporary = await makeTemporaryDirectory()
      root = new TestAuthority({ ...RSA, name: buildName([...BELOW, ['CN', 'Root']]) })
      const name = buildName([...BELOW, ['CN', 'Online CA']])
      issuer = new TestAuthority({ ...RSA, name, parent: root })
      given = await configuration()
      theirs = await startRealGrid({ policy: policyOf(given) })
      ours = await startEmbeddedGrid({ ...RSA, config: given.join('\n') })
    })
    afterAll(async () => {
      await theirs?.stop()
      await ours?.stop()
      await temporary?.remove()
    })

    async function configuration(): Promise<string[]> {
      const { privateKey, certificate } = issuer
      const pair = await writeCredentialPair(temporary.path, 'ca', {
        privateKey,
        chain: [certificate],
      })
      const encrypted = privateKey.export({
        ...{ type: 'pkcs8', format: 'pem' },
        ...{ cipher: 'aes-256-cbc', passphrase: 'open sesame' },
      } as { type: 'pkcs8'; format: 'pem' })
      await writeFile(at('ca-key'), encrypted, { mode: 0o600 })
      const chain = `${await readFile(pair.cert, 'utf8')}`
      await writeFile(at('chain'), chain)
      await writeFile(at('extensions'), EXTENSIONS)
      await writeFile(at('map'), MAP)
      await writeFile(at('serial'), '7F\n', { mode: 0o600 })
      await run('mkdir', ['-m', '700', at('issued')], { timeout: 10_000 })
      return [
        'trusted_retrievers "*"',
        'default_retrievers "*"',
        `default_trusted_retrievers "${USER}/*"`,
        'default_renewers "/DC=org/DC=example/OU=Hosts/*"',
        `certificate_issuer_cert ${pair.cert}`,
        `certificate_issuer_key ${at('ca-key')}`,
        'certificate_issuer_key_passphrase "open sesame"',
        `certificate_issuer_subca_certfile ${at('chain')}`,
        'certificate_issuer_hashalg sha512',
        'certificate_issuer_email_domain "example.org"',
        `certificate_serialfile ${at('serial')}`,
        `certificate_out_dir ${at('issued')}`,
        `certificate_mapfile ${at('map')}`,
        `certificate_extfile ${at('extensions')}`,
        'max_cert_lifetime 24',
        '',
      ]
    }

    async function logon(
      grid: Pick<RealGrid | EmbeddedGrid, 'run'>,
      words: readonly string[],
      options: RunOptions = {},
    ): Promise<Logon> {
      const out = at('out')
      await rm(out, { force: true })
      const result = await grid.run('myproxy-logon', ['-n', '-o', out, ...words], options)
      const text = await readFile(out).catch(() => '')
      return { ...result, certificates: certificatesIn(text) }
    }

    const asAlice = (grid: RealGrid | EmbeddedGrid) => ({ as: grid.users.alice })

    /** All that does not depend on key, serial number and hour. */
    const shapeOf = ({ certificates: [leaf, ...chain], exitCode, stdout, stderr }: Logon) => ({
      ...{ exitCode, stdout, stderr },
      chain: chain.map(({ subject }) => subject.oneLine),
      subject: leaf && Buffer.from(leaf.subject.der).toString('hex'),
      issuer: leaf && Buffer.from(leaf.issuer.der).toString('hex'),
      signed: leaf?.signatureAlgorithm.name,
      seconds: leaf && leaf.notAfter - leaf.notBefore,
      extensions: leaf?.extensions.map(({ oid, critical, value }) => [
        ...[oid, critical],
        oid === OID.subjectKeyIdentifier ? 'its own' : Buffer.from(value).toString('hex'),
      ]),
    })

    it.each([
      ['bob', ['-l', 'bob'], `${USER}/CN=bob`, 12],
      ['a host with a slash', ['-l', 'service'], '/C=CH/O=Some Place/CN=host\\/x.example.org', 12],
      ['48 h, of which 24 are given', ['-l', 'bob', '-t', '48'], `${USER}/CN=bob`, 24],
      [
        'a second account of bob, with a pass phrase and a name that nobody looks at',
        ['-l', 'robert', '-t', '2', '-S', '-k', 'any'],
        `${USER}/CN=bob`,
        2,
      ],
    ] as const)('gets the same from both for %s', async (_what, words, dn, hours) => {
      const input = 'some pass phrase\n'
      const fromTheirs = await logon(theirs, words, { ...asAlice(theirs), input })
      const fromOurs = await logon(ours, words, { ...asAlice(ours), input })
      expect(shapeOf(fromOurs)).toEqual(shapeOf(fromTheirs))
      const [leaf] = fromOurs.certificates
      expect(leaf?.subject.oneLine).toBe(dn)
      expect((leaf?.notAfter ?? 0) - (leaf?.notBefore ?? 0)).toBe(hours * HOUR + 300)
      expect(leaf?.subjectKeyId).toEqual(keyIdentifier(leaf?.spki ?? Buffer.alloc(0)))
    })

    it('gets serial numbers that go on from one server to the other, each kept by its name', async () => {
      const serials: string[] = []
      for (const grid of [ours, theirs, ours]) {
        const { certificates } = await logon(grid, ['-l', 'bob'], asAlice(grid))
        serials.push(certificates[0]?.serialHex ?? '')
      }
      const numbers = serials.map((hex) => Number.parseInt(hex, 16))
      expect(numbers).toEqual([numbers[0], (numbers[0] ?? 0) + 1, (numbers[0] ?? 0) + 2])
      const next = Number.parseInt(await readFile(at('serial'), 'utf8'), 16)
      expect(next).toBe((numbers[2] ?? 0) + 1)
      const names = await readdir(at('issued'))
      for (const hex of serials) {
        const name = `${hex.toUpperCase()}.pem`
        expect(names).toContain(name)
        const [kept] = certificatesIn(await readFile(join(at('issued'), name)))
        expect(kept?.serialHex).toBe(hex)
      }
      // Ours leaves a line in its log, too, and nothing of the key.
      const issued = ours.log.filter(({ event }) => event === 'myproxy-issued').at(-1)
      expect(issued?.fields).toMatchObject({
        username: 'bob',
        subject: `${USER}/CN=bob`,
        serial: serials.at(-1),
        client: ours.users.alice.dn,
      })
      expect(JSON.stringify(ours.log)).not.toContain('open sesame')
    })

    it('gets what "openssl verify" accepts for a client, and what can be revoked', async () => {
      const { certificates } = await logon(ours, ['-l', 'bob'], asAlice(ours))
      const { cert } = await writeCredentialPair(temporary.path, 'root', {
        privateKey: root.privateKey,
        chain: [root.certificate],
      })
      const args = ['verify', '-x509_strict', '-purpose', 'sslclient', '-CAfile', cert]
      args.push('-untrusted', at('chain'), at('out'))
      const { stdout } = await run('openssl', args, { timeout: 20_000 })
      expect(stdout.trim()).toBe(`${at('out')}: OK`)
      const serial = certificates[0]?.serialHex.toUpperCase()
      const kept = ['x509', '-in', join(at('issued'), `${serial}.pem`), '-noout', '-serial']
      expect((await run('openssl', kept, { timeout: 20_000 })).stdout).toBe(`serial=${serial}\n`)
    })

    it('renews a certificate of alice with a proxy of hers, and with no other', async () => {
      for (const grid of [theirs, ours]) {
        const proxyOf = (name: 'alice' | 'eve') =>
          grid.writeProxy(`proxy-${name}`, addProxy(grid.users[name].credential, RSA))
        const as = grid.hosts.vobox
        const renewed = await logon(grid, ['-l', 'alice', '-a', await proxyOf('alice')], { as })
        expect(renewed.certificates[0]?.subject.oneLine).toBe(`${USER}/CN=alice`)
        const refused = await logon(grid, ['-l', 'alice', '-a', await proxyOf('eve')], { as })
        expect(refused.exitCode).toBe(1)
        expect(refused.stderr).toContain(
          'certificate subject does not match credential to be renewed',
        )
        expect(refused.certificates).toEqual([])
      }
    })

    it.each([
      ['a name that the map has not', ['-l', 'nobody'], 'alice', 'unknown username: nobody'],
      ['alice by her own certificate', ['-l', 'alice'], 'alice', ''],
      ['a host that is no trusted retriever', ['-l', 'bob'], 'vobox', ''],
    ] as const)('is refused by both: %s', async (_what, words, who, sentence) => {
      for (const grid of [theirs, ours]) {
        const as = who === 'alice' ? grid.users.alice : grid.hosts.vobox
        const { exitCode, stderr, certificates } = await logon(grid, words, { as })
        expect({ exitCode, certificates }).toEqual({ exitCode: 1, certificates: [] })
        expect(stderr).toContain(sentence)
      }
    })

    it('is refused by ours, and not told of names, when it shows no certificate', async () => {
      const input = 'some pass phrase\n'
      const known = await logon(ours, ['-l', 'bob', '-S'], { input })
      const unknown = await logon(ours, ['-l', 'nobody', '-S'], { input })
      expect(known.exitCode).toBe(1)
      expect(known.stderr).toContain('invalid credential passphrase')
      expect(unknown.stderr).toBe(known.stderr)
    })

    it('is refused a certificate by ours when it shows a limited proxy, which would become a full one', async () => {
      const limited = addProxy(ours.users.alice.credential, { ...RSA, policy: 'limited' })
      const proxy = await ours.writeProxy('limited', limited)
      const { exitCode, stderr, certificates } = await logon(ours, ['-l', 'bob'], { proxy })
      expect({ exitCode, certificates }).toEqual({ exitCode: 1, certificates: [] })
      expect(stderr).toContain('limited proxy')
    })

    it('gets the stored credential where there is one, not a certificate', async () => {
      for (const grid of [theirs, ours]) {
        const store = ['-S', '-l', 'robert', '-c', '100']
        await grid.run('myproxy-init', store, { ...asAlice(grid), input: 'some pass phrase\n' })
        const stored = await logon(grid, ['-l', 'robert'], asAlice(grid))
        expect(stored.exitCode).toBe(1)
        expect(stored.stderr).toContain('invalid credential passphrase')
        await grid.run('myproxy-destroy', ['-l', 'robert'], asAlice(grid))
      }
    })

    it('gets the usual extensions, byte for byte, and no chain from a CA that says nothing of them', async () => {
      const usual = /^(trusted|default)_|_(cert|key|key_passphrase|mapapp) /
      const map = at('map.sh')
      await writeFile(map, `#!/bin/sh\necho "${USER}/CN=$1"\n`, { mode: 0o755 })
      const lines = [...given, `certificate_mapapp ${map}`].filter((line) => usual.test(line))
      const policy = policyOf([...lines, `certificate_serialfile ${at('serial-2')}`])
      await writeFile(at('serial-2'), '01\n', { mode: 0o600 })
      const { server } = await theirs.another({ policy })
      const plain = await startEmbeddedGrid({ ...RSA, config: `${lines.join('\n')}\n` })
      try {
        const env = { MYPROXY_SERVER_PORT: String(server.port) }
        const fromTheirs = await logon(theirs, ['-l', 'carl'], { ...asAlice(theirs), env })
        const fromOurs = await logon(plain, ['-l', 'carl'], asAlice(plain))
        expect(fromOurs.exitCode).toBe(0)
        expect(shapeOf(fromOurs)).toEqual(shapeOf(fromTheirs))
        expect(fromOurs.certificates).toHaveLength(1)
        expect(fromOurs.certificates[0]?.subject.oneLine).toBe(`${USER}/CN=carl`)
        // No file was named: the number was drawn.
        expect(fromOurs.certificates[0]?.serialHex).toHaveLength(32)
      } finally {
        await plain.stop()
      }
    })
  },
)

/** The configuration of the C server's grid, which replaces lines by their first word. */
function policyOf(lines: readonly string[]): Record<string, string> {
  const words = lines.filter((line) => line !== '').map((line) => line.split(/ (.*)/s))
  return Object.fromEntries(words.map(([directive = '', value = '']) => [directive, value]))
}
