/**
 * What a failed handshake means, in words. TLS tells its reasons as alerts (RFC 8446 §6); OpenSSL
 * turns them into codes that tell a person nothing.
 */
import { type Persistence, printable, VoboxError } from '../errors.js'

interface Meaning {
  text: string
  hint?: string
  /** Only where a person must act; default: transient, as a server may be mid-restart. */
  persistence?: Persistence
}

const OUR_CERTIFICATE =
  'Look at the credential that was presented with `vobox-proxy info -f FILE`, and ask whoever runs the server which CAs it trusts'

/** Alerts and local failures by the end of OpenSSL's code (`ERR_SSL_…`). */
const MEANINGS: Readonly<Record<string, Meaning>> = {
  // Alerts about our certificate.
  ALERT_UNKNOWN_CA: {
    text: 'the server does not trust the CA of our certificate',
    hint: OUR_CERTIFICATE,
    persistence: 'permanent',
  },
  ALERT_BAD_CERTIFICATE: { text: 'the server refused our certificate', hint: OUR_CERTIFICATE },
  ALERT_UNSUPPORTED_CERTIFICATE: {
    text: 'the server cannot use a certificate like ours (its key or its purpose)',
    hint: 'The extended key usage of the host certificate must allow client authentication',
    persistence: 'permanent',
  },
  ALERT_CERTIFICATE_REVOKED: {
    text: 'the server says that our certificate is revoked',
    persistence: 'permanent',
  },
  ALERT_CERTIFICATE_EXPIRED: {
    text: 'the server says that our certificate, or the CRL of its CA, has expired',
    hint: OUR_CERTIFICATE,
  },
  ALERT_CERTIFICATE_UNKNOWN: {
    text: 'the server refused our certificate without saying why',
    hint: OUR_CERTIFICATE,
  },
  ALERT_CERTIFICATE_REQUIRED: { text: 'the server wants a certificate and got none' },
  ALERT_ACCESS_DENIED: { text: 'the server denies us access' },
  ALERT_DECRYPT_ERROR: { text: 'the server could not verify our signature' },
  // Alerts about the protocol.
  ALERT_HANDSHAKE_FAILURE: {
    text: 'the server and we have no way of encryption in common',
    persistence: 'permanent',
  },
  ALERT_PROTOCOL_VERSION: {
    text: 'the server does not speak the version of TLS that we offer',
    hint: 'TLS 1.2 is the least we speak; the configuration sets the most (tls_max_version)',
    persistence: 'permanent',
  },
  UNSUPPORTED_PROTOCOL: {
    text: 'the server speaks only versions of TLS that are too old',
    hint: 'TLS 1.2 is the least we speak: the server must be upgraded',
    persistence: 'permanent',
  },
  ALERT_INSUFFICIENT_SECURITY: { text: 'the server finds our keys or ciphers too weak' },
  ALERT_INTERNAL_ERROR: { text: 'the server had an internal error' },
  ALERT_USER_CANCELED: { text: 'the server gave up' },
  // What we find ourselves.
  WRONG_VERSION_NUMBER: { text: 'what answers there does not speak TLS' },
  PACKET_LENGTH_TOO_LONG: { text: 'what answers there does not speak TLS' },
  HTTP_REQUEST: { text: 'what answers there does not speak TLS' },
  EE_KEY_TOO_SMALL: { text: 'its key is too small to be safe', persistence: 'permanent' },
  DH_KEY_TOO_SMALL: { text: 'its key exchange is too weak', persistence: 'permanent' },
}

/** A server that refuses a certificate may close at once, and its alert never arrives. */
export const CLOSED_HINT =
  'Its log says why; often it does not trust the CA of the credential we presented'

const NOT_TLS = 'what answers there does not speak TLS, or not well'

/** The failure of a handshake, or of a read after it (TLS 1.3 refuses our certificate only then). */
export function tlsFailure(label: string, error: Error): VoboxError {
  const { code = '' } = error as NodeJS.ErrnoException
  if (code === 'ECONNRESET' || code === 'EPIPE' || code === 'ECONNABORTED') {
    return new VoboxError('CONNECTION_CLOSED', `${label} cut the connection`, {
      data: { peer: label, errno: code },
      hint: CLOSED_HINT,
      cause: error,
    })
  }
  const suffix = Object.keys(MEANINGS).find((end) => code.endsWith(`_${end}`))
  const { text, hint, persistence }: Meaning =
    MEANINGS[suffix ?? ''] ??
    (code.startsWith('ERR_SSL_')
      ? { text: `${NOT_TLS} (${printable(code.slice(8).toLowerCase(), 80)})` }
      : { text: printable(error.message, 200) })
  return new VoboxError('TLS_FAILED', `no secure connection to ${label}: ${text}`, {
    data: { peer: label, reason: suffix ?? (printable(code, 80) || undefined) },
    hint,
    persistence,
    cause: error,
  })
}
