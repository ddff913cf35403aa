import { describe, expect, it } from 'vitest'
import { OID } from '../../../src/asn1/oids.js'
import { describeChain } from '../../../src/proxy/chain-facts.js'
import type { Credential } from '../../../src/proxy/credential.js'
import { attributesOfChain } from '../../../src/voms/chain-attributes.js'
import { showFqan } from '../../../src/voms/fqan.js'
import { TestVoms } from '../../support/ac.js'
import { failureOf } from '../../support/failure.js'
import { addProxy, TestAuthority } from '../../support/pki.js'

const ca = new TestAuthority()
const voms = new TestVoms(ca)
const user = ca.issueUser('alice')
const outer = { fqans: ['/alice/Role=lcgadmin'] }
const inner = { fqans: ['/alice'] }
const broken = {
  extensions: [{ oid: OID.vomsAcSequence, critical: false, value: Buffer.from('0500', 'hex') }],
}

const attributesOf = ({ chain }: Credential) => attributesOfChain(describeChain(chain))

describe('the attributes of a chain', () => {
  it('are those of the outermost proxy that carries any, and those inside it are named', () => {
    const stored = voms.addProxyTo(user, inner)
    const dressed = voms.addProxyTo(addProxy(stored), outer)
    const found = attributesOf(addProxy(dressed))
    expect(found.step).toBe(1)
    expect(found.outermost.map(({ fqans }) => fqans.map(showFqan))).toEqual([
      ['/alice/Role=lcgadmin'],
    ])
    expect(found.inner.map(({ step, acs }) => [step, acs[0]?.fqans.map(showFqan)])).toEqual([
      [3, ['/alice']],
    ])
  })

  it('are none for a plain proxy and for a bare certificate', () => {
    const none = { outermost: [], step: undefined, inner: [] }
    expect(attributesOf(addProxy(user))).toEqual(none)
    expect(attributesOf(user)).toEqual(none)
  })

  it('that cannot be read are VOMS_AC_MALFORMED in the outermost proxy', () => {
    const failure = failureOf(() => attributesOf(addProxy(voms.addProxyTo(user), broken)))
    expect(failure.code).toBe('VOMS_AC_MALFORMED')
  })

  it('that cannot be read further inside are a problem, and those that count are still read', () => {
    const found = attributesOf(voms.addProxyTo(addProxy(user, broken), outer))
    expect(found.outermost).toHaveLength(1)
    expect(found.inner).toMatchObject([
      { step: 1, acs: [], problem: { code: 'VOMS_AC_MALFORMED' } },
    ])
  })
})
