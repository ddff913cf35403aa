/** What OpenSSL is told before a handshake: versions, and the credential that is presented. */
import { constants } from 'node:crypto'
import { createSecureContext, type SecureContext, type SecureContextOptions } from 'node:tls'
import { printable, VoboxError } from '../errors.js'
import type { Credential } from '../proxy/credential.js'
import { encodePem } from '../x509/pem.js'
import { encodePrivateKey } from '../x509/private-key.js'
import type { GsiContext } from './context.js'

type TlsVersion = GsiContext['tlsMaxVersion']

/** Stands for "no credential" in the table below. */
const ANONYMOUS = {}

const secureContexts = new WeakMap<object, Map<TlsVersion, SecureContext>>()

/**
 * What Node makes of a credential, kept as long as the credential: parsing and checking the key costs
 * more than the rest of a renewal, and the machine proxy is presented thousands of times.
 *
 * @param credential undefined: none is presented, whatever the server asks for.
 * @throws VoboxError `KEY_TOO_WEAK`, or `PROXY_KEY_MISMATCH`, for a credential that OpenSSL does not
 *   take.
 */
export function secureContextFor(
  credential: Credential | undefined,
  maxVersion: TlsVersion,
): SecureContext {
  const owner = credential ?? ANONYMOUS
  const byVersion = secureContexts.get(owner) ?? new Map<TlsVersion, SecureContext>()
  secureContexts.set(owner, byVersion)
  const known = byVersion.get(maxVersion)
  if (known !== undefined) return known
  const made = credential === undefined ? anonymous(maxVersion) : presenting(credential, maxVersion)
  byVersion.set(maxVersion, made)
  return made
}

function anonymous(maxVersion: TlsVersion): SecureContext {
  return createSecureContext(common(maxVersion))
}

function presenting(credential: Credential, maxVersion: TlsVersion): SecureContext {
  try {
    return createSecureContext({
      ...common(maxVersion),
      cert: credential.chain.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
      key: encodePrivateKey(credential.privateKey),
    })
  } catch (cause) {
    const subject = credential.chain[0]?.subject.oneLine ?? 'nobody'
    const { code = '', message } = cause as NodeJS.ErrnoException
    throw new VoboxError(
      code.endsWith('KEY_VALUES_MISMATCH') ? 'PROXY_KEY_MISMATCH' : 'KEY_TOO_WEAK',
      `the credential of ${subject} cannot be used for TLS: ${printable(message, 200)}`,
      {
        data: { subject, reason: code },
        hint: 'Make it anew, with RSA of 2048 bits or P-256',
        cause,
      },
    )
  }
}

/** No CA: the peer's chain is judged by us, after the handshake. */
function common(maxVersion: TlsVersion): SecureContextOptions {
  return {
    ca: [],
    minVersion: 'TLSv1.2',
    maxVersion,
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  }
}
