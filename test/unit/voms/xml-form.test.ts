import { describe, expect, it } from 'vitest'
import { encodeXmlRequest, isWholeXmlAnswer, parseXmlAnswer } from '../../../src/voms/xml-form.js'
import { failureOf } from '../../support/failure.js'

const AC = Buffer.from('an attribute certificate')
const BASE64 = AC.toString('base64')
const HEAD = '<?xml version="1.0" encoding = "US-ASCII"?><vomsans><version>3</version>'

const item = (number: number | string, message: string) =>
  `<item><number>${number}</number><message>${message}</message></item>`
const answer = (errors: string, ac: string = BASE64) =>
  Buffer.from(`${HEAD}${errors && `<error>${errors}</error>`}<ac>${ac}</ac></vomsans>`)

describe('a request in the XML form', () => {
  it('has one command for each FQAN, in the order wanted', () => {
    const request = encodeXmlRequest({
      vo: 'alice',
      fqans: [{ group: '/alice', role: 'lcgadmin' }, { group: '/alice/team' }, { group: '/alice' }],
      lifetimeSeconds: 3600,
      targets: [],
    })
    expect(request.toString()).toBe(
      '<?xml version="1.0" encoding="US-ASCII"?><voms><command>B/alice:lcgadmin</command>' +
        '<command>G/alice/team</command><command>G/alice</command>' +
        '<base64>1</base64><version>4</version><lifetime>3600</lifetime></voms>',
    )
  })

  it('names targets', () => {
    const question = {
      vo: 'a',
      fqans: [{ group: '/a' }],
      lifetimeSeconds: 1,
      targets: ['x.org', 'y'],
    }
    expect(encodeXmlRequest(question).toString()).toContain('<targets>x.org,y</targets>')
  })
})

describe('an answer in the XML form', () => {
  it('grants', () => {
    expect(parseXmlAnswer(answer(''))).toEqual({ kind: 'granted', acs: [AC], warnings: [] })
  })

  it('grants with a warning, whose number is below 1000', () => {
    const text = 'localhost:15000: The validity of this VOMS AC in your proxy is shortened!'
    expect(parseXmlAnswer(answer(item(2, text)))).toEqual({
      kind: 'granted',
      acs: [AC],
      warnings: [text],
    })
  })

  it('refuses from 1000 on, whatever stands in its certificate', () => {
    const said = item(1001, 'alice: User unknown to this VO.')
    expect(parseXmlAnswer(answer(said, 'QQ==\n'))).toEqual({
      kind: 'refused',
      refusals: [{ code: '1001', text: 'alice: User unknown to this VO.' }],
    })
    expect(parseXmlAnswer(answer(item(2, 'a') + item(1004, 'b'))).kind).toBe('refused')
    expect(parseXmlAnswer(answer(item('many', 'c'))).kind).toBe('refused')
  })

  it('refuses with the words of an administrator as they were typed', () => {
    const text = 'User is currently suspended!\nSuspension reason: AUP <not> signed & so on'
    expect(parseXmlAnswer(answer(item(1004, text), 'QQ=='))).toEqual({
      kind: 'refused',
      refusals: [{ code: '1004', text }],
    })
  })

  it.each([
    ['nothing of VOMS', Buffer.from('hello')],
    ['an end that is missing', answer('').subarray(0, -1)],
    ['neither certificate nor reason', Buffer.from(`${HEAD}</vomsans>`)],
    ['a certificate that is not base64', answer('', 'Q')],
  ])('with %s is a violation of the protocol', (_what, bytes) => {
    expect(failureOf(() => parseXmlAnswer(bytes)).code).toBe('PROTOCOL_VIOLATION')
  })

  it('is whole with its last tag', () => {
    expect(isWholeXmlAnswer(answer(''))).toBe(true)
    expect(isWholeXmlAnswer(Buffer.concat([answer(''), Buffer.from('\n\0')]))).toBe(true)
    expect(isWholeXmlAnswer(answer('').subarray(0, -1))).toBe(false)
  })
})
