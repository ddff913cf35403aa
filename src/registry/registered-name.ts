/** Whether a DN that somebody typed is that of a registration. */
import { isVoboxError } from '../errors.js'
import { isNameText, type Name, parseName } from '../x509/name.js'
import type { Registration } from './registration.js'

/**
 * In either one-line form: what OpenSSL 3 shows as `CN=Robot\/x` stands in older scripts, and in what
 * Java tools print, as `CN=Robot/x`.
 */
export function isRegisteredAs(
  { identity, identityDer }: Pick<Registration, 'identity' | 'identityDer'>,
  dn: string,
): boolean {
  if (identity === dn) return true
  // Only a backslash or a multi-valued part makes the two forms differ.
  if (!/[\\+]/.test(identity)) return false
  const name = nameOf(identityDer)
  return name !== undefined && isNameText(name, dn)
}

function nameOf(identityDer: string): Name | undefined {
  try {
    return parseName(Buffer.from(identityDer, 'base64'))
  } catch (error) {
    if (isVoboxError(error, 'ASN1_MALFORMED')) return undefined
    throw error
  }
}
