import { describe, expect, it } from 'vitest'
import { ERROR_CODES, type ErrorCode, VoboxError } from '../../../src/errors.js'
import { exitStatusOf } from '../../../src/report/exit-status.js'
import { encodeFailure, showFailure } from '../../../src/report/failure.js'

describe('showFailure', () => {
  it('says what failed, and below it what to do', () => {
    const error = new VoboxError('USAGE', 'which VO?', { hint: 'say --vo\nor else' })
    expect(showFailure('vobox-proxy', error)).toBe(
      'vobox-proxy: which VO?\n  say --vo\n  or else\n',
    )
    expect(showFailure('p', new VoboxError('CANCELLED', 'no'))).toBe('p: no\n')
  })

  it('says what its code says to do, where whoever raised it said nothing', () => {
    const error = new VoboxError('FILE_UNWRITABLE', '/x cannot be written')
    const cure = 'df shows whether the disk is full, and ls -ld whose the directory is'
    expect(showFailure('p', error)).toBe(`p: /x cannot be written\n  ${cure}\n`)
    expect(JSON.parse(encodeFailure(error)).error.hint).toBe(cure)
  })

  it('lets no control character of a message or hint through', () => {
    const error = new VoboxError('USAGE', 'a\u001b]0;title\u0007\nb', {
      hint: 'c\u0000\rd\u009b1m',
    })
    expect(showFailure('p', error)).toBe('p: a ]0;title b\n  c d 1m\n')
  })
})

describe('encodeFailure', () => {
  it('is one line of JSON with a version, a code and plain data alone', () => {
    const error = new VoboxError('FILE_UNSAFE', 'no', {
      hint: 'chmod',
      data: { path: '/x', mode: 0o644, vos: ['a', 'b'], key: Buffer.from('secret'), inner: {} },
      cause: new Error('inner'),
    })
    const text = encodeFailure(error)
    expect(text.indexOf('\n')).toBe(text.length - 1)
    expect(JSON.parse(text)).toEqual({
      version: 1,
      error: {
        code: 'FILE_UNSAFE',
        message: 'no',
        hint: 'chmod',
        persistence: 'permanent',
        data: { path: '/x', mode: 0o644, vos: ['a', 'b'] },
      },
    })
  })
})

describe('encodeFailure of servers that cannot be used', () => {
  it('lists each attempt, but for one that holds more than plain values', () => {
    const attempt = { server: 'px:7512', code: 'TLS_FAILED', persistence: 'transient' }
    const dataOf = (attempts: unknown[]) =>
      JSON.parse(
        encodeFailure(new VoboxError('ALL_SERVERS_FAILED', 'none', { data: { attempts } })),
      ).error.data
    expect(dataOf([attempt, attempt])).toEqual({ attempts: [attempt, attempt] })
    expect(dataOf([{ ...attempt, cause: new Error('inner') }])).toEqual({})
    expect(dataOf([Buffer.from('secret')])).toEqual({})
  })
})

describe('exitStatusOf', () => {
  it.each([
    ['USAGE', 2],
    ['VO_NAME_INVALID', 2],
    ['MAIL_ADDRESS_INVALID', 2],
    ['NOT_REGISTERED', 3],
    ['REGISTRATION_AMBIGUOUS', 1],
    ['INTERNAL', 1],
  ] as const)('%s ends with %i', (code, status) => {
    expect(exitStatusOf(code)).toBe(status)
  })

  it('is never 0', () => {
    for (const code of Object.keys(ERROR_CODES)) {
      expect(exitStatusOf(code as ErrorCode)).toBeGreaterThan(0)
    }
  })
})
