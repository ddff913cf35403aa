import { describe, expect, it } from 'vitest'
import type { Registration } from '../../../src/registry/registration.js'
import { placeFor, type Subject } from '../../../src/renewal/registering/carry-over.js'
import { buildName } from '../../../src/x509/name.js'
import { failureOf } from '../../support/failure.js'
import { registration } from '../../support/registry.js'

const ALICE: Subject = { identity: '/CN=alice', identityDer: 'YWxpY2U=', voms: [] }
const PLAIN_FILE = '+2fCN+3dalice+2fCN+3dproxy'

const of = (subject: Subject, fileName: string): Registration =>
  registration(fileName, { ...subject })
const among = (...registrations: Registration[]) =>
  new Map(registrations.map((one) => [one.fileName, one]))

describe('placeFor', () => {
  it('gives a new identity the file name of the contract', () => {
    expect(placeFor(among(), ALICE, undefined)).toEqual({
      fileName: PLAIN_FILE,
      before: undefined,
      outcome: 'registered',
    })
  })

  it('finds the same identity, whatever its file is called', () => {
    const carried = of(ALICE, 'of-another-dn')
    expect(placeFor(among(carried), ALICE, undefined)).toEqual({
      fileName: 'of-another-dn',
      before: carried,
      outcome: 'updated',
    })
  })

  it('takes the registration of another DN over with its file name', () => {
    const old = of({ ...ALICE, identity: '/CN=old', identityDer: 'b2xk' }, 'old-file')
    expect(placeFor(among(old), ALICE, '/CN=old')).toEqual({
      fileName: 'old-file',
      before: old,
      outcome: 'replaced',
    })
  })

  it('takes over one that is named in the form of OpenSSL before 3', () => {
    const { oneLine: identity, der } = buildName([['CN', 'old/x']])
    const old = of({ ...ALICE, identity, identityDer: Buffer.from(der).toString('base64') }, 'old')
    for (const replaces of ['/CN=old\\/x', '/CN=old/x']) {
      expect(placeFor(among(old), ALICE, replaces)).toMatchObject({ before: old })
    }
    expect(failureOf(() => placeFor(among(old), ALICE, '/CN=old')).code).toBe('NOT_REGISTERED')
  })

  it('leaves a registration with VOMS attributes of the same identity alone', () => {
    const withVoms = of({ ...ALICE, voms: ['alice'] }, 'with-voms')
    expect(placeFor(among(withVoms), ALICE, undefined)).toMatchObject({
      fileName: PLAIN_FILE,
      outcome: 'registered',
    })
  })

  it('quotes a DN in a command that will be pasted, whatever is in it', () => {
    const identity = "/CN=O'Brien'; rm -rf ~; '"
    const quoted = `'/CN=O'\\''Brien'\\''; rm -rf ~; '\\'''`
    const subject = { ...ALICE, identity }
    const { fileName } = placeFor(among(), subject, undefined)
    const other = of({ ...subject, identityDer: 'b3RoZXI=' }, fileName)
    const taken = failureOf(() => placeFor(among(other), subject, undefined))
    expect(taken.hint).toContain(`--replaces ${quoted}`)
    const old = of({ ...ALICE, identity: '/CN=old', identityDer: 'b2xk' }, 'old-file')
    const both = failureOf(() => placeFor(among(of(subject, 'own'), old), subject, '/CN=old'))
    expect(both.hint).toContain(`--dn ${quoted}`)
  })

  it('does not let a DN that reads the same but has other bytes take a file over', () => {
    const other = of({ ...ALICE, identityDer: 'b3RoZXI=' }, PLAIN_FILE)
    const error = failureOf(() => placeFor(among(other), ALICE, undefined))
    expect(error).toMatchObject({
      code: 'REGISTRATION_AMBIGUOUS',
      data: { fileName: PLAIN_FILE, registered: '/CN=alice' },
    })
    expect(error.hint).toContain('--replaces /CN=alice')
    expect(placeFor(among(other), ALICE, '/CN=alice')).toMatchObject({ outcome: 'replaced' })
  })

  it('refuses to choose between two plain registrations of one identity', () => {
    const both = among(of(ALICE, 'one'), of(ALICE, 'two'))
    const error = failureOf(() => placeFor(both, ALICE, undefined))
    expect(error).toMatchObject({
      code: 'REGISTRATION_AMBIGUOUS',
      data: { fileNames: ['one', 'two'] },
    })
  })

  it('names at most five registered DNs to who mistyped one', () => {
    const many = Array.from({ length: 9 }, (_, n) =>
      of({ identity: `/CN=${n}`, identityDer: `id${n}`, voms: [] }, `file${n}`),
    )
    const error = failureOf(() => placeFor(among(...many), ALICE, '/CN=mistyped'))
    expect(error.code).toBe('NOT_REGISTERED')
    expect(error.hint).toBe('Registered are: /CN=0, /CN=1, /CN=2, /CN=3, /CN=4, …')
  })
})
