/**
 * Which VOMS attributes a registration gets: those that were named, none because none are wanted,
 * those that it has already, or what the login proxy carries. Pure.
 */
import { printable, VoboxError } from '../../errors.js'
import { isRegisteredAs } from '../../registry/registered-name.js'
import type { Registration } from '../../registry/registration.js'
import { parseAttributeRequest, showAttributeRequest } from '../../voms/attribute-request.js'
import type { JudgedAttributes } from '../../voms/verify-attributes.js'
import { attributesToRegister } from '../registered-attributes.js'
import type { LoginProxy } from './register-login-proxy.js'
import type { RegisterRequest } from './register-request.js'

export interface ChosenAttributes {
  /** In order; empty: a plain proxy. */
  voms: readonly string[]
  /** The first as the caller wrote it, which names the file of a new registration. */
  nameAs: string | undefined
}

/**
 * @throws VoboxError `REGISTRATION_INVALID` (`data.field` is `voms`), `FQAN_INVALID`;
 *   `ATTRIBUTES_MISSING` for a plain login proxy that nobody says is meant; where attributes of the
 *   login proxy cannot be believed, the reason.
 */
export function chooseAttributes(
  registrations: ReadonlyMap<string, Registration>,
  login: Pick<LoginProxy, 'attributes' | 'identityDer'>,
  { voms, noVoms, replaces }: Pick<RegisterRequest, 'voms' | 'noVoms' | 'replaces'>,
): ChosenAttributes {
  if (voms !== undefined && voms.length > 0) {
    if (noVoms) throw bothSaid()
    const texts = voms.map((one) => showAttributeRequest(parseAttributeRequest(one)))
    return { voms: [...new Set(texts)], nameAs: voms[0] }
  }
  if (noVoms) return named([])
  if (replaces !== undefined) {
    const old = [...registrations.values()].filter((one) => isRegisteredAs(one, replaces))
    if (old.length === 1 && old[0] !== undefined) return named(old[0].voms)
  }
  const problem = login.attributes.find((one) => 'problem' in one)
  if (problem !== undefined) throw notBelieved(problem.problem)
  const carried = attributesToRegister(login.attributes.flatMap(verifiedOf))
  if (carried.length > 0) return named([...new Set(carried)])
  const own = [...registrations.values()].filter(
    ({ identityDer }) => identityDer === login.identityDer,
  )
  const [only, another] = own
  if (only !== undefined && another === undefined) return named(only.voms)
  throw attributesMissing(own)
}

const named = (voms: readonly string[]): ChosenAttributes => ({ voms, nameAs: voms[0] })

const verifiedOf = (one: JudgedAttributes) => ('verified' in one ? [one.verified] : [])

function bothSaid(): VoboxError {
  return new VoboxError('REGISTRATION_INVALID', '--voms and --no-voms exclude each other', {
    hint: 'Name the attributes with --voms, or say with --no-voms that none are wanted',
    data: { field: 'voms', reason: 'with and without' },
  })
}

function notBelieved({ code, message, hint, data, persistence }: VoboxError): VoboxError {
  // A line of its own: a hint may end in what is to be copied into a file.
  const cure = 'Name the attributes with --voms VO:FQAN; or --no-voms, if a plain proxy is meant'
  return new VoboxError(
    code,
    `the VOMS attributes of the login proxy cannot be believed: ${message}`,
    { hint: hint === undefined ? cure : `${hint}\n${cure}`, data, persistence },
  )
}

function attributesMissing(own: readonly Registration[]): VoboxError {
  const known = own.map(({ voms }) => voms.map((one) => printable(one)).join(', ') || 'plain')
  const registered =
    known.length === 0 ? '' : `, and is registered ${known.length} times (${known.join('; ')})`
  return new VoboxError(
    'ATTRIBUTES_MISSING',
    `the login proxy carries no VOMS attributes${registered}`,
    {
      hint:
        'Name them, and they are fetched: --voms VO:FQAN, e.g. --voms alice:/alice/Role=lcgadmin; ' +
        'or --no-voms, if a plain proxy is meant',
      data: { registered: own.map(({ fileName }) => fileName) },
    },
  )
}
