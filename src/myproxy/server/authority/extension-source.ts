/** What extensions an issued certificate has: the usual ones, those of a file, or of a program. */
import type { KeyObject } from 'node:crypto'
import { OID } from '../../../asn1/oids.js'
import {
  type CertificateExtension,
  encodeBasicConstraints,
  encodeExtendedKeyUsage,
  encodeKeyUsage,
  encodeSubjectKeyIdentifier,
} from '../../../x509/extensions.js'
import { type Asked, asArgument, askProgram } from './call-out-text.js'
import { unknownUsername } from './certificate-authority.js'
import { compileExtensions } from './compile-extensions.js'
import { parseExtensionText } from './extension-text.js'
import type { ExtensionSubject } from './known-extensions.js'

export interface ExtensionSource {
  extensionsFor(
    username: string,
    about: ExtensionSubject,
    signal: AbortSignal,
  ): Promise<CertificateExtension[]>
}

/** Those of the C server, in its order; an EC key enciphers nothing (RFC 8813 §3). */
export const usualExtensions: ExtensionSource = {
  async extensionsFor(_username, { publicKey }) {
    return [
      encodeKeyUsage(usagesOf(publicKey)),
      encodeExtendedKeyUsage([OID.clientAuth]),
      encodeBasicConstraints({ ca: false }),
      encodeSubjectKeyIdentifier(publicKey),
    ]
  },
}

function usagesOf({ asymmetricKeyType }: KeyObject) {
  if (asymmetricKeyType !== 'rsa') return ['digitalSignature'] as const
  return ['digitalSignature', 'keyEncipherment', 'dataEncipherment'] as const
}

/**
 * `certificate_extfile`, as it was when the configuration was read.
 *
 * @param about anything: to find mistakes now.
 * @throws `CONFIG_INVALID` with `data.path` and `data.line`.
 */
export function extensionsOfFile(
  text: string,
  path: string,
  about: ExtensionSubject,
): ExtensionSource & { oids: readonly string[] } {
  const parsed = parseExtensionText(text, path)
  const compiled = compileExtensions(parsed, path, about)
  return {
    oids: compiled.map(({ oid }) => oid),
    extensionsFor: async (_username, subject) => compileExtensions(parsed, path, subject),
  }
}

/** `certificate_extapp`: given the name as its one argument, it prints such a file. */
export function extensionsOfProgram(asked: Asked): ExtensionSource {
  return {
    async extensionsFor(username, about, signal) {
      const argument = asArgument(username)
      if (argument === undefined) throw unknownUsername(username)
      const text = await askProgram(asked, { arguments: [argument] }, signal)
      return compileExtensions(parseExtensionText(text, asked.program), asked.program, about)
    },
  }
}
