/** Paths and CRLs that `openssl ca` made: our validation and `openssl verify` must agree. */
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
import { realNow, TestAuthority, type TestKeyKind } from '../support/pki.js'
import { writeCredentialPair, writeTrustDirectory } from '../support/pki-files.js'
import { describeWithPrograms } from '../support/programs.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'

let home = ''
let cleanUp = async () => {}
beforeAll(async () => {
  const made = await makeTemporaryDirectory()
  home = made.path
  cleanUp = made.remove
})
afterAll(() => cleanUp())

/** `valid`, or the code that we refuse with. */
async function ourVerdict(trust: string, path: string): Promise<string> {
  const directory = new TrustDirectory(nodeFiles, new FakeClock(realNow()), trust, {
    allowMissingSigningPolicy: false,
  })
  const certificates = parsePem(await readFile(path)).map(({ bytes }) => parseCertificate(bytes))
  const [endEntity, ...intermediates] = certificates
  if (endEntity === undefined) throw new TypeError('no certificate')
  try {
    validatePath(endEntity, intermediates, await directory.current(), { now: realNow() })
    return 'valid'
  } catch (error) {
    if (isVoboxError(error)) return error.code
    throw error
  }
}

async function opensslVerdict(trust: string, path: string, crl: boolean): Promise<boolean> {
  const check = crl ? ['-crl_check'] : []
  const args = ['verify', '-no-CAfile', '-no-CAstore', '-CApath', trust, ...check, path]
  return (await tryOpenssl(args)).ok
}

describeWithPrograms('paths that openssl made', ['openssl'], () => {
  let root: OpensslCa
  let issuing: OpensslCa
  let good = ''
  let revoked = ''
  beforeAll(async () => {
    root = await OpensslCa.create(join(home, 'root'), '/DC=org/O=Exämple/CN=Root')
    issuing = await OpensslCa.create(join(home, 'issuing'), '/DC=org/CN=Issuing', root)
    good = await issuing.issue('good', '/DC=org/OU=Users+UID=g/CN=Zoë')
    revoked = await issuing.issue('revoked', '/DC=org/OU=Users/CN=Revoked')
    await issuing.revoke(revoked)
  })
  const trustDirectory = () => mkdtemp(join(home, 'trust-'))

  it('are valid with both CAs in the directory, and revoked where the list says so', async () => {
    const trust = await trustDirectory()
    await root.installInto(trust, await root.list())
    await issuing.installInto(trust, await issuing.list())
    expect(await ourVerdict(trust, good)).toBe('valid')
    expect(await opensslVerdict(trust, good, true)).toBe(true)
    expect(await ourVerdict(trust, revoked)).toBe('CERTIFICATE_REVOKED')
    expect(await opensslVerdict(trust, revoked, true)).toBe(false)
  })

  it('are refused when the list of their CA has expired, and accepted without any list', async () => {
    const expired = await trustDirectory()
    await root.installInto(expired)
    await issuing.installInto(expired, await issuing.list({ expired: true }))
    expect(await ourVerdict(expired, good)).toBe('CRL_EXPIRED')
    expect(await opensslVerdict(expired, good, true)).toBe(false)
    const without = await trustDirectory()
    await root.installInto(without)
    await issuing.installInto(without)
    expect(await ourVerdict(without, good)).toBe('valid')
    expect(await opensslVerdict(without, good, false)).toBe(true)
  })

  it('are refused when the root is missing, though their own CA is there', async () => {
    const trust = await trustDirectory()
    await issuing.installInto(trust, await issuing.list())
    expect(await ourVerdict(trust, good)).toBe('CHAIN_UNTRUSTED')
    expect(await opensslVerdict(trust, good, false)).toBe(false)
  })

  it('are refused below a CA whose path length is 0', async () => {
    const below = await OpensslCa.create(join(home, 'below'), '/DC=org/CN=Below', issuing).catch(
      () => undefined,
    )
    if (below === undefined) throw new TypeError('openssl did not sign the CA')
    const user = await below.issue('user', '/DC=org/CN=x')
    const trust = await trustDirectory()
    for (const ca of [root, issuing, below]) await ca.installInto(trust)
    expect(await ourVerdict(trust, user)).toBe('CHAIN_TOO_LONG')
    expect(await opensslVerdict(trust, user, false)).toBe(false)
  })
})

describeWithPrograms('paths of ours', ['openssl'], () => {
  it.each<TestKeyKind>(['p256', 'p384', 'rsa2048'])(
    'with keys of kind %s are valid for openssl, lists and intermediate CA included',
    async (key) => {
      const parent = await mkdtemp(join(home, 'ours-'))
      const root = new TestAuthority({ key })
      const issuing = new TestAuthority({
        key: key === 'rsa2048' ? 'p256' : key,
        parent: root,
        pathLength: 0,
        name: root.issueUser('Issuing').chain[0]?.subject ?? root.name,
      })
      const trust = await writeTrustDirectory(parent, root, issuing)
      const { cert } = await writeCredentialPair(parent, 'user', issuing.issueUser('x', { key }))
      expect(await opensslVerdict(trust, cert, true)).toBe(true)
      expect(await ourVerdict(trust, cert)).toBe('valid')
    },
  )
})
