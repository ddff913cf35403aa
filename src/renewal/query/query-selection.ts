/**
 * Which registrations a caller of `query*`, `env` and `renew` means. Pure: the same rules hold on
 * the quick path, which reads one line of the registry, and everywhere else.
 */
import { printable, VoboxError } from '../../errors.js'
import { isRegisteredAs } from '../../registry/registered-name.js'
import type { Registration } from '../../registry/registration.js'

/** What the caller gave. */
export interface Wanted {
  /** VO whose registry is asked; for the messages. */
  vo: string
  /** Identity DN in either one-line form, `all`, or absent: whoever the login proxy is. */
  dn?: string | undefined
  /**
   * For what removes rather than shows: somebody else's registration never stands in, and one person's
   * several, which differ in their attributes, are not all meant by the DN alone.
   */
  ownOnly?: boolean | undefined
  /** Plain ones alone. */
  noVoms?: boolean | undefined
  /**
   * `VO` or `VO:FQAN` values, one of which a registration must carry; none: any. Of one person's
   * several, those that one of them names are meant: the first attribute is their name.
   */
  voms: readonly string[]
}

/** What of a registration decides whether it is meant. */
export type Selectable = Pick<Registration, 'identity' | 'identityDer' | 'voms'>

/** The value of `--dn` that stands for every registration. */
export const EVERY_DN = 'all'

/**
 * The registrations that are meant, in the order of the registry.
 *
 * `--dn all` may find nothing. Without `--dn` it is the login proxy's identity or, where that is
 * not registered and it may be somebody else's, the only registration there is.
 *
 * @param login DER of the login proxy's identity in base64; undefined when there is no such proxy.
 * @throws VoboxError `USAGE` for a DN that is empty; `NOT_REGISTERED`, or `REGISTRATION_AMBIGUOUS` when there are several and
 *   neither `--dn` nor a login proxy tells which.
 */
export function selectRegistrations<R extends Selectable>(
  registrations: Iterable<R>,
  wanted: Wanted,
  login: string | undefined,
): R[] {
  // What a script makes of a variable that is not set must not mean somebody.
  if (wanted.dn === '') throw new VoboxError('USAGE', '--dn is empty', { data: { option: 'dn' } })
  const candidates = [...registrations].filter((one) => isWanted(one, wanted))
  if (wanted.dn === EVERY_DN) return candidates
  const { dn } = wanted
  const ofPerson = candidates.filter((one) =>
    dn === undefined ? one.identityDer === login : one.identity === dn,
  )
  const chosen = namedBy(wanted, ofPerson)
  if (chosen.length > 1 && wanted.ownOnly) throw whichOf(chosen, wanted)
  if (chosen.length > 0) return chosen
  if (dn !== undefined) return bySpelling(candidates, dn, wanted)
  if (candidates.length === 1 && !wanted.ownOnly) return candidates
  throw notFound(wanted, candidates.length, login !== undefined)
}

/**
 * Job proxies of whoever is meant, in their order; finding none is no error, for they stand beside
 * the registrations.
 *
 * @param login as in {@link selectRegistrations}.
 */
export function selectJobProxies<R extends Selectable>(
  proxies: readonly R[],
  wanted: Wanted,
  login: string | undefined,
): R[] {
  const { dn } = wanted
  return proxies.filter((one) => {
    if (!isWanted(one, wanted)) return false
    if (dn === undefined) return one.identityDer === login
    return dn === EVERY_DN || isRegisteredAs(one, dn)
  })
}

/** Two identities can have one older form: then it does not say who is meant. */
function bySpelling<R extends Selectable>(candidates: R[], dn: string, wanted: Wanted): R[] {
  const found = candidates.filter((one) => isRegisteredAs(one, dn))
  const identities = [...new Set(found.map(({ identity }) => identity))]
  if (identities.length === 0) throw notFound(wanted, candidates.length, false)
  if (identities.length === 1) {
    const chosen = namedBy(wanted, found)
    if (chosen.length > 1 && wanted.ownOnly) throw whichOf(chosen, wanted)
    return chosen
  }
  throw new VoboxError(
    'REGISTRATION_AMBIGUOUS',
    `${printable(dn)} may be ${identities.map((one) => printable(one)).join(' or ')}`,
    { hint: 'give --dn as query-dn prints it', data: { vo: wanted.vo, dn, identities } },
  )
}

/** The same attribute however it is written: `alice:/alice/Role=NULL` and `alice` are one. */
export function canonicalVoms(value: string): string {
  const [vo = '', ...rest] = value.split(':')
  const fqan = rest
    .join(':')
    .replace(/\/Capability=NULL$/, '')
    .replace(/\/Role=NULL$/, '')
  return fqan === '' || fqan === `/${vo}` ? vo : `${vo}:${fqan}`
}

function isWanted(registration: Selectable, { voms, noVoms }: Wanted): boolean {
  if (noVoms) return registration.voms.length === 0
  if (voms.length === 0) return true
  const carried = new Set(registration.voms.map(canonicalVoms))
  return voms.some((value) => carried.has(canonicalVoms(value)))
}

/**
 * One person's registrations often carry the same groups behind different first attributes, and a
 * script that names one of these must get one file. What removes goes by the first value alone.
 */
function namedBy<R extends Selectable>({ voms, ownOnly }: Wanted, found: R[]): R[] {
  const names = (ownOnly ? voms.slice(0, 1) : voms).map(canonicalVoms)
  const named = found.filter(
    ({ voms: [first] }) => first !== undefined && names.includes(canonicalVoms(first)),
  )
  return named.length > 0 ? named : found
}

function whichOf(found: readonly Selectable[], { vo, dn, voms }: Wanted): VoboxError {
  const shown = found.map((one) => one.voms.map((text) => printable(text)).join(', ') || 'plain')
  return new VoboxError(
    'REGISTRATION_AMBIGUOUS',
    `${printable(found[0]?.identity ?? '')} is registered ${found.length} times: ${shown.join('; ')}`,
    {
      hint: 'say which with --voms and its first attribute, or --no-voms for the plain one',
      data: { vo, dn, voms, candidates: found.length },
    },
  )
}

function notFound(wanted: Wanted, candidates: number, hasLogin: boolean): VoboxError {
  const narrowed =
    wanted.voms.length > 0 ? ` with ${wanted.voms.map((v) => printable(v)).join(' or ')}` : ''
  const data = { vo: wanted.vo, dn: wanted.dn, voms: wanted.voms, candidates }
  if (wanted.dn !== undefined) {
    return new VoboxError(
      'NOT_REGISTERED',
      `${printable(wanted.dn)} is not registered for VO ${wanted.vo}${narrowed}`,
      { hint: `vobox-proxy --vo ${wanted.vo} --dn all query-dn shows who is`, data },
    )
  }
  if (candidates === 0) {
    const message = `nothing is registered for VO ${wanted.vo}${narrowed}`
    return new VoboxError('NOT_REGISTERED', message, { data })
  }
  const choose = { hint: 'say which with --dn DN, or --dn all for every one', data }
  return hasLogin
    ? new VoboxError(
        'NOT_REGISTERED',
        `the login proxy is not registered for VO ${wanted.vo}, ${othersAre(candidates)}`,
        choose,
      )
    : new VoboxError(
        'REGISTRATION_AMBIGUOUS',
        `there is no login proxy, and ${candidates} registrations for VO ${wanted.vo}`,
        choose,
      )
}

const othersAre = (count: number) => (count === 1 ? 'another one is' : `${count} others are`)
