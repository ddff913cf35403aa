import { describe, expect, it } from 'vitest'
import { tlsFailure } from '../../../src/gsi/tls-failures.js'

const withCode = (code: string, message = 'x') => Object.assign(new Error(message), { code })

describe('tlsFailure', () => {
  it.each([
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'ALERT_UNKNOWN_CA', 'permanent'],
    ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED', 'ALERT_CERTIFICATE_EXPIRED', 'transient'],
    ['ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN', 'ALERT_CERTIFICATE_UNKNOWN', 'transient'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'ALERT_CERTIFICATE_REQUIRED', 'transient'],
    ['ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION', 'ALERT_PROTOCOL_VERSION', 'permanent'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'WRONG_VERSION_NUMBER', 'transient'],
  ])('explains %s', (code, reason, persistence) => {
    const error = tlsFailure('px:7512', withCode(code))
    expect(error.code).toBe('TLS_FAILED')
    expect(error.data).toEqual({ peer: 'px:7512', reason })
    expect(error.persistence).toBe(persistence)
    expect(error.message).toMatch(/^no secure connection to px:7512: \S/)
  })

  it('tells a person whose certificate was refused', () => {
    const error = tlsFailure('px:7512', withCode('ERR_SSL_TLSV1_ALERT_UNKNOWN_CA'))
    expect(error.message).toContain('does not trust the CA of our certificate')
    expect(error.hint).toContain('vobox-proxy info')
  })

  it('keeps the name of a failure that it has no words for', () => {
    const error = tlsFailure('px:7512', withCode('ERR_SSL_BAD_EXTENSION'))
    expect(error.message).toContain('(bad_extension)')
    expect(error.data.reason).toBe('ERR_SSL_BAD_EXTENSION')
  })

  it('shows at most 200 printable characters of an error without a code', () => {
    const error = tlsFailure('px:7512', new Error(`\x1b${'y'.repeat(900)}`))
    expect(error.message.length).toBeLessThan(250)
    expect(error.message).not.toContain('\x1b')
  })

  it.each(['ECONNRESET', 'EPIPE'])('calls %s a closed connection', (code) => {
    const error = tlsFailure('px:7512', withCode(code))
    expect(error.code).toBe('CONNECTION_CLOSED')
    expect(error.data).toEqual({ peer: 'px:7512', errno: code })
  })
})
