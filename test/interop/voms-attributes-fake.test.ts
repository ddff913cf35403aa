/** Attribute certificates that `voms-proxy-fake` makes, right and wrong, read and judged by us. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { nodeFiles } from '../../src/node/ports/files.js'
import { type ChainFacts, describeChain } from '../../src/proxy/chain-facts.js'
import { type Credential, parseCredential } from '../../src/proxy/credential.js'
import { splitAcSequence } from '../../src/voms/ac-sequence.js'
import { attributesOfChain } from '../../src/voms/chain-attributes.js'
import { showFqan } from '../../src/voms/fqan.js'
import { judgeAttributes } from '../../src/voms/verify-attributes.js'
import { VomsDirectory } from '../../src/voms/voms-directory.js'
import { addAttributes, TestVoms, writeVomsDirectory } from '../support/ac.js'
import { FakeClock } from '../support/fake-clock.js'
import { anchorsOf, realNow, TestAuthority } from '../support/pki.js'
import { writeCredentialPair, writeProxyFile } from '../support/pki-files.js'
import { describeWithPrograms } from '../support/programs.js'
import { PeerDirectory } from '../support/proxy-peers.js'
import { HOUR, MINUTE } from '../support/time.js'

const rsa = { key: 'rsa2048' } as const
const ca = new TestAuthority(rsa)
const voms = new TestVoms(ca, { host: 'localhost', certificate: rsa })
const otherHost = new TestVoms(ca, { host: 'other.example.org', certificate: rsa })
const alice = ca.issueUser('alice', rsa)
const eve = ca.issueUser('eve', rsa)
const peers = new PeerDirectory()
let vomsdir = ''
let made = 0

beforeAll(async () => {
  await peers.open(ca)
  vomsdir = await writeVomsDirectory(join(peers.directory, 'vomsdir'), voms)
})
afterAll(() => peers.close())

interface Fake {
  signer?: TestVoms
  /** Signs instead of the signer's own key. */
  key?: TestVoms
  uri?: string
  fqans?: readonly string[]
  /** Further options. */
  options?: readonly string[]
}

/** A proxy of alice with attributes that nobody granted. */
async function fake(given: Fake = {}): Promise<Credential> {
  const { signer = voms, key = signer, uri = 'localhost:15000' } = given
  const number = made++
  const pair = (name: string, credential: Credential) =>
    writeCredentialPair(peers.directory, `${name}-${number}`, credential)
  const [user, host, hostOfKey] = await Promise.all([
    pair('user', alice),
    pair('host', signer.credential),
    pair('key', key.credential),
  ])
  const out = join(peers.directory, `fake-${number}.pem`)
  const fqans = given.fqans ?? ['/alice/Role=lcgadmin', '/alice']
  const { exitCode, text } = await peers.run('voms-proxy-fake', [
    ...['-rfc', '-quiet', '-bits', '2048', '-hours', '12', '-vomslife', '12', '-out', out],
    ...['-cert', user.cert, '-key', user.key, '-hostcert', host.cert, '-hostkey', hostOfKey.key],
    ...['-voms', 'alice', '-uri', uri, ...fqans.flatMap((fqan) => ['-fqan', fqan])],
    ...(given.options ?? []),
  ])
  if (exitCode !== 0) throw new Error(`voms-proxy-fake: ${text}`)
  return parseCredential(await readFile(out))
}

const factsOf = ({ chain }: Credential): ChainFacts => describeChain(chain)

async function judge(credential: Credential) {
  const directory = new VomsDirectory(nodeFiles, new FakeClock(), vomsdir)
  return judgeAttributes(factsOf(credential), {
    trust: await directory.current(),
    anchors: anchorsOf(ca),
    now: realNow(),
    host: 'vobox.example.org',
  })
}

/** `verified`, or the code and reason of every attribute certificate's refusal. */
async function verdictOf(credential: Credential): Promise<string> {
  const judged = await judge(credential)
  const words = judged.map((one) => {
    if ('verified' in one) return 'verified'
    const { reason } = one.problem.data
    return reason === undefined ? one.problem.code : `${one.problem.code} ${reason}`
  })
  return words.join(', ')
}

/** Which of the tools that show a proxy find something wrong with the attributes. */
async function peersThatRefuse(credential: Credential): Promise<string[]> {
  const path = await writeProxyFile(peers.directory, `shown-${made++}.pem`, credential)
  const env = { X509_VOMS_DIR: vomsdir }
  const arc = await peers.run('arcproxy', ['-I', '-P', path, '-T', peers.trustDirectory], env)
  const c = await peers.run('voms-proxy-info2', ['-all', '-file', path], env)
  for (const { text } of [arc, c]) expect(text).toMatch(/^(subject|Subject) *:/m)
  return [
    ...(/ERROR|AC is invalid|Error detected/.test(arc.text) ? ['arc'] : []),
    ...(c.exitCode === 0 ? [] : ['c']),
  ]
}

describeWithPrograms('attributes of voms-proxy-fake', ['voms-proxy-fake'], () => {
  it('are read in their order, with server, holder and the certificate of the issuer', async () => {
    const facts = factsOf(await fake({ fqans: ['/alice/team', '/alice', '/alice/Role=lcgadmin'] }))
    const { outermost, step, inner } = attributesOfChain(facts)
    const [ac] = outermost
    expect([outermost.length, step, inner.length]).toEqual([1, 0, 0])
    expect(ac?.fqans.map(showFqan)).toEqual(['/alice/team', '/alice', '/alice/Role=lcgadmin'])
    expect(ac).toMatchObject({
      vo: 'alice',
      uri: 'alice://localhost:15000',
      server: { host: 'localhost', port: 15000 },
      serialHex: '01',
      holderSerialHex: facts.endEntity.serialHex,
      targeted: false,
      genericAttributes: [],
    })
    expect(ac?.holderName.der).toEqual(facts.endEntity.subject.der)
    expect(ac?.issuer.der).toEqual(voms.certificate.subject.der)
    expect(ac?.issuerCertificates.map(({ der }) => der)).toEqual([voms.certificate.der])
    const left = (ac?.notAfter ?? 0) - realNow()
    expect(left).toBeGreaterThan(12 * HOUR - MINUTE)
    expect(left).toBeLessThanOrEqual(12 * HOUR)
  })

  it('have the generic attributes of -ga', async () => {
    const options = ['-ga', 'nickname=ali(alice)', '-ga', 'quota=5']
    const [ac] = attributesOfChain(factsOf(await fake({ options }))).outermost
    expect(ac?.genericAttributes).toEqual([
      { name: 'nickname', value: 'ali', qualifier: 'alice' },
      { name: 'quota', value: '5', qualifier: 'alice' },
    ])
  })

  it('of 2 servers are both read, and each is judged by itself', async () => {
    const both = [await fake(), await fake({ signer: otherHost })].flatMap((credential) =>
      splitAcSequence(factsOf(credential).acBytes ?? new Uint8Array()),
    )
    const judged = await verdictOf(addAttributes(alice, both))
    expect(judged).toBe('verified, VOMS_AC_UNTRUSTED lsc-differs')
  })

  it('taken over into the proxy of somebody else are not for that holder', async () => {
    const stolen = splitAcSequence(factsOf(await fake()).acBytes ?? new Uint8Array())
    expect(await verdictOf(addAttributes(eve, stolen))).toBe('VOMS_AC_HOLDER_DIFFERS')
  })

  it('are refused when the role in them was changed after they were signed', async () => {
    const [der] = splitAcSequence(factsOf(await fake()).acBytes ?? new Uint8Array())
    const changed = Buffer.from(der ?? [])
    changed.write('lcgAdmin', changed.indexOf('lcgadmin'), 'latin1')
    const [judged] = await judge(addAttributes(alice, [changed]))
    expect(judged?.ac?.fqans.map(showFqan)).toEqual(['/alice/Role=lcgAdmin', '/alice'])
    expect(judged).toMatchObject({
      problem: { code: 'SIGNATURE_INVALID', data: { reason: 'bad-signature', vo: 'alice' } },
    })
  })
})

/** What it is, how it is made, what we say, and which peers refuse it too. */
const VERDICTS: readonly (readonly [string, Fake, string, string])[] = [
  ['as a server makes them', {}, 'verified', ''],
  ['with generic attributes', { options: ['-ga', 'a=b'] }, 'verified', ''],
  // ARC wants the subject of the certificate there, the C library takes either.
  ['whose holder RFC 5755 names', { options: ['-newformat'] }, 'verified', 'arc'],
  ['expired', { options: ['-pastac', '48:00'] }, 'VOMS_AC_EXPIRED', 'arc'],
  ['signed by another key', { key: otherHost }, 'SIGNATURE_INVALID bad-signature', 'arc'],
  // Neither looks into the vomsdir when it shows a proxy.
  ['of another host', { signer: otherHost }, 'VOMS_AC_UNTRUSTED lsc-differs', ''],
  ['of a host without a .lsc file', { uri: 'x.example.org:1' }, 'VOMS_TRUST_MISSING', ''],
  [
    'with a role in another VO',
    { fqans: ['/alice', '/bob/Role=x'] },
    'VOMS_AC_UNTRUSTED foreign-fqan',
    'c',
  ],
  [
    'with an unknown critical extension',
    { options: ['-acextension', '1.2.3.4/true:x'] },
    'EXTENSION_UNKNOWN_CRITICAL',
    'arc c',
  ],
  ['with an unknown extension', { options: ['-acextension', '1.2.3.4/false:x'] }, 'verified', ''],
  // voms-proxy-fake loses the host and writes an empty list; ARC warns of it, and goes on.
  [
    'for another host',
    { options: ['-target', 'ce.example.org'] },
    'VOMS_AC_UNTRUSTED not-for-this-host',
    '',
  ],
]

describeWithPrograms(
  'attributes of voms-proxy-fake are judged, beside ARC and the C tools,',
  ['voms-proxy-fake', 'arcproxy', 'voms-proxy-info2'],
  () => {
    it.each(VERDICTS)('%s', async (_title, given, verdict, refusedBy) => {
      const credential = await fake(given)
      expect(await verdictOf(credential)).toBe(verdict)
      expect((await peersThatRefuse(credential)).join(' ')).toBe(refusedBy)
    })
  },
)
