/**
 * Whether a proxy that a workload manager hands over is taken, and what it is worth. Pure.
 *
 * The C daemon looked at nothing: a forged proxy with the right name and a later end replaced the good
 * one. Here it is judged as a login proxy is, against the service's own trust; and an attribute that
 * nobody vouches for is no attribute, or it would open another job's file.
 */
import { cureOf, type ErrorCode, isVoboxError, type VoboxError } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import type { Credential } from '../proxy/credential.js'
import { attributesToRegister } from '../renewal/registered-attributes.js'
import { judgeLoginProxy, type LoginRules } from '../renewal/registering/register-login-proxy.js'
import type { AttributeRules } from '../voms/verify-attributes.js'
import type { JobProxyWorth } from './job-proxy.js'
import { JOB_CODES } from './protocol/codes.js'
import { jobRefusal } from './protocol/refusal.js'

/** Of those that end too soon. */
const LONGER =
  'Submit with a proxy that lives longer; limits.refuse_below_seconds is what is needed'

/** Whose file it is differs from that of a command. */
const FILE_CURES: Readonly<Partial<Record<ErrorCode, string>>> = {
  FILE_MISSING: 'A job registers before its sandbox is removed: see whether the path is right',
  FILE_UNREADABLE: 'Hand over a file that the VO admin owns and can read',
}

export interface AdmissionRules extends Omit<LoginRules, 'allowLimited' | 'attributes'> {
  attributes: AttributeRules
}

export interface AdmittedProxy {
  worth: Omit<JobProxyWorth, 'server'>
  /** Earliest end of chain and attributes. */
  end: UnixSeconds
}

/**
 * @throws a refusal: `PROXY_EXPIRED` for one that has expired or has less left than
 *   `limits.refuse_below_seconds`, `GENERIC` for one that is not trusted, not understood, no proxy, or
 *   has other rights than its owner's.
 */
export function admitJobProxy(credential: Credential, rules: AdmissionRules): AdmittedProxy {
  const { facts, attributes, end, identityDer } = refusing(() =>
    judgeLoginProxy(credential, { ...rules, allowLimited: true }),
  )
  const verified = attributes.map((one) => {
    if ('verified' in one) return one.verified
    throw asRefusal(one.problem)
  })
  refuseTooShort(end, rules)
  if (facts.kind === undefined || !['inherit-all', 'limited'].includes(facts.policy ?? '')) {
    const why = `a proxy with the policy ${facts.policy} does not speak for its owner`
    const hint = 'Submit with a proxy that has all its rights, or with a limited one'
    throw jobRefusal(JOB_CODES.GENERIC, why, { hint })
  }
  return {
    end,
    worth: {
      identity: facts.identity.oneLine,
      identityDer,
      voms: attributesToRegister(verified),
      kind: facts.kind,
      limited: facts.limited,
    },
  }
}

/** @throws a refusal `PROXY_EXPIRED`. */
export function refuseTooShort(
  end: UnixSeconds,
  { now, config }: Pick<AdmissionRules, 'now' | 'config'>,
): void {
  const leftSeconds = end - now
  const { refuseBelowSeconds } = config.limits
  if (leftSeconds >= refuseBelowSeconds) return
  const why = `it ends in ${leftSeconds} s, and ${refuseBelowSeconds} are needed`
  throw jobRefusal(JOB_CODES.PROXY_EXPIRED, why, { hint: LONGER })
}

function refusing<T>(judge: () => T): T {
  try {
    return judge()
  } catch (error) {
    throw isVoboxError(error) ? asRefusal(error) : error
  }
}

/** What the C client is told of a proxy or of its file. */
export function asRefusal(error: VoboxError): VoboxError {
  const expired = ['PROXY_EXPIRED', 'PROXY_LIFE_TOO_SHORT', 'CHAIN_EXPIRED', 'VOMS_AC_EXPIRED']
  const isExpired = expired.includes(error.code)
  const code = isExpired ? JOB_CODES.PROXY_EXPIRED : JOB_CODES.GENERIC
  const hint = isExpired ? LONGER : (error.hint ?? FILE_CURES[error.code] ?? cureOf(error))
  return jobRefusal(code, `${error.code}: ${error.message}`, { cause: error, hint })
}
