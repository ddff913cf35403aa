/** Which registrations of an open VO a command is about. */
import type { Registration } from '../../registry/registration.js'
import { selectRegistrations } from '../../renewal/query/query-selection.js'
import type { VoContext } from './compose.js'
import { currentUid, loginIdentity, placeOfLoginProxy } from './compose-login.js'

export interface Selection {
  /** Identity DN, `all`, or absent: the login proxy's identity or the only registration there is. */
  dn?: string | undefined
  voms?: readonly string[] | undefined
  /** Without `dn`, the login proxy's identity and no other. */
  ownOnly?: boolean | undefined
  /** Plain ones alone. */
  noVoms?: boolean | undefined
}

/** @throws VoboxError as `selectRegistrations` does, and what reading the registry says. */
export async function selectFrom(
  vo: VoContext,
  { dn, voms = [], ownOnly, noVoms }: Selection,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<Registration[]> {
  const registrations = await vo.registry.all()
  const login =
    dn === undefined
      ? await loginIdentity(vo.files, placeOfLoginProxy(environment, currentUid()))
      : undefined
  const wanted = { vo: vo.vo, dn, voms, ownOnly, noVoms }
  return selectRegistrations(registrations.values(), wanted, login)
}
