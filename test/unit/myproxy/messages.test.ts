import { describe, expect, it } from 'vitest'
import {
  COMMANDS,
  encodeRequest,
  type MyProxyRequest,
  parseRequest,
} from '../../../src/myproxy/request.js'
import { encodeResponse, parseResponse } from '../../../src/myproxy/response.js'
import { MAX_REQUEST_BYTES, MAX_RESPONSE_BYTES } from '../../../src/myproxy/text-message.js'
import { failureOf } from '../../support/failure.js'

const text = (value: string) => Buffer.from(value, 'utf8')

const renewal: MyProxyRequest = {
  command: 'get',
  username: '/DC=org/DC=example/OU=Users/CN=alice',
  passPhrase: '',
  lifetimeSeconds: 172_800,
}

describe('encodeRequest', () => {
  it('writes a renewal as 5 lines and one NUL', () => {
    expect(encodeRequest(renewal).toString()).toBe(
      'VERSION=MYPROXYv2\nCOMMAND=0\nUSERNAME=/DC=org/DC=example/OU=Users/CN=alice\nPASSPHRASE=\nLIFETIME=172800\n\0',
    )
  })

  it.each(COMMANDS.map((command, number) => [number, command] as const))(
    'writes command %i as "%s"',
    (number, command) => {
      const bytes = encodeRequest({ ...renewal, command })
      expect(bytes.toString()).toContain(`\nCOMMAND=${number}\n`)
      expect(parseRequest(bytes).command).toBe(command)
    },
  )

  it.each([
    ['a line feed', 'alice\nRENEWER=*'],
    ['a carriage return', 'alice\rRENEWER=*'],
    ['a NUL', 'alice\0'],
  ])('refuses %s in a value, which would become a line of its own', (_what, username) => {
    const failure = failureOf(() => encodeRequest({ ...renewal, username }))
    expect(failure.code).toBe('MYPROXY_VALUE_INVALID')
    expect(failure.data.key).toBe('USERNAME')
  })

  it('says which value it refuses, and not what was in it: it may be a pass phrase', () => {
    const failure = failureOf(() => encodeRequest({ ...renewal, passPhrase: 'secret\rword' }))
    expect(failure.data).toEqual({ key: 'PASSPHRASE' })
    expect(`${failure.message} ${failure.hint}`).not.toContain('secret')
  })

  it('sends a pass phrase of bytes as it is, though it is no UTF-8', () => {
    const passPhrase = Buffer.from('caf\xe9', 'latin1')
    const bytes = encodeRequest({ ...renewal, passPhrase })
    expect(bytes.includes(Buffer.from('\nPASSPHRASE=caf\xe9\n', 'latin1'))).toBe(true)
    const broken = { ...renewal, passPhrase: Buffer.from([0xe9, 0x0a]) }
    expect(failureOf(() => encodeRequest(broken)).code).toBe('MYPROXY_VALUE_INVALID')
  })

  it('refuses a request of more than 64 kB', () => {
    const failure = failureOf(() => encodeRequest({ ...renewal, vomses: ['x'.repeat(70_000)] }))
    expect(failure.code).toBe('MESSAGE_TOO_LARGE')
    expect(failure.data.maxBytes).toBe(MAX_REQUEST_BYTES)
  })

  it.each([-1, 1.5, Number.NaN])('takes a lifetime of %d s for a programming error', (seconds) => {
    expect(() => encodeRequest({ ...renewal, lifetimeSeconds: seconds })).toThrow(TypeError)
  })
})

describe('parseRequest', () => {
  it('reads all 13 fields of an upload', () => {
    const request: MyProxyRequest = {
      command: 'put',
      username: 'älice',
      passPhrase: 'a = b',
      lifetimeSeconds: 43_200,
      newPassPhrase: 'other',
      credentialName: 'prod',
      credentialDescription: 'for production, with = and ü',
      retriever: '/DC=org/*',
      renewer: '*/CN=vobox.example.org',
      trustedRetriever: '*',
      keyRetriever: 'none',
      trustedCertificates: '1',
      voNames: ['alice', 'bob:/bob/Role=pilot'],
      vomses: ['"alice" "localhost" "15000" "/CN=x" "alice"'],
    }
    expect(parseRequest(encodeRequest(request))).toEqual(request)
  })

  it('ignores lines it does not know, and lines without "="', () => {
    const message = text('VERSION=MYPROXYv2\nnoise\n=x\nFUTURE=1\nCOMMAND=2\nUSERNAME=a\n\0')
    expect(parseRequest(message)).toEqual({
      command: 'info',
      username: 'a',
      passPhrase: '',
      lifetimeSeconds: 0,
    })
  })

  it.each([
    ['no version', 'COMMAND=0\n\0', 'a message without VERSION'],
    ['another version', 'VERSION=MYPROXYv3\nCOMMAND=0\n\0', 'unknown MyProxy version MYPROXYv3'],
    ['no command', 'VERSION=MYPROXYv2\n\0', 'a message without COMMAND'],
    ['command 8', 'VERSION=MYPROXYv2\nCOMMAND=8\n\0', 'unknown command 8'],
    ['a command in words', 'VERSION=MYPROXYv2\nCOMMAND=GET\n\0', 'COMMAND is not a number: GET'],
    [
      'a negative lifetime',
      'VERSION=MYPROXYv2\nCOMMAND=0\nLIFETIME=-1\n\0',
      'LIFETIME is not a number: -1',
    ],
    [
      'two user names',
      'VERSION=MYPROXYv2\nCOMMAND=0\nUSERNAME=a\nUSERNAME=b\n\0',
      'USERNAME stands 2 times in one message',
    ],
    [
      'bytes after the NUL',
      'VERSION=MYPROXYv2\nCOMMAND=0\n\0more',
      'bytes follow the NUL of a message',
    ],
    ['nothing at all', '', 'a message without VERSION'],
  ])('refuses %s', (_what, message, says) => {
    const failure = failureOf(() => parseRequest(text(message)))
    expect(failure).toMatchObject({ code: 'PROTOCOL_VIOLATION', message: says })
  })

  it('refuses a user name that is not UTF-8, since names are looked up', () => {
    const message = Buffer.from('VERSION=MYPROXYv2\nCOMMAND=2\nUSERNAME=\xe9\n\0', 'latin1')
    expect(failureOf(() => parseRequest(message)).code).toBe('PROTOCOL_VIOLATION')
  })

  it('refuses 65,537 bytes before it looks at them', () => {
    const failure = failureOf(() => parseRequest(Buffer.alloc(MAX_REQUEST_BYTES + 1, 0x41)))
    expect(failure.code).toBe('MESSAGE_TOO_LARGE')
  })
})

describe('parseResponse', () => {
  it('names a credential that a server made up without its control characters', () => {
    const own = ['CRED_START_TIME=1', 'CRED_END_TIME=2', 'CRED_OWNER=/CN=x']
    const lines = ['VERSION=MYPROXYv2', 'RESPONSE=0', ...own, 'ADDL_CREDS=\u001b[2Jx']
    const failure = failureOf(() => parseResponse(text(`${lines.join('\n')}\n\0`)))
    expect(failure.code).toBe('PROTOCOL_VIOLATION')
    expect(failure.message).toMatch(/^a message without CRED_/)
    expect(failure.message).not.toContain('\u001b')
  })

  it('reads what Debian’s server says about a default credential and two named ones', () => {
    const response = parseResponse(
      text(
        [
          'VERSION=MYPROXYv2',
          'RESPONSE=0',
          'CRED_START_TIME=1795332437',
          'CRED_END_TIME=1795418927',
          'CRED_OWNER=/DC=ch/CN=alice',
          'CRED_RENEWER=*',
          'CRED_second_START_TIME=1795332437',
          'CRED_second_END_TIME=1795418926',
          'CRED_second_OWNER=/DC=ch/CN=alice',
          'CRED_second_RETRIEVER_TRUSTED=*/CN=foo',
          'CRED_second_LOCKMSG=under investigation',
          'CRED_first_DESC=a description, with = and ünïcode',
          'CRED_first_START_TIME=1795332437',
          'CRED_first_END_TIME=1795418926',
          'CRED_first_OWNER=/DC=ch/CN=alice',
          'CRED_first_RETRIEVER=/DC=ch/.*',
          'ADDL_CREDS=second,first',
          '\0',
        ].join('\n'),
      ),
    )
    const owner = '/DC=ch/CN=alice'
    expect(response).toEqual({
      kind: 'ok',
      trustRoots: [],
      credentials: [
        { owner, start: 1795332437, end: 1795418927, renewer: '*' },
        {
          name: 'second',
          owner,
          start: 1795332437,
          end: 1795418926,
          trustedRetriever: '*/CN=foo',
          lockMessage: 'under investigation',
        },
        {
          name: 'first',
          owner,
          start: 1795332437,
          end: 1795418926,
          retriever: '/DC=ch/.*',
          description: 'a description, with = and ünïcode',
        },
      ],
    })
  })

  it('keeps the 3 lines of an error apart and strips control characters', () => {
    const message = text('VERSION=MYPROXYv2\nRESPONSE=1\nERROR=a\x1b[2J\nERROR=b\nERROR=\n\0')
    expect(parseResponse(message)).toEqual({ kind: 'error', messages: ['a [2J', 'b', ''] })
  })

  it('reads an error that is not UTF-8', () => {
    const message = Buffer.from('VERSION=MYPROXYv2\nRESPONSE=1\nERROR=caf\xe9\n\0', 'latin1')
    expect(parseResponse(message)).toEqual({ kind: 'error', messages: ['caf\ufffd'] })
  })

  it('reads both challenges of a renewal', () => {
    const message = text(
      'VERSION=MYPROXYv2\nRESPONSE=2\nAUTHORIZATION_DATA=X509_certificate:aa\nAUTHORIZATION_DATA=X509_certificate_SHA256:bb:cc\n\0',
    )
    expect(parseResponse(message)).toEqual({
      kind: 'authorization',
      challenges: [
        { method: 'X509_certificate', text: 'aa' },
        { method: 'X509_certificate_SHA256', text: 'bb:cc' },
      ],
    })
  })

  it.each([
    ['response 3', 'RESPONSE=3'],
    ['no response', 'X=1'],
    ['a challenge without a method', 'RESPONSE=2\nAUTHORIZATION_DATA=abc'],
    ['a credential without an owner', 'RESPONSE=0\nCRED_START_TIME=1\nCRED_END_TIME=2'],
    [
      'an end that is no number',
      'RESPONSE=0\nCRED_START_TIME=1\nCRED_END_TIME=soon\nCRED_OWNER=/CN=a',
    ],
    [
      'a further credential without its lines',
      'RESPONSE=0\nCRED_START_TIME=1\nCRED_END_TIME=2\nCRED_OWNER=/CN=a\nADDL_CREDS=x',
    ],
    [
      'a credential that is listed twice',
      'RESPONSE=0\nCRED_START_TIME=1\nCRED_END_TIME=2\nCRED_OWNER=/CN=a\nADDL_CREDS=x,x',
    ],
  ])('refuses %s', (_what, lines) => {
    const failure = failureOf(() => parseResponse(text(`VERSION=MYPROXYv2\n${lines}\n\0`)))
    expect(failure.code).toBe('PROTOCOL_VIOLATION')
  })

  it.each([
    ['the last second of year 9999', 253_402_300_799, true],
    ['the second after it', 253_402_300_800, false],
    ['15 digits, beyond any date', 999_999_999_999_999, false],
  ])('of a stored credential that ends at %s: taken or not', (_what, end, taken) => {
    const stored = `CRED_START_TIME=0\nCRED_END_TIME=${end}\nCRED_OWNER=/CN=a\n`
    const parse = () => parseResponse(text(`VERSION=MYPROXYv2\nRESPONSE=0\n${stored}`))
    if (taken) expect(parse()).toMatchObject({ credentials: [{ end }] })
    else expect(failureOf(parse).code).toBe('PROTOCOL_VIOLATION')
  })

  it('refuses 1,048,577 bytes', () => {
    const failure = failureOf(() => parseResponse(Buffer.alloc(MAX_RESPONSE_BYTES + 1, 0x41)))
    expect(failure.code).toBe('MESSAGE_TOO_LARGE')
  })
})

describe('encodeResponse', () => {
  it('writes an OK as 2 lines', () => {
    expect(encodeResponse({ kind: 'ok', credentials: [] }).toString()).toBe(
      'VERSION=MYPROXYv2\nRESPONSE=0\n\0',
    )
  })

  it('makes 2 lines of a text of 2 lines, and no other key of a client’s words', () => {
    const bytes = encodeResponse({ kind: 'error', messages: ['no\nRESPONSE=0'] })
    expect(bytes.toString()).toBe('VERSION=MYPROXYv2\nRESPONSE=1\nERROR=no\nERROR=RESPONSE=0\n\0')
    expect(parseResponse(bytes).kind).toBe('error')
  })

  it('refuses a second credential without a name as a programming error', () => {
    const one = { owner: '/CN=a', start: 1 as never, end: 2 as never }
    expect(() => encodeResponse({ kind: 'ok', credentials: [one, one] })).toThrow(TypeError)
  })
})
