import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { checkFileName, proxyFileName } from '../../../src/repository/proxy-file-name.js'

const pietro = '/C=PT/O=LIPCA/O=LIP/OU=Lisboa/CN=Pietro Vischia'
const alice = '/DC=ch/DC=cern/CN=alice'

/** A DN whose name with `/CN=proxy` encodes to `length` bytes. */
const dnOfEncodedLength = (length: number) =>
  `/CN=${'x'.repeat(length - '+2fCN+3d+2fCN+3dproxy'.length)}`

describe('proxyFileName', () => {
  it.each([
    [
      'is the name that sites have hard-coded',
      pietro,
      'cms',
      '+2fC+3dPT+2fO+3dLIPCA+2fO+3dLIP+2fOU+3dLisboa+2fCN+3dPietro+20Vischia+2fCN+3dproxy-voms+20cms',
    ],
    [
      'ends in the role of a FQAN',
      alice,
      'alice:/alice/Role=lcgadmin',
      '+2fDC+3dch+2fDC+3dcern+2fCN+3dalice+2fCN+3dproxy-voms+20alice+3a+2falice+2fRole+3dlcgadmin',
    ],
    [
      'takes the first of 2 VOMS values',
      alice,
      ['alice:/alice/Role=lcgadmin', 'dteam'],
      '+2fDC+3dch+2fDC+3dcern+2fCN+3dalice+2fCN+3dproxy-voms+20alice+3a+2falice+2fRole+3dlcgadmin',
    ],
    [
      'ends in /CN=proxy without VOMS',
      alice,
      undefined,
      '+2fDC+3dch+2fDC+3dcern+2fCN+3dalice+2fCN+3dproxy',
    ],
    [
      'ends in /CN=proxy with an empty list of VOMS values',
      alice,
      [],
      '+2fDC+3dch+2fDC+3dcern+2fCN+3dalice+2fCN+3dproxy',
    ],
    [
      'encodes each byte of UTF-8',
      '/CN=José 𝄞',
      undefined,
      '+2fCN+3dJos+c3+a9+20+f0+9d+84+9e+2fCN+3dproxy',
    ],
    [
      'encodes quotes, newlines, plus signs and a way up',
      '/CN=\'"\n+/../..',
      undefined,
      '+2fCN+3d+27+22+0a+2b+2f..+2f..+2fCN+3dproxy',
    ],
    [
      'keeps dots, underscores and dashes',
      '/CN=a.b_c-d',
      'v.o',
      '+2fCN+3da.b_c-d+2fCN+3dproxy-voms+20v.o',
    ],
  ])('%s', (_name, identity, voms, expected) => {
    expect(proxyFileName(identity, voms)).toBe(expected)
  })

  it('leaves a name of 230 bytes whole', () => {
    const name = proxyFileName(dnOfEncodedLength(230), undefined)

    expect(name.length).toBe(230)
    expect(name).not.toContain('+2e')
  })

  it('cuts a name of 231 bytes to 217 that still end in the role', () => {
    const whole = `+2fCN+3d${'x'.repeat(231 - 21)}+2fCN+3dproxy`
    const name = proxyFileName(dnOfEncodedLength(231), undefined)
    const digest = createHash('sha256').update(whole).digest('hex').slice(0, 8)

    expect(name).toBe(`${whole.slice(0, 100)}+2e+2e+2e${digest}${whole.slice(-100)}`)
    expect(name.length).toBe(217)
    expect(name).toMatch(/\+2fCN\+3dproxy$/)
  })

  it('keeps two long names apart that differ in the middle alone', () => {
    const long = (middle: string) => `/CN=${'x'.repeat(150)}${middle}${'x'.repeat(150)}`

    expect(proxyFileName(long('a'), 'cms')).not.toBe(proxyFileName(long('b'), 'cms'))
  })
})

describe('checkFileName', () => {
  it('accepts the hard-coded name', () => {
    const name = proxyFileName(pietro, 'cms')
    expect(checkFileName(name)).toBe(name)
  })

  it.each([
    '',
    '.',
    '..',
    '.hidden',
    '../up',
    'a/b',
    '/etc/passwd',
    'a b',
    'a\nb',
    'a\0b',
    'é',
    'x'.repeat(256),
  ])('refuses %j', (name) => {
    expect(() => checkFileName(name)).toThrow(
      expect.objectContaining({ code: 'FILE_UNSAFE', data: { name, reason: 'name' } }),
    )
  })
})
