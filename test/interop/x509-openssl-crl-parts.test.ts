/** Lists that `openssl ca` split into parts: our verdict and that of `openssl verify` must agree. */
import { mkdtemp, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isVoboxError } from '../../src/errors.js'
import { nodeFiles } from '../../src/node/ports/files.js'
import { parseCertificate } from '../../src/x509/certificate.js'
import { validatePath } from '../../src/x509/path-validation.js'
import { parsePem } from '../../src/x509/pem.js'
import { TrustDirectory } from '../../src/x509/trust-anchors.js'
import { FakeClock } from '../support/fake-clock.js'
import { OpensslCa, tryOpenssl } from '../support/openssl-ca.js'
import { realNow } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'

/** Sections for certificates of two distribution points, and for the lists. */
const SECTIONS = `
[user1]
basicConstraints = critical,CA:FALSE
crlDistributionPoints = URI:http://ca.example.org/1.crl
[user2]
basicConstraints = critical,CA:FALSE
crlDistributionPoints = point2
[point2]
fullname = URI:ldap://ca.example.org,URI:http://ca.example.org/2.crl
[relative]
basicConstraints = critical,CA:FALSE
crlDistributionPoints = below
[below]
relativename = last
[last]
CN = CRL1
[part1]
issuingDistributionPoint = critical,@idp1
[idp1]
fullname = URI:http://ca.example.org/1.crl
[part2]
issuingDistributionPoint = critical,@idp2
[idp2]
fullname = URI:http://ca.example.org/2.crl
[partrelative]
issuingDistributionPoint = critical,@idprelative
[idprelative]
relativename = last
[onlyusers]
issuingDistributionPoint = critical,@idpusers
[idpusers]
onlyuser = TRUE
[onlycas]
issuingDistributionPoint = critical,@idpcas
[idpcas]
onlyCA = TRUE
[onlyattributes]
issuingDistributionPoint = critical,@idpattributes
[idpattributes]
onlyAA = TRUE
[compromised]
issuingDistributionPoint = critical,@idpcompromised
[idpcompromised]
onlysomereasons = keyCompromise,CACompromise
[otherreasons]
issuingDistributionPoint = critical,@idpother
[idpother]
onlysomereasons = affiliationChanged,superseded,cessationOfOperation,certificateHold,privilegeWithdrawn,AACompromise
[indirect]
issuingDistributionPoint = critical,@idpindirect
[idpindirect]
indirectCRL = TRUE
[delta]
2.5.29.27 = critical,DER:020101
`

let home = ''
let cleanUp = async () => {}
let ca: OpensslCa
const users: Record<string, string> = {}

beforeAll(async () => {
  const made = await makeTemporaryDirectory()
  home = made.path
  cleanUp = made.remove
})
afterAll(() => cleanUp())

/** `valid`, or why not. */
async function ourVerdict(trust: string, path: string): Promise<string> {
  const directory = new TrustDirectory(nodeFiles, new FakeClock(realNow()), trust, {
    allowMissingSigningPolicy: false,
  })
  const [certificate] = parsePem(await readFile(path)).map(({ bytes }) => parseCertificate(bytes))
  if (certificate === undefined) throw new TypeError('no certificate')
  try {
    validatePath(certificate, [], await directory.current(), { now: realNow() })
    return 'valid'
  } catch (error) {
    if (!isVoboxError(error)) throw error
    return error.code === 'CRL_UNREADABLE' ? String(error.data.reason) : error.code
  }
}

async function opensslVerdict(trust: string, path: string): Promise<string> {
  const check = ['-crl_check', '-extended_crl', '-partial_chain']
  const args = ['verify', '-no-CAfile', '-no-CAstore', '-CApath', trust, ...check, path]
  const { ok, output } = await tryOpenssl(args)
  if (ok) return 'valid'
  return output.includes('certificate revoked') ? 'CERTIFICATE_REVOKED' : 'not-covered'
}

describeWithPrograms('lists that openssl made for parts of what a CA signs', ['openssl'], () => {
  beforeAll(async () => {
    ca = await OpensslCa.create(join(home, 'ca'), '/DC=org/CN=Parts')
    await ca.configure(SECTIONS)
    for (const [name, section] of [
      ['good1', 'user1'],
      ['revoked1', 'user1'],
      ['good2', 'user2'],
      ['revoked2', 'user2'],
      ['relative', 'relative'],
      ['pointless', 'user'],
    ] as const) {
      users[name] = await ca.issue(name, `/DC=org/CN=${name}`, section)
    }
    for (const name of ['revoked1', 'revoked2']) await ca.revoke(users[name] as string)
  })
  const trustWith = async (...sections: string[]) => {
    const trust = await mkdtemp(join(home, 'trust-'))
    const lists: string[] = []
    for (const extensions of sections) lists.push(await ca.list({ extensions }))
    await ca.installInto(trust, ...lists)
    return trust
  }

  it.each([
    ['good1', ['part1', 'part2'], 'valid'],
    ['good2', ['part1', 'part2'], 'valid'],
    ['revoked1', ['part1', 'part2'], 'CERTIFICATE_REVOKED'],
    ['revoked2', ['part2', 'part1'], 'CERTIFICATE_REVOKED'],
    ['good1', ['part2'], 'not-covered'],
    ['revoked1', ['part2'], 'not-covered'],
    ['pointless', ['part1', 'part2'], 'not-covered'],
    ['pointless', ['part1', 'list'], 'valid'],
    ['relative', ['partrelative'], 'valid'],
    ['good1', ['partrelative'], 'not-covered'],
    ['good1', ['onlyusers'], 'valid'],
    ['revoked2', ['onlyusers', 'onlycas'], 'CERTIFICATE_REVOKED'],
    ['good1', ['onlycas'], 'not-covered'],
    ['good1', ['compromised'], 'not-covered'],
    ['good1', ['compromised', 'otherreasons'], 'valid'],
    ['revoked1', ['compromised', 'otherreasons'], 'CERTIFICATE_REVOKED'],
  ] as const)('%s with the lists %j is %s', async (user, sections, verdict) => {
    const trust = await trustWith(...sections)
    const path = users[user] as string
    expect(await ourVerdict(trust, path)).toBe(verdict)
    expect(await opensslVerdict(trust, path)).toBe(verdict)
  })

  it('of attribute certificates alone are no list for us, as a CA without one is accepted', async () => {
    const trust = await trustWith('onlyattributes')
    expect(await ourVerdict(trust, users.good1 as string)).toBe('valid')
    const beside = await trustWith('onlyattributes', 'list')
    expect(await ourVerdict(beside, users.revoked1 as string)).toBe('CERTIFICATE_REVOKED')
  })

  it.each(['indirect', 'delta'])(
    'of the kind %s shut the CA out, also beside a whole list',
    async (section) => {
      const trust = await trustWith('list', section)
      expect(await ourVerdict(trust, users.good1 as string)).toBe('malformed')
      expect(await ourVerdict(trust, users.revoked1 as string)).toBe('malformed')
    },
  )
})
