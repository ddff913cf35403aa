/** What VOMS servers and vomses files may hold: whatever it is, we say so, and nothing else happens. */
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../src/errors.js'
import { type Fqan, showFqan } from '../../src/voms/fqan.js'
import { encodeRestRequest, isWholeRestAnswer, parseRestAnswer } from '../../src/voms/rest-form.js'
import { vomsRefusal } from '../../src/voms/voms-refusals.js'
import { parseVomses } from '../../src/voms/vomses.js'
import { encodeXmlRequest, isWholeXmlAnswer, parseXmlAnswer } from '../../src/voms/xml-form.js'
import { vomsesLine } from '../support/scripted-voms.js'

const AC = Buffer.from('an attribute certificate of some length').toString('base64')
const BODY = `<voms><ac>${AC}</ac></voms>`
const REST = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${BODY.length.toString(16)}\r\n${BODY}\r\n0\r\n\r\n`
const XML = `<vomsans><error><item><number>2</number><message>m</message></item></error><ac>${AC}</ac></vomsans>`

/** A text with some of its bytes replaced, taken out or doubled. */
const mutated = (text: string) =>
  fc
    .array(fc.tuple(fc.nat(text.length), fc.nat(3), fc.uint8Array({ maxLength: 6 })), {
      maxLength: 5,
    })
    .map((changes) => {
      let bytes = Buffer.from(text)
      for (const [at, removed, added] of changes) {
        bytes = Buffer.concat([bytes.subarray(0, at), added, bytes.subarray(at + removed)])
      }
      return bytes
    })

const anything = (text: string) =>
  fc.oneof(
    mutated(text),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    fc.nat(text.length).map((length) => Buffer.from(text.slice(0, length))),
  )

function onlyOurs(parse: () => unknown): void {
  try {
    parse()
  } catch (error) {
    expect(error).toBeInstanceOf(VoboxError)
    expect((error as VoboxError).code).toBe('PROTOCOL_VIOLATION')
    expect((error as VoboxError).message).not.toMatch(/\p{Cc}/u)
  }
}

const word = fc.stringMatching(/^[A-Za-z0-9_.-]{1,20}$/)
const fqan = fc
  .tuple(fc.array(word, { minLength: 1, maxLength: 4 }), fc.option(word))
  .map(([groups, role]): Fqan => ({ group: `/${groups.join('/')}`, ...(role && { role }) }))

describe('answers of VOMS servers', () => {
  it('that nobody mangled grant, in both forms', () => {
    expect(parseRestAnswer(Buffer.from(REST)).kind).toBe('granted')
    expect(parseXmlAnswer(Buffer.from(XML)).kind).toBe('granted')
  })

  it('in REST are read, or refused as a violation, however they are mangled', () => {
    fc.assert(
      fc.property(anything(REST), (bytes) => {
        isWholeRestAnswer(bytes)
        onlyOurs(() => parseRestAnswer(bytes))
      }),
      { numRuns: 1000 },
    )
  })

  it('in XML are read, or refused as a violation, however they are mangled', () => {
    fc.assert(
      fc.property(anything(XML), (bytes) => {
        isWholeXmlAnswer(bytes)
        onlyOurs(() => parseXmlAnswer(bytes))
      }),
      { numRuns: 1000 },
    )
  })

  it('that refuse, with any text, become a message without control characters and a cure', () => {
    const question = { label: 'voms:1', vo: 'alice', identity: '/CN=a', fqans: ['/alice'] }
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (code, text) => {
        const failure = vomsRefusal(question, [{ code, text }])
        expect(failure.code).toMatch(/^VOMS_/)
        expect(failure.message).not.toMatch(/\p{Cc}/u)
        expect(failure.hint).toBeDefined()
      }),
    )
  })
})

describe('requests to VOMS servers', () => {
  it('are one line of HTTP and one document of XML that no FQAN breaks out of', () => {
    const question = fc.record({
      vo: word,
      fqans: fc.array(fqan, { minLength: 1, maxLength: 5 }),
      lifetimeSeconds: fc.integer({ min: 1, max: 10_000_000 }),
      targets: fc.constant<string[]>([]),
    })
    fc.assert(
      fc.property(question, (asked) => {
        const rest = encodeRestRequest(asked, { host: 'voms.example.org', port: 1 }).toString()
        const fqans = asked.fqans.map(showFqan).join(',')
        const [line, ...fields] = rest.split('\r\n')
        expect(line).toBe(
          `GET /generate-ac?fqans=${fqans}&lifetime=${asked.lifetimeSeconds} HTTP/1.0`,
        )
        expect(fields).toHaveLength(4)
        const xml = encodeXmlRequest(asked).toString()
        expect(xml.match(/<command>[^<>&]*<\/command>/g)).toHaveLength(asked.fqans.length)
      }),
    )
  })
})

describe('vomses files', () => {
  it('are read line by line whatever stands in them, each line a server or a problem', () => {
    fc.assert(
      fc.property(fc.array(fc.string()), (lines) => {
        const text = lines.join('\n')
        const { servers, problems } = parseVomses(text, '/etc/vomses')
        const said = text.split('\n').filter((line) => !/^\s*(#|$)/.test(line))
        expect(servers.length + problems.length).toBe(said.length)
        for (const { code, message } of problems) {
          expect(code).toBe('VOMSES_INVALID')
          expect(message).not.toMatch(/\p{Cc}/u)
        }
      }),
    )
  })

  it('give back every server that was written into them', () => {
    const server = fc.record({
      alias: word,
      host: fc.stringMatching(/^[a-z0-9]{1,10}(\.[a-z0-9]{1,10}){0,3}$/),
      port: fc.integer({ min: 1, max: 65_535 }),
      dn: fc.stringMatching(/^\/CN=[A-Za-z0-9 .:@/_-]{1,30}$/),
      vo: word,
    })
    fc.assert(
      fc.property(fc.array(server), (servers) => {
        expect(parseVomses(servers.map(vomsesLine).join(''), '/x')).toEqual({
          servers,
          problems: [],
        })
      }),
    )
  })
})
