/** Which FQANs are to come first, for callers who say so apart from what they ask for. Pure. */
import type { AttributeRequest } from './attribute-request.js'
import { type Fqan, sameFqan, voOfFqan } from './fqan.js'

/**
 * The requests with those for `first` in front, in that order.
 *
 * Servers give groups besides what they are asked for, behind it: an FQAN that no request names is
 * therefore asked for, of the VO it belongs to. Where no request is to that VO it has no effect.
 */
export function orderRequests(
  requests: readonly AttributeRequest[],
  first: readonly Fqan[],
): AttributeRequest[] {
  const ordered = first.flatMap((fqan) => {
    const named = requests.find((request) => request.fqan && sameFqan(request.fqan, fqan))
    if (named !== undefined) return [named]
    const sameVo = requests.find((request) => voOf(request) === voOfFqan(fqan))
    return sameVo === undefined ? [] : [{ vo: sameVo.vo, fqan }]
  })
  return [...ordered, ...requests.filter((request) => !ordered.includes(request))]
}

/** An alias may differ from the VO; an FQAN does not. */
function voOf({ vo, fqan }: AttributeRequest): string {
  return fqan === undefined ? vo : voOfFqan(fqan)
}
