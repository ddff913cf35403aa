import { rename, symlink, truncate, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { nodeFiles } from '../../../src/node/ports/files.js'
import type { Files } from '../../../src/ports/files.js'
import { nameHash, nameHashOld } from '../../../src/x509/name.js'
import { encodePem } from '../../../src/x509/pem.js'
import { type TrustAnchors, TrustDirectory } from '../../../src/x509/trust-anchors.js'
import { rejectionOf } from '../../support/failure.js'
import { FakeClock } from '../../support/fake-clock.js'
import { authority, refusal, userOf, validate } from '../../support/path-validation.js'
import type { TestAuthority } from '../../support/pki.js'
import { makeCrl, writeTrustDirectory, writeTrustFiles } from '../../support/pki-files.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { DAY } from '../../support/time.js'

const ca = authority('CA')
const other = authority('Other')
const hash = nameHash(ca.name)
const POLL_MS = 1000

let parent = ''
let clock = new FakeClock()
let reads: string[] = []

/** The real disk, which notes what is read. */
const countingFiles: Files = {
  ...nodeFiles,
  read: (path, rules) => {
    reads.push(path.slice(path.lastIndexOf('/') + 1))
    return nodeFiles.read(path, rules)
  },
}

const open = (directory: string, options: { allowMissingSigningPolicy?: boolean } = {}) =>
  new TrustDirectory(countingFiles, clock, directory, {
    allowMissingSigningPolicy: false,
    pollMs: POLL_MS,
    ...options,
  })

const names = (anchors: TrustAnchors) => anchors.certificates.map(({ subject }) => subject.oneLine)

beforeEach(() => {
  clock = new FakeClock()
  reads = []
})

/** The content of `directory` with these CAs, read now. */
async function freshDirectory(...authorities: readonly TestAuthority[]): Promise<string> {
  parent = await temporaryDirectory()
  return writeTrustDirectory(parent, ...authorities)
}

describe('a trust directory', () => {
  it.each(['new', 'old', 'both'] as const)(
    'is found by the %s hash names, each CA once, with CRL and policy',
    async (hashes) => {
      const directory = join(await temporaryDirectory(), 'certificates')
      const user = userOf(ca)
      await writeTrustFiles(directory, ca, { hashes, crl: makeCrl(ca, { revoked: [user] }) })
      const anchors = await open(directory).current()
      expect(names(anchors)).toEqual(['/DC=org/DC=example/CN=CA'])
      expect(validate(userOf(ca), anchors).anchor.der).toEqual(ca.certificate.der)
      expect(refusal(user, anchors).code).toBe('CERTIFICATE_REVOKED')
      expect(anchors.problems).toEqual([])
    },
  )

  it('reads nothing but hashed names', async () => {
    const directory = await freshDirectory(ca)
    for (const name of ['README', 'ca.pem', '12345678.0.bak', '1234567.0', 'ABCDEF01.0', '.x.0']) {
      await writeFile(join(directory, name), 'noise')
    }
    const anchors = await open(directory).current()
    expect(anchors.problems).toEqual([])
    const kinds = [hash, nameHashOld(ca.name)].flatMap((one) =>
      ['.0', '.r0', '.signing_policy'].map((suffix) => one + suffix),
    )
    expect(reads.toSorted()).toEqual(kinds.toSorted())
  })

  it('reads both certificates of a CA that changed its key, and PEM with other text in it', async () => {
    const directory = await freshDirectory(ca)
    const rekeyed = authority('CA')
    await writeTrustFiles(directory, rekeyed, { number: 1, crl: null })
    const anchors = await open(directory).current()
    expect(anchors.anchorsNamed(ca.name)).toHaveLength(2)
    expect(anchors.anchorsNamed(other.name)).toEqual([])
    expect(validate(userOf(rekeyed), anchors).anchor.der).toEqual(rekeyed.certificate.der)
  })

  it('that cannot be listed is TRUST_ANCHORS_UNREADABLE, and transient', async () => {
    const failure = await rejectionOf(open('/nonexistent/certificates').current())
    expect(failure).toMatchObject({
      code: 'TRUST_ANCHORS_UNREADABLE',
      persistence: 'transient',
      data: { directory: '/nonexistent/certificates' },
    })
  })
})

describe('files that are not as they should be', () => {
  const spoil: [string, string, string | Uint8Array, string][] = [
    ['a certificate', '.0', 'noise', 'certificate-unreadable'],
    ['a certificate of 257 KiB', '.0', Buffer.alloc(257 * 1024, 'x'), 'certificate-unreadable'],
    [
      "another CA's certificate",
      '.0',
      encodePem('CERTIFICATE', other.certificate.der),
      'certificate-unreadable',
    ],
    ['a CRL', '.r0', 'noise', 'crl-unreadable'],
    ['an empty CRL', '.r0', '', 'crl-unreadable'],
    ["another CA's CRL", '.r0', makeCrl(other), 'crl-unreadable'],
    ['a signing policy', '.signing_policy', 'noise', 'signing-policy-unreadable'],
  ]

  it.each(spoil)(
    '%s at %s is one problem and closes that CA alone',
    async (_name, suffix, content, kind) => {
      const directory = join(await temporaryDirectory(), 'certificates')
      await writeTrustFiles(directory, ca, { hashes: 'new' })
      await writeTrustFiles(directory, other)
      const path = join(directory, hash + suffix)
      await unlink(path)
      await writeFile(path, content)
      const anchors = await open(directory).current()
      expect(anchors.problems).toMatchObject([{ kind, file: path }])
      const codes = {
        'certificate-unreadable': 'CHAIN_UNTRUSTED',
        'crl-unreadable': 'CRL_UNREADABLE',
        'signing-policy-unreadable': 'SIGNING_POLICY_MALFORMED',
      }
      expect(refusal(userOf(ca), anchors).code).toBe(codes[kind as keyof typeof codes])
      expect(validate(userOf(other), anchors).certificates).toHaveLength(2)
    },
  )

  it('a CRL that is a link to nowhere closes its CA', async () => {
    const directory = await freshDirectory(ca)
    await unlink(join(directory, `${hash}.r0`))
    await symlink('nowhere', join(directory, `${hash}.r0`))
    await unlink(join(directory, `${nameHashOld(ca.name)}.r0`))
    const anchors = await open(directory).current()
    expect(refusal(userOf(ca), anchors).code).toBe('CRL_UNREADABLE')
  })

  it('a CRL of 33 MB is not read', async () => {
    const directory = join(await temporaryDirectory(), 'certificates')
    await writeTrustFiles(directory, ca, { hashes: 'new', crl: null })
    const path = join(directory, `${hash}.r0`)
    await writeFile(path, '')
    await truncate(path, 33 * 1024 * 1024)
    const anchors = await open(directory).current()
    expect(anchors.problems).toMatchObject([{ kind: 'crl-unreadable', file: path }])
  })

  it('no CRL is accepted; no signing policy is only when that is allowed', async () => {
    const directory = join(await temporaryDirectory(), 'certificates')
    await writeTrustFiles(directory, ca, { crl: null, signingPolicy: null })
    const strict = await open(directory).current()
    expect(refusal(userOf(ca), strict).code).toBe('SIGNING_POLICY_MISSING')
    const lenient = await open(directory, { allowMissingSigningPolicy: true }).current()
    expect(validate(userOf(ca), lenient).certificates).toHaveLength(2)
    expect(lenient.problems).toEqual([])
  })
})

describe('problems', () => {
  it('announce the end of a CRL a day before, and then say that it is over', async () => {
    const directory = join(await temporaryDirectory(), 'certificates')
    const nextUpdate = clock.now() + 2 * DAY
    await writeTrustFiles(directory, ca, { hashes: 'new', crl: makeCrl(ca, { nextUpdate }) })
    const anchors = await open(directory).current()
    const kinds = () => anchors.problems.map(({ kind }) => kind)
    await clock.advanceSeconds(DAY - 1)
    expect(kinds()).toEqual([])
    await clock.advanceSeconds(1)
    expect(anchors.problems).toEqual([
      {
        kind: 'crl-expiring',
        file: join(directory, `${hash}.r0`),
        authority: '/DC=org/DC=example/CN=CA',
        at: nextUpdate,
        message:
          'the CRL of /DC=org/DC=example/CN=CA expires within a day; then nothing signed by that CA is accepted',
      },
    ])
    await clock.advanceSeconds(DAY)
    expect(kinds()).toEqual(['crl-expiring'])
    await clock.advanceSeconds(1)
    expect(kinds()).toEqual(['crl-expired'])
  })

  it('name a CRL that another key signed', async () => {
    const directory = join(await temporaryDirectory(), 'certificates')
    await writeTrustFiles(directory, ca, { crl: makeCrl(authority('CA')) })
    const { problems } = await open(directory).current()
    expect(problems).toMatchObject([
      { kind: 'crl-unreadable', authority: '/DC=org/DC=example/CN=CA' },
    ])
  })
})

describe('the cache', () => {
  it('answers from memory for a second, then looks, and reads only when something changed', async () => {
    const directory = await freshDirectory(ca)
    const trust = open(directory)
    const first = await trust.current()
    const count = reads.length
    expect(await trust.current()).toBe(first)
    await clock.advance(POLL_MS)
    expect(await trust.current()).toBe(first)
    expect(reads).toHaveLength(count)
    await writeTrustFiles(directory, other)
    expect(await trust.current()).toBe(first)
    await clock.advance(POLL_MS)
    expect(names(await trust.current()).toSorted()).toEqual([
      '/DC=org/DC=example/CN=CA',
      '/DC=org/DC=example/CN=Other',
    ])
  })

  it('sees a CRL that fetch-crl replaced behind its link', async () => {
    const directory = await freshDirectory(ca)
    const trust = open(directory)
    const user = userOf(ca)
    expect(validate(user, await trust.current()).certificates).toHaveLength(2)
    const list = join(directory, `${hash}-0.crl`)
    await writeFile(`${list}.new`, makeCrl(ca, { revoked: [user] }))
    await rename(`${list}.new`, list)
    await clock.advance(POLL_MS)
    expect(refusal(user, await trust.current()).code).toBe('CERTIFICATE_REVOKED')
  })

  it('reads everything again after ten minutes, for links that lead elsewhere', async () => {
    const directory = await freshDirectory(ca)
    const user = userOf(ca)
    const elsewhere = join(parent, 'list.pem')
    await rename(join(directory, `${hash}-0.crl`), elsewhere)
    await symlink(elsewhere, join(directory, `${hash}-0.crl`))
    const trust = open(directory)
    const first = await trust.current()
    await writeFile(elsewhere, makeCrl(ca, { revoked: [user] }))
    await clock.advance(599_000)
    expect(await trust.current()).toBe(first)
    await clock.advance(1000)
    expect(refusal(user, await trust.current()).code).toBe('CERTIFICATE_REVOKED')
  })

  it('parses again only what changed', async () => {
    const directory = await freshDirectory(ca, other)
    const trust = open(directory)
    const [before] = (await trust.current()).anchorsNamed(ca.name)
    await writeTrustFiles(directory, authority('Third'))
    await clock.advance(POLL_MS)
    const [after] = (await trust.current()).anchorsNamed(ca.name)
    expect(after?.certificate).toBe(before?.certificate)
  })

  it('lets callers of one moment share one look, and one that gives up leave alone', async () => {
    const directory = await freshDirectory(ca)
    const trust = open(directory)
    const abort = new AbortController()
    const leaving = trust.current(abort.signal)
    const staying = [trust.current(), trust.current()]
    abort.abort(new Error('enough'))
    await expect(leaving).rejects.toThrow('enough')
    const [one, two] = await Promise.all(staying)
    expect(one).toBe(two)
    expect(reads).toHaveLength(6)
    await expect(trust.current(AbortSignal.abort(new Error('no')))).rejects.toThrow('no')
  })

  it('does not answer from memory when the directory is gone', async () => {
    const directory = await freshDirectory(ca)
    const trust = open(directory)
    await trust.current()
    await rename(directory, `${directory}.gone`)
    await clock.advance(POLL_MS)
    expect((await rejectionOf(trust.current())).code).toBe('TRUST_ANCHORS_UNREADABLE')
    await rename(`${directory}.gone`, directory)
    expect(names(await trust.current())).toHaveLength(1)
  })

  it('forgets on demand', async () => {
    const trust = open(await freshDirectory(ca))
    const first = await trust.current()
    trust.invalidate()
    expect(await trust.current()).not.toBe(first)
  })
})
