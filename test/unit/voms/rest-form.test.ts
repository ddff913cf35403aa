import { describe, expect, it } from 'vitest'
import {
  encodeRestRequest,
  isWholeRestAnswer,
  parseRestAnswer,
} from '../../../src/voms/rest-form.js'
import { failureOf } from '../../support/failure.js'

const SERVER = { host: 'voms.example.org', port: 15_000 }
const AC = Buffer.from('an attribute certificate')
const BASE64 = AC.toString('base64')

const answer = (body: string, status = '200 OK', fields: readonly string[] = [], version = '1.0') =>
  Buffer.from([`HTTP/${version} ${status}`, ...fields, '', body].join('\r\n'))

describe('a request in the REST form', () => {
  it('has the values as they stand, in the order wanted, in HTTP/1.0', () => {
    const request = encodeRestRequest(
      {
        vo: 'alice',
        fqans: [{ group: '/alice', role: 'lcgadmin' }, { group: '/alice/team' }],
        lifetimeSeconds: 172_800,
        targets: [],
      },
      SERVER,
    )
    expect(request.toString()).toBe(
      'GET /generate-ac?fqans=/alice/Role=lcgadmin,/alice/team&lifetime=172800 HTTP/1.0\r\n' +
        'Host: voms.example.org:15000\r\nConnection: close\r\n\r\n',
    )
  })

  it('names targets, and an IPv6 server in brackets', () => {
    const request = encodeRestRequest(
      { vo: 'a', fqans: [{ group: '/a' }], lifetimeSeconds: 1, targets: ['x.org', 'y.org'] },
      { host: '2001:db8::1', port: 443 },
    ).toString()
    expect(request).toContain('?fqans=/a&lifetime=1&targets=x.org,y.org HTTP/1.0\r\n')
    expect(request).toContain('Host: [2001:db8::1]:443\r\n')
  })
})

describe('an answer in the REST form', () => {
  const granted = { kind: 'granted', acs: [AC], warnings: [] as string[] }
  const body = `<?xml version="1.0" encoding="UTF-8"?><voms><ac>${BASE64}</ac></voms>`

  it.each([
    ['to the end of the connection', answer(body)],
    ['of a length that is told', answer(body, '200', [`Content-Length: ${body.length}`], '1.1')],
    [
      'with more behind that length',
      answer(`${body}junk`, '200 OK', [`content-length:${body.length}`]),
    ],
    ['in base64 with line breaks', answer(body.replace(BASE64, BASE64.replace(/.{8}/g, '$&\n')))],
    ['with bare line feeds', Buffer.from(answer(body).toString().replaceAll('\r\n', '\n'))],
    [
      'in two chunks with an extension and a trailer',
      answer(
        `a;x=y\r\n${body.slice(0, 10)}\r\n${(body.length - 10).toString(16).toUpperCase()}\r\n${body.slice(10)}\r\n0\r\nX: y\r\n\r\n`,
        '200 OK',
        ['Transfer-Encoding: chunked'],
        '1.1',
      ),
    ],
  ])('grants, %s', (_how, bytes) => {
    expect(parseRestAnswer(bytes)).toEqual(granted)
  })

  it('grants with status 500 and a warning: the body counts, not the status', () => {
    const warning = 'localhost:15000: The validity of this VOMS AC in your proxy is shortened'
    const text = `<voms><ac>${BASE64}</ac><warning>${warning}</warning></voms>`
    expect(parseRestAnswer(answer(text, '500 Internal Server Error'))).toEqual({
      ...granted,
      warnings: [warning],
    })
    const nested = text.replace(warning, `<code>2</code><message>${warning}</message>`)
    expect(parseRestAnswer(answer(nested))).toEqual({ ...granted, warnings: [warning] })
  })

  it('refuses with the words of the server, escaped or not', () => {
    const refuse = (message: string) =>
      parseRestAnswer(
        answer(
          `<voms><error><code>NoSuchUser</code><message>${message}</message></error></voms>`,
          '403 Forbidden',
        ),
      )
    const refused = (text: string) => ({
      kind: 'refused',
      refusals: [{ code: 'NoSuchUser', text }],
    })
    expect(refuse('User unknown to this VO.')).toEqual(refused('User unknown to this VO.'))
    expect(refuse('sign <AUP> & more')).toEqual(refused('sign <AUP> & more'))
    expect(refuse('sign &lt;AUP&gt; &amp; &#109;&#x6F;re')).toEqual(refused('sign <AUP> & more'))
    expect(refuse('once &amp;lt; only; &nbsp; &#x110000;')).toEqual(
      refused('once &lt; only; &nbsp; &#x110000;'),
    )
  })

  it('refuses with every error that it lists', () => {
    const error = (text: string) =>
      `<error><code>BadRequest</code><message>${text}</message></error>`
    const { refusals } = parseRestAnswer(answer(`<voms>${error('one')}${error('two')}</voms>`)) as {
      refusals: unknown[]
    }
    expect(refusals).toHaveLength(2)
  })

  it.each([
    ['nothing of HTTP', Buffer.from('<vomsans></vomsans>'), undefined],
    ['a head without an end', Buffer.from('HTTP/1.0 200 OK\r\nX: y\r\n'), undefined],
    ['HTTP/2', Buffer.from('HTTP/2 200\r\n\r\n<voms/>'), undefined],
    ['a page of a web server', answer('<html>Bad Gateway</html>', '502 Bad Gateway'), 502],
    ['no body at all', answer('', '404 Not Found'), 404],
    [
      'less than the length that is told',
      answer(body, '200 OK', ['Content-Length: 9999']),
      undefined,
    ],
    [
      'a chunk that ends too soon',
      answer('ff\r\nabc', '200', ['Transfer-Encoding: chunked']),
      undefined,
    ],
    [
      'a million bytes in chunks of one',
      answer(`${'1\r\nx\r\n'.repeat(170_000)}0\r\n\r\n`, '200', ['Transfer-Encoding: chunked']),
      undefined,
    ],
    ['chunks of no size', answer('zz\r\nabc', '200', ['Transfer-Encoding: chunked']), undefined],
    ['no end of the certificate', answer(body.replace('</ac></voms>', '')), 200],
    ['a certificate that is not base64', answer('<voms><ac>§§§§</ac></voms>'), undefined],
    ['an empty certificate', answer('<voms><ac></ac></voms>'), undefined],
  ])('with %s is a violation of the protocol', (_what, bytes, status) => {
    const failure = failureOf(() => parseRestAnswer(bytes))
    expect(failure.code).toBe('PROTOCOL_VIOLATION')
    expect(failure.persistence).toBe('transient')
    expect(failure.data.status).toBe(status)
  })

  it('is whole at the length it told or at its last chunk, and else only when the peer ends', () => {
    const whole = (bytes: Buffer) => isWholeRestAnswer(bytes)
    const told = answer(body, '200 OK', [`Content-Length: ${body.length}`])
    const chunks = answer('3\r\nabc\r\n0\r\n\r\n', '200 OK', ['Transfer-Encoding: chunked'])
    expect(whole(told)).toBe(true)
    expect(whole(told.subarray(0, -1))).toBe(false)
    expect(whole(chunks)).toBe(true)
    expect(whole(chunks.subarray(0, -5))).toBe(false)
    expect(whole(answer(body))).toBe(false)
    expect(whole(Buffer.alloc(0))).toBe(false)
  })
})
