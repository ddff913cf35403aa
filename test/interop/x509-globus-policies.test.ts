/** Signing policies: what we allow and what Globus allows, on the same files. */
import { mkdtemp } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { isVoboxError } from '../../src/errors.js'
import { nodeFiles } from '../../src/node/ports/files.js'
import { buildName } from '../../src/x509/name.js'
import { validatePath } from '../../src/x509/path-validation.js'
import { TrustDirectory } from '../../src/x509/trust-anchors.js'
import { FakeClock } from '../support/fake-clock.js'
import { realNow, TestAuthority } from '../support/pki.js'
import { writeCredentialPair, writeTrustFiles } from '../support/pki-files.js'
import { describeWithPrograms } from '../support/programs.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'

const ca = new TestAuthority({ key: 'rsa2048' })
const user = ca.issueUser(
  buildName([
    ['DC', 'org'],
    ['DC', 'example'],
    ['O', 'Zoë'],
    ['emailAddress', 'zoe@example.org'],
    ['CN', 'Zoe'],
  ]),
  { key: 'rsa2048' },
)
const [certificate] = user.chain

let home = ''
let cleanUp = async () => {}
beforeAll(async () => {
  const made = await makeTemporaryDirectory()
  home = made.path
  cleanUp = made.remove
})
afterAll(() => cleanUp())

const policy = (subjects: string, authority = ca.name.oneLine) =>
  `access_id_CA X509 '${authority}'\npos_rights globus CA:sign\ncond_subjects globus ${subjects}\n`

async function ourVerdict(trust: string): Promise<boolean> {
  const directory = new TrustDirectory(nodeFiles, new FakeClock(realNow()), trust, {
    allowMissingSigningPolicy: false,
  })
  if (certificate === undefined) throw new TypeError('no certificate')
  try {
    validatePath(certificate, [], await directory.current(), { now: realNow() })
    return true
  } catch (error) {
    if (isVoboxError(error) && error.code.startsWith('SIGNING_POLICY_')) return false
    throw error
  }
}

/** Makes a proxy of the user, which Globus then verifies with its own reading of the directory. */
async function globusVerdict(trust: string, files: { cert: string; key: string }) {
  const args = ['-verify', '-debug', '-cert', files.cert, '-key', files.key, '-certdir', trust]
  const { exitCode, all } = await execa(
    'grid-proxy-init',
    [...args, '-bits', '2048', '-out', join(trust, 'proxy')],
    { reject: false, all: true, env: { X509_CERT_DIR: trust } },
  )
  const refused = /signing polic/i.test(all)
  if (exitCode !== 0 && !refused) throw new Error(`grid-proxy-init failed: ${all}`)
  return exitCode === 0
}

describeWithPrograms('signing policies as Globus reads them', ['grid-proxy-init'], () => {
  it.each<[string, string | null, boolean]>([
    ['everything', policy('\'"*"\''), true],
    ['a prefix and a star', policy('\'"/DC=org/DC=example/*"\''), true],
    ['another prefix', policy('\'"/DC=org/DC=other/*"\''), false],
    ['the second of two patterns', policy('\'"/C=CH/*" "/DC=org/*"\''), true],
    ['double quotes alone', policy('"/DC=org/*"'), true],
    ['another case', policy('\'"/dc=ORG/*"\''), true],
    ['a star in the middle', policy('\'"/DC=org/*/CN=Zoe"\''), true],
    ['two stars', policy('\'"/DC=*/DC=example/*"\''), false],
    ['a question mark', policy('\'"/DC=or?/*"\''), false],
    ['the CA in another case', policy('\'"*"\'', ca.name.oneLine.toUpperCase()), true],
    ['another CA', policy('\'"*"\'', '/DC=org/CN=Other CA'), false],
    ['no file', null, false],
  ])('%s', async (_name, text, expected) => {
    const trust = await mkdtemp(join(home, 'trust-'))
    await writeTrustFiles(trust, ca, { signingPolicy: text })
    const files = await writeCredentialPair(trust, 'user', user)
    expect(await globusVerdict(trust, files)).toBe(expected)
    expect(await ourVerdict(trust)).toBe(expected)
  })

  it('except for escapes of bytes, which we understand and Globus does not', async () => {
    const trust = await mkdtemp(join(home, 'trust-'))
    const signingPolicy = policy('\'"/DC=org/DC=example/O=Zo\\xC3\\xAB/*"\'')
    await writeTrustFiles(trust, ca, { signingPolicy })
    expect(await globusVerdict(trust, await writeCredentialPair(trust, 'user', user))).toBe(false)
    expect(await ourVerdict(trust)).toBe(true)
  })
})
