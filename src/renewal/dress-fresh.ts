/**
 * A fresh proxy gets the registered VOMS attributes before it is accepted.
 *
 * The plain one was judged before: what a MyProxy server sent must not be shown to a VOMS server as
 * ours unless it is. What fails from here on is the other half of a renewal, and is marked as such.
 */
import { isVoboxError, toVoboxError, VoboxError } from '../errors.js'
import type { Credential } from '../proxy/credential.js'
import type { Registration } from '../registry/registration.js'
import { showAttributeRequest } from '../voms/attribute-request.js'
import { type Acceptance, type AcceptanceRules, acceptProxy } from './accept-proxy.js'
import type { RenewalContext } from './context.js'
import { requestsOf } from './registered-attributes.js'
import { attributeRulesNow } from './trust-now.js'

/** A fresh proxy that may replace the old one. */
export interface FreshProxy {
  credential: Credential
  acceptance: Acceptance
  /** Registered attributes that it goes without; only where the registration allows that. */
  missing: readonly string[]
}

/**
 * The proxy with its attributes, verified; of a plain registration as it is, and so is one that is
 * not worth it.
 *
 * @throws VoboxError what `dressProxy` and `acceptProxy` say, with `data.stage` `attributes`.
 */
export async function dressFresh(
  context: RenewalContext,
  { voms, allowPartial }: Pick<Registration, 'voms' | 'allowPartial'>,
  plain: { credential: Credential; acceptance: Acceptance },
  rules: AcceptanceRules,
  signal?: AbortSignal,
): Promise<FreshProxy> {
  if (voms.length === 0 || plain.acceptance.verdict === 'capped') return { ...plain, missing: [] }
  try {
    const wanted = requestsOf(voms)
    const { credential, missing, warnings } = await context.attributes.dress({
      credential: plain.credential,
      requests: wanted,
      lifetimeSeconds: plain.acceptance.chainSeconds,
      allowPartial,
      ...(signal && { signal }),
    })
    for (const { kind, vo, message } of warnings) {
      context.journal.write('info', 'voms-warning', message, { kind, vo })
    }
    const requests = wanted.filter((one) => !missing.includes(one))
    const against = await attributeRulesNow(context, signal)
    const attributes = { requests, rules: against }
    const judged = acceptProxy(credential, { ...rules, now: against.now, attributes })
    const { chainSeconds, storedEnd } = plain.acceptance
    return {
      credential,
      acceptance: { ...judged, chainSeconds, storedEnd },
      missing: missing.map(showAttributeRequest),
    }
  } catch (error) {
    signal?.throwIfAborted()
    throw ofAttributes(toVoboxError(error))
  }
}

/** Whether the MyProxy server did its part before this failed. */
export function isOfAttributes(error: unknown): error is VoboxError {
  return isVoboxError(error) && error.data.stage === 'attributes'
}

function ofAttributes({ code, message, hint, data, persistence, cause }: VoboxError): VoboxError {
  return new VoboxError(code, `VOMS attributes: ${message}`, {
    hint,
    data: { ...data, stage: 'attributes' },
    persistence,
    cause,
  })
}
