/**
 * Which registration a login proxy belongs to: a new one, the one that exists for its identity, or
 * one of another DN that it replaces because the user's DN changed. Pure.
 *
 * A file keeps its name for ever, since services have it hard-coded. So a registration that was
 * carried over is found by its identity, and not by the name that this identity would get today.
 */
import { printable, VoboxError } from '../../errors.js'
import { quoteShell } from '../../registry/cure-commands.js'
import { isRegisteredAs } from '../../registry/registered-name.js'
import type { Registration } from '../../registry/registration.js'
import { proxyFileName } from '../../repository/proxy-file-name.js'
import { canonicalVoms } from '../query/query-selection.js'

export interface Subject {
  /** One-line form. */
  identity: string
  /** DER in base64: what counts. */
  identityDer: string
  /** Attributes as they will be registered. */
  voms: readonly string[]
  /** The first of them as the caller wrote it; default: as it is registered. */
  nameAs?: string | undefined
}

export interface Place {
  fileName: string
  /** What is there now. */
  before: Registration | undefined
  outcome: 'registered' | 'updated' | 'replaced'
}

/**
 * @param replaces DN, in either one-line form, of the registration to take over.
 * @throws VoboxError `NOT_REGISTERED` when nobody of that DN is registered;
 *   `REGISTRATION_AMBIGUOUS` when it cannot be told which registration is meant, or two would be
 *   left for one identity.
 */
export function placeFor(
  registrations: ReadonlyMap<string, Registration>,
  subject: Subject,
  replaces: string | undefined,
): Place {
  const own = find(registrations, subject, ({ identityDer }) => identityDer === subject.identityDer)
  if (replaces === undefined)
    return own === undefined ? newPlace(registrations, subject) : update(own)

  const old = find(registrations, subject, (one) => isRegisteredAs(one, replaces))
  if (old === undefined) {
    // Said twice, the second time finds it done.
    if (own !== undefined) return update(own)
    throw notRegistered(registrations, replaces)
  }
  if (own !== undefined && own.fileName !== old.fileName) throw bothRegistered(own, old)
  return {
    fileName: old.fileName,
    before: old,
    outcome: own === undefined ? 'replaced' : 'updated',
  }
}

const update = (own: Registration): Place => ({
  fileName: own.fileName,
  before: own,
  outcome: 'updated',
})

function newPlace(registrations: ReadonlyMap<string, Registration>, subject: Subject): Place {
  const fileName = proxyFileName(subject.identity, subject.nameAs ?? subject.voms)
  const before = registrations.get(fileName)
  if (before === undefined) return { fileName, before, outcome: 'registered' }
  // One line, other bytes: the CA encodes names differently now, or somebody else's reads the same.
  const old = printable(before.identity)
  throw new VoboxError(
    'REGISTRATION_AMBIGUOUS',
    `${printable(subject.identity)} would get the file of ${old}, whose DN is not the same`,
    {
      hint: `If it is the same person: register --replaces ${quoteShell(old)}`,
      data: { fileName, identity: subject.identity, registered: before.identity },
    },
  )
}

/**
 * Of one identity there may be several registrations, each with VOMS attributes of its own: one for
 * each primary attribute, which is in the name of the file. What else it has may change.
 */
function find(
  registrations: ReadonlyMap<string, Registration>,
  { voms }: Subject,
  matches: (registration: Registration) => boolean,
): Registration | undefined {
  const found = [...registrations.values()].filter(
    (registration) => matches(registration) && samePrimary(registration.voms, voms),
  )
  if (found.length <= 1) return found[0]
  throw new VoboxError(
    'REGISTRATION_AMBIGUOUS',
    `${printable(found[0]?.identity ?? '')} is registered ${found.length} times`,
    {
      hint: 'Unregister those that are not wanted',
      data: { fileNames: found.map(({ fileName }) => fileName) },
    },
  )
}

function samePrimary([one]: readonly string[], [other]: readonly string[]): boolean {
  if (one === undefined || other === undefined) return one === other
  return canonicalVoms(one) === canonicalVoms(other)
}

function notRegistered(
  registrations: ReadonlyMap<string, Registration>,
  replaces: string,
): VoboxError {
  const dns = [...new Set([...registrations.values()].map(({ identity }) => printable(identity)))]
  return new VoboxError('NOT_REGISTERED', `${printable(replaces)} is not registered`, {
    hint:
      dns.length === 0
        ? 'Nobody is: register without --replaces'
        : `Registered are: ${dns.slice(0, 5).join(', ')}${dns.length > 5 ? ', …' : ''}`,
    data: { identity: replaces },
  })
}

function bothRegistered(own: Registration, old: Registration): VoboxError {
  const [ownDn, oldDn] = [printable(own.identity), printable(old.identity)]
  return new VoboxError('REGISTRATION_AMBIGUOUS', `both ${ownDn} and ${oldDn} are registered`, {
    hint: `Unregister one of them first: vobox-proxy unregister --dn ${quoteShell(ownDn)}`,
    data: { fileNames: [own.fileName, old.fileName] },
  })
}
