/**
 * Trust material with a deadline. The directories may lie on a file system of the network that does
 * not answer, and whoever waits for them holds a registration.
 */
import { VoboxError } from '../errors.js'
import { withDeadline } from '../ports/deadline.js'
import type { AttributeRules } from '../voms/verify-attributes.js'
import type { VomsTrust } from '../voms/voms-trust.js'
import type { TrustAnchors } from '../x509/trust-anchors.js'
import type { RenewalContext } from './context.js'

const DEADLINE_MS = 30_000

/** The anchors as they are now. @throws VoboxError `TRUST_ANCHORS_UNREADABLE`. */
export function anchorsNow(
  { clock, anchors }: Pick<RenewalContext, 'clock' | 'anchors'>,
  signal?: AbortSignal,
): Promise<TrustAnchors> {
  const late = () =>
    new VoboxError('TRUST_ANCHORS_UNREADABLE', tooLate('the directory of trust anchors'), {
      hint: 'Look at the file system that trust.directory (X509_CERT_DIR) is on',
      data: { deadlineMs: DEADLINE_MS },
    })
  return withDeadline(clock, DEADLINE_MS, signal, late, anchors)
}

/** The `vomsdir` as it is now. @throws VoboxError `VOMS_TRUST_MISSING`, transient. */
export function vomsTrustNow(
  { clock, vomsTrust }: Pick<RenewalContext, 'clock' | 'vomsTrust'>,
  signal?: AbortSignal,
): Promise<VomsTrust> {
  const late = () =>
    new VoboxError('VOMS_TRUST_MISSING', tooLate('the vomsdir'), {
      hint: 'Look at the file system that voms.directory (X509_VOMS_DIR) is on',
      data: { deadlineMs: DEADLINE_MS },
      persistence: 'transient',
    })
  return withDeadline(clock, DEADLINE_MS, signal, late, vomsTrust)
}

/** What attributes are verified against now. @throws VoboxError as the two above. */
export async function attributeRulesNow(
  context: Pick<RenewalContext, 'clock' | 'anchors' | 'vomsTrust' | 'host'>,
  signal?: AbortSignal,
): Promise<AttributeRules> {
  const { clock, host } = context
  const trust = await vomsTrustNow(context, signal)
  return { trust, anchors: await anchorsNow(context, signal), now: clock.now(), host }
}

const tooLate = (what: string) => `${what} did not answer within ${DEADLINE_MS / 1000} s`
