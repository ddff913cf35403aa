/** What it costs to read and verify the attributes of a proxy, in a process that runs anyway. */
import { performance } from 'node:perf_hooks'
import { OID } from '../src/asn1/oids.js'
import { describeChain } from '../src/proxy/chain-facts.js'
import { parseAcSequence } from '../src/voms/ac-sequence.js'
import { verifyAttributes } from '../src/voms/verify-attributes.js'
import { TestVoms, vomsTrustOf, writeVomsDirectory } from '../test/support/ac.js'
import { anchorsOf, realNow, TestAuthority } from '../test/support/pki.js'
import { writeProxyFile, writeTrustDirectory } from '../test/support/pki-files.js'
import { makeTemporaryDirectory } from '../test/support/temporary-directory.js'
import { median, race, runSilently } from './support/measure.js'
import type { Row, Section } from './support/report.js'

const ROUNDS = 301
const PROCESS_ROUNDS = 15

/** Milliseconds for reading and verifying one attribute certificate. */
const LIMIT_MS = 5

const rsa = { key: 'rsa2048' } as const

export async function measureVomsAttributes(): Promise<Section[]> {
  const temporary = await makeTemporaryDirectory()
  try {
    const ca = new TestAuthority(rsa)
    const voms = new TestVoms(ca, { host: 'localhost', certificate: rsa })
    const proxy = voms.addProxyTo(ca.issueUser('alice', rsa), { proxy: rsa })
    const facts = describeChain(proxy.chain)
    const { endEntity } = facts
    const value = facts.proxies[0]?.certificate.extension(OID.vomsAcSequence)?.value
    if (value === undefined) throw new TypeError('the proxy carries no attributes')
    const rules = { trust: vomsTrustOf(voms), anchors: anchorsOf(ca), now: realNow(), endEntity }

    const times = Array.from({ length: ROUNDS }, () => {
      const start = performance.now()
      const [ac] = parseAcSequence(value)
      const parsed = performance.now()
      if (ac !== undefined) verifyAttributes(ac, rules)
      return { parse: parsed - start, both: performance.now() - start }
    })
    const file = await writeProxyFile(temporary.path, 'proxy.pem', proxy)
    const env = {
      PATH: process.env.PATH,
      HOME: temporary.path,
      X509_CERT_DIR: await writeTrustDirectory(temporary.path, ca),
      X509_VOMS_DIR: await writeVomsDirectory(`${temporary.path}/vomsdir`, voms),
    }
    const { c } = await race(
      { c: () => runSilently('voms-proxy-info2', ['-all', '-file', file], env) },
      PROCESS_ROUNDS,
    )
    return [sectionOf(times, c)]
  } finally {
    await temporary.remove()
  }
}

function sectionOf(times: readonly { parse: number; both: number }[], voms2Ms: number): Section {
  const ofLimit = (what: string, ours: number): Row => ({
    what,
    ours: `${ours.toFixed(2)} ms`,
    peer: `the limit of ${LIMIT_MS} ms`,
    ratio: ours / LIMIT_MS,
    limit: { atMost: 1 },
  })
  const beside = (what: string, ours: number): Row => ({
    what,
    ours: `${ours.toFixed(2)} ms`,
    peer: `\`voms-proxy-info -all\` in C ${voms2Ms.toFixed(0)} ms, a whole process`,
    ratio: ours / voms2Ms,
  })
  const both = median(times.map((time) => time.both))
  return {
    title: 'Attributes of a proxy',
    how:
      `One attribute certificate signed with RSA-2048, median of ${times.length}; its issuer's ` +
      'certificate is read and validated each time. The C program shows it and does not verify it.',
    rows: [
      ofLimit('read', median(times.map((time) => time.parse))),
      ofLimit('read and verify', both),
      beside('read and verify', both),
      beside('read and verify, the first in a process', times[0]?.both ?? 0),
    ],
  }
}
