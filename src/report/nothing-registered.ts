/** For people who asked for every registration where there is none; scripts see an empty stdout. */
import { printable } from '../errors.js'

/** @param voms what the registrations were narrowed by; empty: nothing. */
export function nothingRegistered(
  vo: string,
  voms: readonly string[] = [],
): { message: string; hint: string } {
  const narrowed = voms.length === 0 ? '' : ` with ${voms.map((v) => printable(v)).join(' or ')}`
  return {
    message: `nothing is registered for VO ${vo}${narrowed}`,
    hint: `vobox-proxy --vo ${vo} register registers the login proxy in $X509_USER_PROXY`,
  }
}
