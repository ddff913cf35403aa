/** What a caller asks for, checked and made ready for either form of a request. */
import { isIP } from 'node:net'
import { VoboxError } from '../errors.js'
import { type AttributeRequest, showAttributeRequest } from './attribute-request.js'
import { type Fqan, sameFqan, voOfFqan } from './fqan.js'

/** What is asked of each server of a VO. Its texts can be written into either form as they are. */
export interface VomsQuestion {
  vo: string
  /** In the order wanted, each once; at least one. */
  fqans: readonly Fqan[]
  lifetimeSeconds: number
  /** Hosts that alone may use the answer. */
  targets: readonly string[]
}

/** More than anybody has; the classic server reads a request line of 2 kB or so. */
const MAX_FQANS = 64

/**
 * Checks what is asked for; a request without an FQAN is for the group of the VO itself.
 *
 * @throws VoboxError `FQAN_INVALID` for an FQAN of another VO; a `TypeError` for what no caller
 *   should pass.
 */
export function makeQuestion(
  vo: string,
  requests: readonly AttributeRequest[],
  {
    lifetimeSeconds,
    targets = [],
  }: { lifetimeSeconds: number; targets?: readonly string[] | undefined },
): VomsQuestion {
  if (requests.length === 0) throw new TypeError('nothing to ask for')
  if (!Number.isSafeInteger(lifetimeSeconds) || lifetimeSeconds < 1) {
    throw new TypeError('a lifetime is a positive number of seconds')
  }
  if (!targets.every((target) => /^[A-Za-z0-9.-]{1,253}$/.test(target) || isIP(target) !== 0)) {
    throw new TypeError('targets are host names')
  }
  const fqans: Fqan[] = []
  for (const request of requests) {
    const fqan = request.fqan ?? { group: `/${vo}` }
    if (voOfFqan(fqan) !== vo || fqan.capability !== undefined) throw cannotAsk(request, vo)
    if (!fqans.some((one) => sameFqan(one, fqan))) fqans.push(fqan)
  }
  if (fqans.length > MAX_FQANS) throw new TypeError(`more than ${MAX_FQANS} FQANs`)
  return { vo, fqans, lifetimeSeconds, targets }
}

function cannotAsk(request: AttributeRequest, vo: string): VoboxError {
  const shown = showAttributeRequest(request)
  return new VoboxError('FQAN_INVALID', `${shown} is nothing that VO ${vo} can grant`, {
    data: { request: shown, vo },
    hint: `An FQAN of this VO is /${vo}, /${vo}/group or /${vo}/group/Role=role`,
  })
}
