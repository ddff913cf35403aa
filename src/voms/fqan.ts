/**
 * Fully qualified attribute names: `/vo/group/Role=role/Capability=capability` (OGF GFD.182 §3.4).
 *
 * `Role=NULL` and `Capability=NULL` say that there is none. Servers write them or not, as they are
 * configured, so an FQAN is compared by what it means and never as text.
 */
import { printable, VoboxError } from '../errors.js'

export interface Fqan {
  /** All groups from the VO down, e.g. `/alice/team`. */
  readonly group: string
  readonly role?: string
  /** Out of use for years; still part of the name. */
  readonly capability?: string
}

/** Longest text accepted, in characters; the databases behind VOMS hold 255 for group and role each. */
const MAX_LENGTH = 600

const FQAN = /^((?:\/[\w.-]+)+)(?:\/Role=([\w.-]+))?(?:\/Capability=([\w .-]+))?$/

/** How the absence of a role or capability is written. */
const NONE = 'NULL'

/**
 * Reads an FQAN with or without its `NULL` parts.
 *
 * @throws VoboxError `FQAN_INVALID`, `data.fqan` is the text.
 */
export function parseFqan(text: string): Fqan {
  const [, group, role, capability] = text.length > MAX_LENGTH ? [] : (FQAN.exec(text) ?? [])
  if (group === undefined) {
    throw new VoboxError('FQAN_INVALID', `'${printable(text, 100)}' is not an FQAN`, {
      hint: 'an FQAN looks like /vo, /vo/group or /vo/group/Role=role',
      data: { fqan: printable(text) },
    })
  }
  return {
    group,
    ...(isGiven(role) && { role }),
    ...(isGiven(capability) && { capability }),
  }
}

/** As short as it goes: `/alice/Role=lcgadmin`. */
export function showFqan({ group, role, capability }: Fqan): string {
  const rolePart = isGiven(role) ? `/Role=${role}` : ''
  return group + rolePart + (isGiven(capability) ? `/Capability=${capability}` : '')
}

/** With all its parts, as the C and the Java tools print it: `/alice/Role=NULL/Capability=NULL`. */
export function showFullFqan({ group, role = NONE, capability = NONE }: Fqan): string {
  return `${group}/Role=${role}/Capability=${capability}`
}

/** Whether both mean the same; a part that is absent and one that is `NULL` are. */
export function sameFqan(a: Fqan, b: Fqan): boolean {
  return showFqan(a) === showFqan(b)
}

/** The VO that an FQAN belongs to: its first group. */
export function voOfFqan({ group }: Fqan): string {
  return group.split('/', 2)[1] ?? ''
}

function isGiven(part: string | undefined): part is string {
  return part !== undefined && part !== NONE
}
