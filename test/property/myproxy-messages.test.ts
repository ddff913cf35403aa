import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isVoboxError } from '../../src/errors.js'
import {
  AUTHORIZATION_METHODS,
  encodeAuthorization,
  parseAuthorizationHead,
} from '../../src/myproxy/authorization.js'
import {
  COMMANDS,
  encodeRequest,
  type MyProxyRequest,
  parseRequest,
} from '../../src/myproxy/request.js'
import { encodeResponse, parseResponse, type StoredCredential } from '../../src/myproxy/response.js'
import { parseServerList, showServer } from '../../src/myproxy/server-list.js'
import { asUnixSeconds } from '../../src/ports/clock.js'

/** Any text that fits on one line and survives UTF-8. */
const line = fc
  .string({ unit: 'binary', maxLength: 40 })
  .filter((text) => !/[\n\r\0]/.test(text) && Buffer.from(text).toString() === text)

/** Of a field that may stand more than once; without any it is absent. */
const lines = fc.array(
  line.filter((text) => text !== ''),
  { minLength: 1, maxLength: 3 },
)

/** What comes back is made safe to show, so only texts that are safe already come back the same. */
const shown = fc.string({ unit: 'grapheme-ascii', maxLength: 40 })

const request: fc.Arbitrary<MyProxyRequest> = fc.record(
  {
    command: fc.constantFrom(...COMMANDS),
    username: line,
    passPhrase: line,
    lifetimeSeconds: fc.nat(),
    newPassPhrase: line,
    credentialName: line,
    credentialDescription: line,
    retriever: line,
    renewer: line,
    trustedRetriever: line,
    keyRetriever: line,
    trustedCertificates: line,
    voNames: lines,
    vomses: lines,
  },
  { requiredKeys: ['command', 'username', 'passPhrase', 'lifetimeSeconds'] },
)

/** Through year 9999. */
const instant = fc.integer({ min: 0, max: 253_402_300_799 }).map(asUnixSeconds)
const stored: fc.Arbitrary<StoredCredential> = fc.record(
  {
    owner: shown,
    start: instant,
    end: instant,
    renewer: shown,
    retriever: shown,
    keyRetriever: shown,
    trustedRetriever: shown,
    description: shown,
    lockMessage: shown,
  },
  { requiredKeys: ['owner', 'start', 'end'] },
)
const name = fc.stringMatching(/^[a-z0-9.-]{1,12}$/)
const trustRoots = fc.uniqueArray(
  fc.record({
    name: fc.stringMatching(/^[0-9a-f]{8}\.(r?[0-9]|signing_policy|info)$/),
    content: fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
  }),
  { selector: (file) => file.name, maxLength: 4 },
)

describe('messages', () => {
  it('read back any request as it was written', () => {
    fc.assert(
      fc.property(request, (original) => {
        expect(parseRequest(encodeRequest(original))).toEqual(original)
      }),
    )
  })

  it('read back any list of stored credentials, and any CA files', () => {
    const list = fc
      .tuple(
        stored,
        fc.uniqueArray(fc.tuple(name, stored), { selector: ([key]) => key, maxLength: 5 }),
      )
      // A name such as "a_START" could make keys of another: such a server would be ambiguous.
      .map(([first, others]) => [
        first,
        ...others.map(([key, credential]) => ({ ...credential, name: key })),
      ])
    fc.assert(
      fc.property(list, trustRoots, (credentials, files) => {
        const response = { kind: 'ok' as const, credentials, trustRoots: files }
        expect(parseResponse(encodeResponse(response))).toEqual(response)
      }),
    )
  })

  it('answer any bytes with a value or a stable code, never with anything else', () => {
    const noise = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .string({ maxLength: 100 })
        .map((text) => Buffer.from(`VERSION=MYPROXYv2\nRESPONSE=0\nCOMMAND=0\n${text}\0`)),
    )
    const codes = ['PROTOCOL_VIOLATION', 'MESSAGE_TOO_LARGE'] as const
    fc.assert(
      fc.property(noise, (bytes) => {
        for (const parse of [parseRequest, parseResponse]) {
          try {
            parse(bytes)
          } catch (error) {
            expect(isVoboxError(error, ...codes)).toBe(true)
          }
        }
      }),
    )
  })

  it('read back the head of any authorisation', () => {
    const signature = fc.uint8Array({ minLength: 1, maxLength: 1024 })
    fc.assert(
      fc.property(fc.constantFrom(...AUTHORIZATION_METHODS), signature, (method, bytes) => {
        const encoded = encodeAuthorization(method, bytes)
        const head = parseAuthorizationHead(encoded.subarray(0, 8))
        expect(head).toEqual({ method, signatureLength: bytes.length })
        expect(Buffer.compare(encoded.subarray(8), bytes)).toBe(0)
      }),
    )
  })
})

describe('server lists', () => {
  it('read back what is shown of them', () => {
    const host = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.stringMatching(/^[a-z][a-z0-9]{0,8}(\.[a-z][a-z0-9]{0,8}){0,3}$/),
    )
    const server = fc.record({ host, port: fc.integer({ min: 1, max: 65_535 }) })
    const servers = fc.uniqueArray(server, {
      selector: (one) => showServer(one).toLowerCase(),
      minLength: 1,
      maxLength: 6,
    })
    fc.assert(
      fc.property(servers, (list) => {
        expect(parseServerList(list.map(showServer).join(', '), 1)).toEqual(list)
      }),
    )
  })
})
