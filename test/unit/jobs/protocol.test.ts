import { describe, expect, it } from 'vitest'
import { JOB_CODES } from '../../../src/jobs/protocol/codes.js'
import { encodeFrame, FrameReader, MAX_PAYLOAD_BYTES } from '../../../src/jobs/protocol/frame.js'
import { encodeJobRequest, parseJobRequest } from '../../../src/jobs/protocol/request.js'
import { encodeJobResponse, parseJobResponse } from '../../../src/jobs/protocol/response.js'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import { failureOf } from '../../support/failure.js'

const VERSION = 'Version=EDG Proxy Renewal 1.0\n'

const parse = (text: string) => parseJobRequest(Buffer.from(text))

const refusalOf = (text: string) => failureOf(() => parse(text)).data.jobCode

describe('a request', () => {
  it('is REGISTER with a server, a proxy file and a job id, in any order, unknown keys passed over', () => {
    const request = parse(
      `Jobid=https://wms:9000/a=b\nUnique=1\nProxy_name=/p/x\n${VERSION}Myproxy_server=px:7513\nCommand=1\n`,
    )
    expect(request).toEqual({
      command: 'register',
      jobId: 'https://wms:9000/a=b',
      proxyFile: '/p/x',
      server: 'px:7513',
    })
  })

  it('is UNREGISTER with or without a proxy file, and GET with a job id, line ends as DOS has them too', () => {
    expect(parse(`${VERSION}Command=2\nJobid=j\n`)).toEqual({ command: 'unregister', jobId: 'j' })
    expect(parse(`${VERSION}Command=2\nProxy_name=/r/f\nJobid=j\n`)).toEqual({
      command: 'unregister',
      jobId: 'j',
      proxyFile: '/r/f',
    })
    expect(parse('Version=EDG Proxy Renewal 1.0\r\nCommand=3\r\nJobid=j\r\n')).toEqual({
      command: 'get',
      jobId: 'j',
    })
  })

  it('has its keys at the starts of lines: a job id cannot hold a command', () => {
    expect(parse(`${VERSION}Command=2\nJobid=aCommand=3\n`)).toEqual({
      command: 'unregister',
      jobId: 'aCommand=3',
    })
    expect(parse(`${VERSION}Jobid=aCommand=3\nCommand=2\n`).command).toBe('unregister')
  })

  it.each([
    ['nothing at all', '', JOB_CODES.ELEMENT_NOT_FOUND],
    ['no version', 'Command=3\nJobid=j\n', JOB_CODES.ELEMENT_NOT_FOUND],
    ['an empty version', 'Version=\nCommand=3\nJobid=j\n', JOB_CODES.PARSE_ERROR],
    ['another version', 'Version=2\nCommand=3\nJobid=j\n', JOB_CODES.PARSE_ERROR],
    ['no command', `${VERSION}Jobid=j\n`, JOB_CODES.ELEMENT_NOT_FOUND],
    ['an empty command', `${VERSION}Command=\nJobid=j\n`, JOB_CODES.PARSE_ERROR],
    ['command 0', `${VERSION}Command=0\nJobid=j\n`, JOB_CODES.UNKNOWN_COMMAND],
    ['LIST', `${VERSION}Command=4\n`, JOB_CODES.UNKNOWN_COMMAND],
    ['STATUS', `${VERSION}Command=5\nJobid=j\n`, JOB_CODES.UNKNOWN_COMMAND],
    ['UPDATE_DB', `${VERSION}Command=6\nProxy_name=../x\nEntry=0:\n`, JOB_CODES.UNKNOWN_COMMAND],
    ['UPDATE_DB of two', `${VERSION}Command=6\nEntry=0:\nEntry=1:x\n`, JOB_CODES.UNKNOWN_COMMAND],
    ['a command of words', `${VERSION}Command=toString\nJobid=j\n`, JOB_CODES.UNKNOWN_COMMAND],
    ['a command with a sign', `${VERSION}Command=+1\nJobid=j\n`, JOB_CODES.UNKNOWN_COMMAND],
    ['GET without a job', `${VERSION}Command=3\n`, JOB_CODES.EINVAL],
    ['UNREGISTER without a job', `${VERSION}Command=2\nProxy_name=/r/f\n`, JOB_CODES.EINVAL],
    ['REGISTER without a job', `${VERSION}Command=1\nProxy_name=/p\n`, JOB_CODES.EINVAL],
    ['an empty job', `${VERSION}Command=3\nJobid=\n`, JOB_CODES.PARSE_ERROR],
    ['an empty job before DOS line end', `${VERSION}Command=3\nJobid=\r\n`, JOB_CODES.PARSE_ERROR],
    [
      'REGISTER without a server',
      `${VERSION}Command=1\nProxy_name=/p\nJobid=j\n`,
      JOB_CODES.ELEMENT_NOT_FOUND,
    ],
    [
      'REGISTER without a proxy',
      `${VERSION}Command=1\nMyproxy_server=h\nJobid=j\n`,
      JOB_CODES.ELEMENT_NOT_FOUND,
    ],
    ['two job ids', `${VERSION}Command=3\nJobid=a\nJobid=b\n`, JOB_CODES.PARSE_ERROR],
    ['a NUL within', `${VERSION}Command=3\nJobid=a\0b\n`, JOB_CODES.PARSE_ERROR],
    [
      'a line of 2048 bytes, which the C library does not send',
      `${VERSION}Command=3\nJobid=${'x'.repeat(2041)}\n`,
      JOB_CODES.ERANGE,
    ],
  ])('is refused with a code the C client knows: %s', (_what, text, code) => {
    expect(refusalOf(text)).toBe(code)
  })

  it('is taken with a line of 2047 bytes, line feed included, as it is written', () => {
    const request = { command: 'get', jobId: 'x'.repeat(2040) } as const
    expect(parse(encodeJobRequest(request))).toEqual(request)
  })

  it('is refused when it is not UTF-8', () => {
    const bytes = Buffer.concat([Buffer.from(`${VERSION}Command=3\nJobid=`), Buffer.of(0xff, 0x0a)])
    expect(failureOf(() => parseJobRequest(bytes)).data).toMatchObject({ jobCode: 1903 })
  })

  it.each([
    { command: 'register', jobId: 'j', proxyFile: '/p', server: 'h:1' } as const,
    { command: 'unregister', jobId: 'j', proxyFile: '/p' } as const,
    { command: 'unregister', jobId: 'j' } as const,
    { command: 'get', jobId: 'j' } as const,
  ])('is written as it is read: %o', (request) => {
    expect(parse(encodeJobRequest(request))).toEqual(request)
  })

  it.each(['', 'a\nCommand=6', 'a\0b', 'x'.repeat(2041)])(
    'is not written with a job id that breaks its line or is too long for the C library',
    (jobId) => {
      expect(failureOf(() => encodeJobRequest({ command: 'get', jobId }))).toMatchObject({
        code: 'JOB_REQUEST_INVALID',
        data: { key: 'Jobid' },
      })
    },
  )
})

describe('a response', () => {
  it('has its lines in the order of the C daemon', () => {
    const text = encodeJobResponse({
      code: 0,
      proxyFile: '/r/f',
      end: asUnixSeconds(20),
      renewalAt: asUnixSeconds(10),
    })
    expect(text).toBe(`${VERSION}Response=0\nEnd_time=20\nRenewal_time=10\nProxy_name=/r/f\n`)
    expect(parseJobResponse(Buffer.from(text))).toEqual({
      code: 0,
      end: 20,
      renewalAt: 10,
      proxyFile: '/r/f',
    })
  })

  it('is the code alone when something is wrong', () => {
    expect(encodeJobResponse({ code: 1908 })).toBe(`${VERSION}Response=1908\n`)
    expect(parseJobResponse(Buffer.from(`${VERSION}Response=1908\nProxy_name=/x\n`))).toEqual({
      code: 1908,
    })
  })

  it.each([
    ['success without a path', `${VERSION}Response=0\n`, JOB_CODES.ELEMENT_NOT_FOUND],
    ['no code', VERSION, JOB_CODES.ELEMENT_NOT_FOUND],
    ['a code of words', `${VERSION}Response=ok\n`, JOB_CODES.PARSE_ERROR],
  ])('is not believed: %s', (_what, text, code) => {
    expect(failureOf(() => parseJobResponse(Buffer.from(text))).data.jobCode).toBe(code)
  })
})

describe('a frame', () => {
  it('is its length in four bytes, the text, and a NUL that is counted', () => {
    expect(encodeFrame('ab')).toEqual(Buffer.from([0, 0, 0, 3, 0x61, 0x62, 0]))
  })

  it('is put together from single bytes', () => {
    const reader = new FrameReader()
    const bytes = encodeFrame('Version=1\n')
    const payloads = [...bytes].map((byte) => reader.push(Buffer.of(byte)))
    expect(payloads.slice(0, -1).every((payload) => payload === undefined)).toBe(true)
    expect(payloads.at(-1)?.toString()).toBe('Version=1\n')
  })

  it('may lack its NUL, as the C daemon lets it', () => {
    expect(new FrameReader().push(Buffer.from([0, 0, 0, 1, 0x61]))?.toString()).toBe('a')
  })

  it.each([
    ['of no bytes', [0, 0, 0, 0]],
    ['of four gigabytes', [0xff, 0xff, 0xff, 0xff]],
    ['of one byte more than is taken', [0, 0, (MAX_PAYLOAD_BYTES + 1) >> 8, 1]],
    ['with a byte behind it', [0, 0, 0, 1, 0x61, 0x62]],
  ])('is refused as soon as its length is known: %s', (_what, bytes) => {
    expect(failureOf(() => new FrameReader().push(Buffer.from(bytes)))).toMatchObject({
      code: 'JOB_REQUEST_REFUSED',
      data: { jobCode: JOB_CODES.PARSE_ERROR },
    })
  })
})
