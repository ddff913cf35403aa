import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TrustRootFile } from '../../../../src/myproxy/trust-roots.js'
import { judgeTrustRoots } from '../../../../src/node/myproxy/trust-roots-files.js'
import {
  installTrustRoots,
  trustRootsDirectoryOf,
} from '../../../../src/node/myproxy/trust-roots-install.js'
import { systemClock } from '../../../../src/node/ports/clock.js'
import { nodeFiles } from '../../../../src/node/ports/files.js'
import { parseCrl } from '../../../../src/x509/crl.js'
import { nameHash } from '../../../../src/x509/name.js'
import { encodePem } from '../../../../src/x509/pem.js'
import { encodePrivateKey } from '../../../../src/x509/private-key.js'
import { TrustDirectory } from '../../../../src/x509/trust-anchors.js'
import { rejectionOf } from '../../../support/failure.js'
import { TestAuthority, VALID_FROM } from '../../../support/pki.js'
import { makeCrl, signingPolicy } from '../../../support/pki-files.js'
import { makeTemporaryDirectory } from '../../../support/temporary-directory.js'

const ca = new TestAuthority()
const hash = nameHash(ca.name)
const pem = encodePem('CERTIFICATE', ca.certificate.der)
const crl = (thisUpdate: number) => encodePem('X509 CRL', makeCrl(ca, { thisUpdate }))
const file = (name: string, content: string): TrustRootFile => ({
  name,
  content: Buffer.from(content),
})

const whole = [
  file(`${hash}.0`, pem),
  file(`${hash}.r0`, crl(VALID_FROM)),
  file(`${hash}.signing_policy`, signingPolicy(ca)),
  file(`${hash}.namespaces`, 'TO Issuer "/DC=org" PERMIT Subject "/DC=org/.*"\n'),
]

describe('judgeTrustRoots', () => {
  it('puts policies and lists of a CA before its certificate', () => {
    const { entries, refused } = judgeTrustRoots(whole)
    expect(entries.map(({ name }) => name)).toEqual([
      `${hash}.signing_policy`,
      `${hash}.namespaces`,
      `${hash}.r0`,
      `${hash}.0`,
    ])
    expect(refused).toEqual([])
  })

  const user = ca.issueUser('alice')
  const leaf = user.chain[0]?.der ?? new Uint8Array()
  it.each<[string, string, string, string]>([
    ['a name with a path', '../evil.0', pem, 'no name that a CA directory has'],
    ['a hidden name', '.0', pem, 'no name that a CA directory has'],
    ['a name with a space', 'a b.pem', pem, 'no name that a CA directory has'],
    ['an empty name', '', pem, 'no name that a CA directory has'],
    ['a script', 'fetch.sh', '#!/bin/sh\n', 'nothing that a CA directory holds'],
    ['another CA’s hash', '00000000.0', pem, 'it holds no certificate of the CA that its name'],
    ['a user certificate', 'user.pem', encodePem('CERTIFICATE', leaf), '/CN=alice is no CA'],
    ['a key', 'a.pem', pem + encodePrivateKey(ca.privateKey), 'it holds a private key'],
    ['a file without a certificate', 'a.pem', 'hello\n', 'it holds no certificate'],
    ['a damaged certificate', `${hash}.0`, encodePem('CERTIFICATE', leaf.subarray(9)), ''],
    ['another CA’s list', '00000000.r0', crl(VALID_FROM), 'not the list of that CA'],
    ['a damaged list', `${hash}.r0`, 'nothing', 'file does not hold one CRL'],
    [
      'a policy that cannot be read',
      `${hash}.signing_policy`,
      'grant all\n',
      'cannot be read in line 1',
    ],
    ['binary data as text', `${hash}.info`, 'a\0b', 'no text'],
  ])('leaves out %s, and takes the others', (_what, name, content, reason) => {
    const { entries, refused } = judgeTrustRoots([file(name, content), file('good.pem', pem)])
    expect(entries.map((entry) => entry.name)).toEqual(['good.pem'])
    expect(refused).toEqual([{ name, reason: expect.stringContaining(reason) }])
  })
})

describe('installTrustRoots', () => {
  let parent: string
  let remove: () => Promise<void>
  beforeAll(async () => {
    ;({ path: parent, remove } = await makeTemporaryDirectory())
  })
  afterAll(() => remove())
  let number = 0
  const fresh = () => join(parent, `home-${number++}`, 'certificates')

  it('fills a directory that was not there, with its parent, so that the CA counts', async () => {
    const directory = fresh()
    const installed = await installTrustRoots(nodeFiles, directory, whole)
    expect(installed).toEqual({
      directory,
      added: whole.map(({ name }) => name).sort(),
      replaced: [],
      unchanged: [],
      newerHere: [],
      refused: [],
      newAuthorities: [
        {
          subject: ca.name.oneLine,
          fingerprint: ca.certificate.fingerprintSha256,
          notAfter: ca.certificate.notAfter,
        },
      ],
    })
    expect(lstatSync(directory).mode & 0o777).toBe(0o755)
    expect(lstatSync(join(directory, `${hash}.0`)).mode & 0o777).toBe(0o644)
    const trust = new TrustDirectory(nodeFiles, systemClock, directory, {
      allowMissingSigningPolicy: false,
    })
    const anchors = await trust.current()
    expect(anchors.anchorsNamed(ca.name)).toHaveLength(1)
    expect(anchors.problems).toEqual([])
  })

  it('touches no file that is the same already, and calls its CA new only once', async () => {
    const directory = fresh()
    await installTrustRoots(nodeFiles, directory, whole)
    const before = readdirSync(directory).map((name) => lstatSync(join(directory, name)).ino)
    const again = await installTrustRoots(nodeFiles, directory, whole)
    expect([again.added, again.replaced, again.newAuthorities]).toEqual([[], [], []])
    expect(again.unchanged).toHaveLength(4)
    expect(readdirSync(directory).map((name) => lstatSync(join(directory, name)).ino)).toEqual(
      before,
    )
  })

  it('keeps a revocation list that is a day newer than the server’s, and replaces an older one', async () => {
    const directory = fresh()
    const list = (thisUpdate: number) => [file(`${hash}.r0`, crl(thisUpdate)), file('ca.pem', pem)]
    await installTrustRoots(nodeFiles, directory, list(VALID_FROM + 86_400))
    const older = await installTrustRoots(nodeFiles, directory, list(VALID_FROM))
    expect([older.newerHere, older.replaced]).toEqual([[`${hash}.r0`], []])
    const newer = await installTrustRoots(nodeFiles, directory, list(VALID_FROM + 172_800))
    expect([newer.newerHere, newer.replaced]).toEqual([[], [`${hash}.r0`]])
    expect(parseCrl(readFileSync(join(directory, `${hash}.r0`))).thisUpdate).toBe(
      VALID_FROM + 172_800,
    )
  })

  it('replaces a link by a file, and leaves what it led to alone', async () => {
    const directory = fresh()
    mkdirSync(directory, { recursive: true })
    const target = join(parent, 'elsewhere.pem')
    writeFileSync(target, 'other')
    symlinkSync(target, join(directory, `${hash}.0`))
    const { replaced } = await installTrustRoots(nodeFiles, directory, whole)
    expect(replaced).toEqual([`${hash}.0`])
    expect(lstatSync(join(directory, `${hash}.0`)).isFile()).toBe(true)
    expect(readFileSync(target, 'utf8')).toBe('other')
  })

  it('refuses a directory that others can write to', async () => {
    const directory = fresh()
    mkdirSync(directory, { recursive: true })
    chmodSync(directory, 0o777)
    const failure = await rejectionOf(installTrustRoots(nodeFiles, directory, whole))
    expect(failure.code).toBe('FILE_UNSAFE')
    expect(readdirSync(directory)).toEqual([])
  })

  it('refuses a file in the place of the directory', async () => {
    const directory = join(parent, 'a-file')
    writeFileSync(directory, '')
    const failure = await rejectionOf(installTrustRoots(nodeFiles, directory, whole))
    expect(failure.code).toBe('FILE_UNSAFE')
  })

  it('fails, and makes no directory, where nothing that came can be used', async () => {
    const directory = fresh()
    const failure = await rejectionOf(
      installTrustRoots(nodeFiles, directory, [file('../x.0', pem)]),
    )
    expect([failure.code, failure.data]).toEqual(['PROTOCOL_VIOLATION', { refused: 1 }])
    expect(() => lstatSync(directory)).toThrow('ENOENT')
  })
})

describe('trustRootsDirectoryOf', () => {
  it('takes X509_CERT_DIR first', () => {
    expect(trustRootsDirectoryOf({ X509_CERT_DIR: '/a/b', HOME: '/home/x' })).toBe('/a/b')
  })

  it('is the machine’s for root, and in ~/.globus for anybody else', () => {
    expect(trustRootsDirectoryOf({ HOME: '/home/x' })).toBe(
      process.getuid?.() === 0 ? '/etc/grid-security/certificates' : '/home/x/.globus/certificates',
    )
  })
})
