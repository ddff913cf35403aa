/** Whether what a VOMS server granted is what it was asked for. Pure; who signed is another matter. */
import type { AttributeCertificate } from './attribute-certificate.js'
import { type Fqan, sameFqan } from './fqan.js'

export type GrantedVerdict =
  | { kind: 'as-asked' }
  /** Some of what was asked for is not there. */
  | { kind: 'less'; missing: Fqan[] }
  /** All is there, in another order, or with something else as the primary FQAN. */
  | { kind: 'disordered'; primary: Fqan | undefined }

/**
 * Compares the FQANs of the attribute certificates, in their order, with those asked for. A server
 * adds groups of its own; they may stand anywhere but first.
 *
 * @param wanted in the order wanted, each once.
 */
export function checkGranted(
  acs: readonly AttributeCertificate[],
  wanted: readonly Fqan[],
): GrantedVerdict {
  const granted = acs.flatMap(({ fqans }) => fqans)
  const isGranted = (fqan: Fqan) => granted.some((one) => sameFqan(one, fqan))
  const missing = wanted.filter((fqan) => !isGranted(fqan))
  if (missing.length > 0) return { kind: 'less', missing }
  const relevant = granted.filter((one) => wanted.some((fqan) => sameFqan(one, fqan)))
  const inOrder = wanted.every((fqan, at) => sameFqan(relevant[at] as Fqan, fqan))
  const [primary] = granted
  const [first] = wanted
  if (inOrder && primary && first && sameFqan(primary, first)) return { kind: 'as-asked' }
  return { kind: 'disordered', primary }
}
