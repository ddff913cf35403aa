/** Which registrations of an open VO a command is about. */
import { isVoboxError } from '../../errors.js'
import type { JobView } from '../../jobs/job-view.js'
import type { Registration } from '../../registry/registration.js'
import { selectJobProxies, selectRegistrations } from '../../renewal/query/query-selection.js'
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

type Environment = Readonly<Record<string, string | undefined>>

/** @throws VoboxError as `selectRegistrations` does, and what reading the registry says. */
export async function selectFrom(
  vo: VoContext,
  selection: Selection,
  environment: Environment,
): Promise<Registration[]> {
  const registrations = await vo.registry.all()
  const login = await loginOf(vo, selection, environment)
  return selectRegistrations(registrations.values(), wantedOf(vo, selection), login)
}

/**
 * The registrations that are meant, then job proxies of the same people. Who has job proxies alone is
 * found as well.
 *
 * @param jobs absent: no jobs are served.
 * @throws VoboxError as {@link selectFrom} does.
 */
export async function selectWithJobs(
  vo: VoContext,
  jobs: Pick<JobView, 'registrations'> | undefined,
  selection: Selection,
  environment: Environment,
): Promise<Registration[]> {
  if (jobs === undefined) return selectFrom(vo, selection, environment)
  const wanted = wantedOf(vo, selection)
  const login = await loginOf(vo, selection, environment)
  const ofLogin = selectJobProxies(jobs.registrations, wanted, login)
  try {
    const chosen = await selectFrom(vo, selection, environment)
    // The only registration there is stands in for a login proxy.
    const standIn = ofLogin.length === 0 ? chosen[0]?.identityDer : undefined
    const found =
      standIn === undefined ? ofLogin : selectJobProxies(jobs.registrations, wanted, standIn)
    return [...chosen, ...found]
  } catch (error) {
    if (ofLogin.length > 0 && isVoboxError(error, 'NOT_REGISTERED')) return ofLogin
    throw error
  }
}

function wantedOf({ vo }: VoContext, { dn, voms = [], ownOnly, noVoms }: Selection) {
  return { vo, dn, voms, ownOnly, noVoms }
}

/** Asked for only where it decides. */
async function loginOf({ files }: VoContext, { dn }: Selection, environment: Environment) {
  if (dn !== undefined) return undefined
  return loginIdentity(files, placeOfLoginProxy(environment, currentUid()))
}
