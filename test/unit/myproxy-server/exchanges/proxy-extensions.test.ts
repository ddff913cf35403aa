import { describe, expect, it } from 'vitest'
import {
  proxyExtensionsOfFile,
  proxyExtensionsOfProgram,
} from '../../../../src/myproxy/server/exchanges/proxy-extensions.js'
import type { CallOutRequest, CallOuts } from '../../../../src/ports/call-out.js'
import { failureOf, rejectionOf } from '../../../support/failure.js'

const never = new AbortController().signal
const PATH = '/etc/myproxy/proxy-extensions'

describe('proxy_extfile', () => {
  it('gives every proxy what the file says', async () => {
    const text = '# for the site\n1.3.6.1.4.1.99999.1 = critical, ASN1:UTF8String:hello\n'
    const given = proxyExtensionsOfFile(text, PATH)
    const [one, ...others] = await given.extensionsFor('alice', '/store/alice.creds', never)
    expect(others).toEqual([])
    expect(one).toMatchObject({ oid: '1.3.6.1.4.1.99999.1', critical: true })
    expect(Buffer.from(one?.value ?? []).toString('hex')).toBe('0c0568656c6c6f')
  })

  it.each([
    ['keyUsage = digitalSignature', 'keyUsage'],
    ['subjectKeyIdentifier = hash', 'subjectKeyIdentifier'],
    ['basicConstraints = CA:FALSE', 'basicConstraints'],
    ['basicConstraints = CA:TRUE', 'basicConstraints'],
    ['subjectAltName = DNS:a.example.org', 'subjectAltName'],
    ['1.3.6.1.5.5.7.1.14 = DER:0500', '1.3.6.1.5.5.7.1.14'],
    ['1.3.6.1.4.1.8005.100.100.5 = DER:0500', '1.3.6.1.4.1.8005.100.100.5'],
    ['nosuch = 1', 'nosuch'],
  ])('is refused by its line for %s', (line, name) => {
    const { code, data, message } = failureOf(() => proxyExtensionsOfFile(`# one\n${line}\n`, PATH))
    expect({ code, data }).toEqual({ code: 'CONFIG_INVALID', data: { path: PATH, line: 2 } })
    expect(message).toContain(name)
  })
})

describe('proxy_extapp', () => {
  const asked: CallOutRequest[] = []
  const answering = (status: number, text: string): CallOuts => ({
    async run(request) {
      asked.push(request)
      return { status, stdout: Buffer.from(text), stderr: 'no good' }
    },
  })
  const extensions = (status: number, text: string, username = 'alice') =>
    proxyExtensionsOfProgram({
      callOuts: answering(status, text),
      program: '/site/extapp',
    }).extensionsFor(username, '/store/alice.creds', never)

  it('is given the user name and the file of the credential, and prints extensions', async () => {
    const [one] = await extensions(0, '1.3.6.1.4.1.99999.1 = ASN1:NULL\n')
    expect(one).toMatchObject({ oid: '1.3.6.1.4.1.99999.1', critical: false })
    expect(asked).toEqual([{ file: '/site/extapp', arguments: ['alice', '/store/alice.creds'] }])
  })

  it('makes the client go without a proxy when it ends with status 3', async () => {
    const { code, data } = await rejectionOf(extensions(3, ''))
    expect(code).toBe('PROGRAM_FAILED')
    expect(data).toMatchObject({ path: '/site/extapp', status: 3 })
  })

  it('makes the client go without a proxy when it prints what is no extension', async () => {
    const { code, data } = await rejectionOf(extensions(0, 'garbage here\n'))
    expect(code).toBe('CONFIG_INVALID')
    expect(data).toMatchObject({ path: '/site/extapp', line: 1 })
  })

  it('is not asked about a name that it could take for an option', async () => {
    asked.length = 0
    const { code } = await rejectionOf(extensions(0, '', '-rf'))
    expect([code, asked]).toEqual(['MYPROXY_REFUSED', []])
  })
})
