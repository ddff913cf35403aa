/**
 * What a VOMS server's refusal means. The REST form has names for its reasons, the older form puts
 * one number on many of them; so both, and the text, are read here and nowhere else.
 *
 * Numbers and texts are those of Debian's server 2.1.0~rc3, provoked one by one; names and texts of
 * newer servers are from their documents. The order matters: the first that fits is taken.
 */
import { type ErrorCode, type Persistence, printable, VoboxError } from '../errors.js'
import type { VomsRefusal } from './voms-answer.js'

interface Meaning {
  /** Name or number that decides by itself. */
  codes?: readonly string[]
  /** Found in the server's text. */
  text?: RegExp
  code: ErrorCode
  /** For programs: which of the causes behind one code; in `data.reason`. */
  reason: string
  /** What failed, after the server and the VO. */
  says: string
  hint: string
  /** Only where it differs from the code's own. */
  persistence?: Persistence
}

const MEANINGS: readonly Meaning[] = [
  {
    text: /database error|internal (?:server )?error/i,
    code: 'VOMS_REFUSED',
    reason: 'server-trouble',
    says: 'has trouble of its own',
    hint: 'Ask whoever runs the VOMS server when it stays so',
    persistence: 'transient',
  },
  {
    text: /\bAUP\b|acceptable use|usage rules|grid policy/i,
    code: 'VOMS_USER_SUSPENDED',
    reason: 'aup-not-signed',
    says: 'wants the acceptable use policy (AUP) of the VO signed first',
    hint: 'Sign the AUP on the web page of the VO (its VOMS or IAM service), then try again',
  },
  {
    text: /membership.*expired|expired.*membership/i,
    code: 'VOMS_USER_SUSPENDED',
    reason: 'membership-expired',
    says: 'says that the membership in the VO has expired',
    hint: 'Ask the administrators of the VO to extend it',
  },
  {
    text: /certificates?\b.*\bexpired|expired\b.*\bcertificate/i,
    code: 'VOMS_REFUSED',
    reason: 'certificate-expired',
    says: 'finds that the certificate has expired',
    hint: 'Renew the user certificate, and add it to the membership on the web page of the VO when its DN changed',
  },
  {
    codes: ['SuspendedUser', '1004'],
    text: /\bsuspended\b|\bis not active\b|\buser is disabled\b/i,
    code: 'VOMS_USER_SUSPENDED',
    reason: 'suspended',
    says: 'has suspended the user',
    hint: 'Ask the administrators of the VO why; often the AUP was not signed, or the membership has expired',
  },
  {
    codes: ['NoSuchUser'],
    text: /user unknown to this vo|no such user|not a member/i,
    code: 'VOMS_NO_SUCH_USER',
    reason: 'unknown-user',
    says: 'does not know this user',
    hint: 'Join the VO, or add the DN of this certificate to the membership on the web page of the VO',
  },
  {
    codes: ['NoSuchAttribute'],
    text: /unable to satisfy|not (?:authorized|authorised|allowed) to request|no such attribute/i,
    code: 'VOMS_ATTRIBUTE_NOT_GRANTED',
    reason: 'refused',
    says: 'does not grant what was asked for',
    hint: 'Ask the administrators of the VO for it, or ask for less',
  },
  {
    codes: ['InternalError', 'EndpointDisabled'],
    text: /endpoint is disabled/i,
    code: 'VOMS_REFUSED',
    reason: 'server-trouble',
    says: 'cannot answer now',
    hint: 'Ask whoever runs the VOMS server when it stays so',
    persistence: 'transient',
  },
]

/** Most telling first: what one server knows of a user says more than that another knows nothing. */
const BY_WEIGHT: readonly ErrorCode[] = [
  'VOMS_USER_SUSPENDED',
  'VOMS_ATTRIBUTE_NOT_GRANTED',
  'VOMS_NO_SUCH_USER',
  'VOMS_REFUSED',
]

/** Who was asked, for whom, for what; goes into the message and `data`. */
export interface RefusedQuestion {
  /** `host:port (address)`. */
  label: string
  vo: string
  /** Identity DN that we came with. */
  identity: string
  /** What was asked for, in their short form. */
  fqans: readonly string[]
}

/**
 * The error for a refusal. The server's own words are in the message and in `data.serverText`, its
 * code in `data.serverCode`.
 */
export function vomsRefusal(
  question: RefusedQuestion,
  refusals: readonly VomsRefusal[],
): VoboxError {
  const { label, ...data } = question
  const serverText = printable(
    refusals
      .map(({ text }) => text.trim())
      .filter((text) => text !== '')
      .join('; '),
  )
  const serverCode = printable(refusals[0]?.code ?? '', 100)
  const said = serverText || serverCode
  const meaning = MEANINGS.find(({ text }) => text?.test(serverText)) ?? byCode(refusals)
  const facts = { ...data, peer: label, serverText, serverCode }
  if (meaning === undefined) {
    const words = said === '' ? 'without saying why' : `"${said}"`
    return new VoboxError('VOMS_REFUSED', `VO ${data.vo}: ${label} refused: ${words}`, {
      data: { ...facts, reason: 'unknown' },
      hint: 'Ask the administrators of the VO, with these words of the server',
    })
  }
  const { code, reason, says, hint, persistence } = meaning
  const asked = code === 'VOMS_ATTRIBUTE_NOT_GRANTED' ? ` (${data.fqans.join(', ')})` : ''
  const words = said === '' ? '' : `; it says: "${said}"`
  return new VoboxError(code, `VO ${data.vo}: ${label} ${says}${asked}${words}`, {
    data: { ...facts, reason },
    hint: code === 'VOMS_NO_SUCH_USER' ? `${hint} (${data.identity})` : hint,
    persistence,
  })
}

function byCode(refusals: readonly VomsRefusal[]): Meaning | undefined {
  return MEANINGS.find(({ codes }) => refusals.some(({ code }) => codes?.includes(code)))
}

/** The refusal that tells a person most; undefined when there is none among `errors`. */
export function mostTelling(errors: readonly VoboxError[]): VoboxError | undefined {
  const weight = ({ code, persistence }: VoboxError) =>
    BY_WEIGHT.indexOf(code) + (persistence === 'transient' ? BY_WEIGHT.length : 0)
  return errors
    .filter(({ code }) => BY_WEIGHT.includes(code))
    .toSorted((a, b) => weight(a) - weight(b))[0]
}
