import { unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeFiles } from '../../../src/node/ports/files.js'
import type { Files } from '../../../src/ports/files.js'
import { nameHash, nameHashOld } from '../../../src/x509/name.js'
import { TrustDirectory } from '../../../src/x509/trust-anchors.js'
import { TrustOnDemand } from '../../../src/x509/trust-on-demand.js'
import { rejectionOf } from '../../support/failure.js'
import { FakeClock } from '../../support/fake-clock.js'
import { authority, refusal, userOf, validate } from '../../support/path-validation.js'
import { makeCrl, writeTrustDirectory, writeTrustFiles } from '../../support/pki-files.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const root = authority('Root')
const middle = authority('Middle', { parent: root })
const others = ['One', 'Two', 'Three'].map((name) => authority(name))

async function open(...written: Parameters<typeof writeTrustDirectory>[1][]) {
  const directory = await writeTrustDirectory(await temporaryDirectory(), ...written)
  const reads: string[] = []
  const files: Files = {
    ...nodeFiles,
    read: (path, rules) => {
      reads.push(path.slice(path.lastIndexOf('/') + 1))
      return nodeFiles.read(path, rules)
    },
  }
  const options = { allowMissingSigningPolicy: false }
  const trust = new TrustOnDemand(files, new FakeClock(), directory, options)
  return { directory, reads, trust, options }
}

/** Hashed names of a CA's files under both hashes. */
const filesOf = ({ name }: typeof root) =>
  [nameHash(name), nameHashOld(name)].flatMap((hash) =>
    ['.0', '.r0', '.signing_policy'].map((suffix) => hash + suffix),
  )

describe('trust anchors on demand', () => {
  it('are read for the 2 CAs above a user and for none of 3 others', async () => {
    const { reads, trust } = await open(root, middle, ...others)
    const user = userOf(middle)
    const anchors = await trust.anchorsFor([user])
    expect(validate(user, anchors).certificates).toHaveLength(3)
    expect(reads.toSorted()).toEqual([...filesOf(root), ...filesOf(middle)].toSorted())
  })

  it('are read once, and grow with what is asked for', async () => {
    const { reads, trust } = await open(root, middle, ...others)
    const [one] = others
    const stranger = userOf(one ?? root)
    await Promise.all([trust.anchorsFor([userOf(root)]), trust.anchorsFor([userOf(root)])])
    expect(reads).toHaveLength(6)
    const anchors = await trust.anchorsFor([stranger])
    expect(reads).toHaveLength(12)
    expect(validate(stranger, anchors).anchor.der).toEqual(one?.certificate.der)
    expect(validate(userOf(root), anchors).anchor.der).toEqual(root.certificate.der)
  })

  it('judge as the whole directory does: revoked, by a CA that came along, and unknown', async () => {
    const { directory, trust, options } = await open(root)
    const revoked = userOf(middle)
    await writeTrustFiles(directory, middle, { crl: makeCrl(middle, { revoked: [revoked] }) })
    for (const hash of [nameHash(middle.name), nameHashOld(middle.name)]) {
      await unlink(join(directory, `${hash}.0`))
    }
    const whole = await new TrustDirectory(nodeFiles, new FakeClock(), directory, options).current()
    const anchors = await trust.anchorsFor([revoked, middle.certificate])
    for (const one of [whole, anchors]) {
      expect(refusal(revoked, one, [middle.certificate]).code).toBe('CERTIFICATE_REVOKED')
    }
    const stranger = userOf(others[0] ?? root)
    expect(refusal(stranger, await trust.anchorsFor([stranger])).code).toBe('CHAIN_UNTRUSTED')
  })

  it('say that a directory cannot be listed', async () => {
    const options = { allowMissingSigningPolicy: false }
    const trust = new TrustOnDemand(nodeFiles, new FakeClock(), '/nonexistent/ca', options)
    expect(await rejectionOf(trust.anchorsFor([userOf(root)]))).toMatchObject({
      code: 'TRUST_ANCHORS_UNREADABLE',
      data: { directory: '/nonexistent/ca' },
    })
  })
})
