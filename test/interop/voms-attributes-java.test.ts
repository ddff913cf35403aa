/**
 * Proxies that the Java client makes of attributes it got over REST, read by us. The server is a
 * double, because Debian's answers REST with nothing, and the Java client has no other form left.
 */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { parseCredential } from '../../src/proxy/credential.js'
import { attributesOfChain } from '../../src/voms/chain-attributes.js'
import { showFqan } from '../../src/voms/fqan.js'
import { judgeAttributes } from '../../src/voms/verify-attributes.js'
import { TestVoms, vomsTrustOf, writeVomsDirectory } from '../support/ac.js'
import { anchorsOf, realNow, TestAuthority } from '../support/pki.js'
import { writeCredentialPair } from '../support/pki-files.js'
import { describeWithPrograms } from '../support/programs.js'
import { field, PeerDirectory } from '../support/proxy-peers.js'
import { startScriptedVoms, vomsesLine } from '../support/scripted-voms.js'

const rsa = { key: 'rsa2048' } as const
const ca = new TestAuthority(rsa)
const servers = [
  new TestVoms(ca, { host: 'localhost', certificate: rsa }),
  new TestVoms(ca, { vo: 'bob', host: 'localhost', certificate: rsa }),
]
const peers = new PeerDirectory()
let vomsdir = ''

beforeAll(async () => {
  await peers.open(ca)
  vomsdir = await writeVomsDirectory(join(peers.directory, 'vomsdir'), ...servers)
})
afterAll(() => peers.close())

/** What `voms-proxy-init3` makes of alice's certificate with these options. */
async function proxyOf(options: readonly string[]) {
  const started = await Promise.all(servers.map((voms) => startScriptedVoms(voms)))
  const vomses = join(peers.directory, 'vomses')
  await writeFile(vomses, started.map(({ server }) => vomsesLine(server)).join(''))
  const user = await writeCredentialPair(peers.directory, 'user', ca.issueUser('alice', rsa))
  const out = join(peers.directory, 'made.pem')
  const files = ['-cert', user.cert, '-key', user.key, '-vomses', vomses, '-out', out]
  const env = { X509_VOMS_DIR: vomsdir }
  const { exitCode, text } = await peers.run('voms-proxy-init3', [...options, ...files], env)
  if (exitCode !== 0) throw new Error(`voms-proxy-init3 ${options.join(' ')}: ${text}`)
  const shown = await peers.run('voms-proxy-info3', ['-all', '-file', out], env)
  const { chain } = parseCredential(await readFile(out))
  return { facts: describeChain(chain), shown: shown.text }
}

describeWithPrograms(
  'attributes that voms-proxy-init3 put into a proxy',
  ['voms-proxy-init3', 'voms-proxy-info3'],
  () => {
    it.each([
      [['alice:/alice/Role=lcgadmin'], ['alice: /alice/Role=lcgadmin /alice /alice/team']],
      [
        ['bob', 'alice:/alice/Role=lcgadmin'],
        ['bob: /bob /bob/team', 'alice: /alice/Role=lcgadmin /alice /alice/team'],
      ],
    ])('for %j are verified, in the order asked', async (asked, expected) => {
      const { facts, shown } = await proxyOf(asked.flatMap((one) => ['-voms', one]))
      const rules = { trust: vomsTrustOf(...servers), anchors: anchorsOf(ca), now: realNow() }
      const judged = judgeAttributes(facts, rules)
      const words = judged.map((one) => {
        if (!('verified' in one)) return one.problem.code
        return `${one.ac?.vo}: ${one.verified.ac.fqans.map(showFqan).join(' ')}`
      })
      expect(words).toEqual(expected)
      expect(attributesOfChain(facts)).toMatchObject({ step: 0, inner: [] })
      expect(field(shown, 'VO')).toBe(words[0]?.split(':')[0])
    })
  },
)
