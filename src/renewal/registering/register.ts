/**
 * Registering a login proxy, read top to bottom: judge the file, find its place, make sure that it
 * can be renewed, then write.
 *
 * Nothing is written before everything has been checked. The proxy goes first and the registration
 * second: a file without a registration is harmless and replaced by the next attempt, while a
 * registration without a file would raise an alarm. Where the second step fails, the first is
 * undone.
 */
import { printable, toVoboxError, VoboxError } from '../../errors.js'
import type { UnixSeconds } from '../../ports/clock.js'
import type { Registration, RegistrationState } from '../../registry/registration.js'
import type { FreshProxy } from '../dress-fresh.js'
import { instant } from '../events.js'
import { type Place, placeFor } from './carry-over.js'
import { checkStoredCredential } from './check-stored-credential.js'
import { chooseAttributes } from './register-attributes.js'
import { type LoginProxy, loginWarnings, readLoginProxy } from './register-login-proxy.js'
import type {
  RegisterContext,
  RegisterRequest,
  RegisterResult,
  RegisterWarning,
  StoredCredentialCheck,
} from './register-request.js'
import { buildRegistration } from './register-settings.js'
import { snapshotOf } from './register-undo.js'
import { oldProxyWorthKeeping, proxyToStore } from './which-proxy.js'

export type {
  RegisterContext,
  RegisterRequest,
  RegisterResult,
  RegisterWarning,
  StoredCredentialCheck,
} from './register-request.js'

/** How long a renewal that is under way may hold us up. */
const LEASE_DEADLINE_MS = 60_000

/**
 * Registers, updates or carries over.
 *
 * @throws VoboxError what `readLoginProxy`, `chooseAttributes`, `placeFor`, `buildRegistration` and
 *   `checkStoredCredential` name; `PROXY_LIMITED` when it would replace a full proxy;
 *   `FILE_UNWRITABLE`; `LOCK_TIMEOUT`. Nothing has changed then.
 */
export async function registerProxy(
  context: RegisterContext,
  request: RegisterRequest,
): Promise<RegisterResult> {
  const { registry, repository } = context
  const login = await readLoginProxy(context, request)
  const planned = await findPlace(context, login, request)
  const draft = draftFor(context, planned, login, request)
  await repository.probeWritable()
  if (draft.passPhraseFile !== undefined) await context.passPhrases.check(draft.passPhraseFile)
  const checked: Checked = request.noCheck
    ? { warnings: [notChecked] }
    : await checkStoredCredential(context, checkRequest(draft, login, request))

  const lease = await registry.lease(planned.fileName, LEASE_DEADLINE_MS, request.signal)
  try {
    // It may have been registered, unregistered or carried over while we asked the server.
    const place = await findPlace(context, login, request)
    if (place.fileName !== planned.fileName) throw changedMeanwhile(place.fileName)
    const stored = await store(context, { place, login, request, check: checked })
    const about = loginWarnings(login, context.config, context.clock.now())
    const warnings = [...about, ...checked.warnings, ...place.warnings, ...stored.warnings]
    return { ...stored, warnings }
  } finally {
    await lease.release()
  }
}

interface Checked {
  stored?: StoredCredentialCheck
  /** What the trial renewal yielded; with the registered attributes. */
  fresh?: FreshProxy
  warnings: readonly RegisterWarning[]
}

/** Where it goes, and with which attributes. */
interface PlannedPlace extends Place {
  voms: readonly string[]
  warnings: readonly RegisterWarning[]
}

interface Storing {
  place: PlannedPlace
  login: LoginProxy
  request: RegisterRequest
  check: Checked
}

async function store(context: RegisterContext, storing: Storing): Promise<RegisterResult> {
  const { repository, registry } = context
  const { place, check } = storing
  const { fileName } = place
  const old = await snapshotOf(context, fileName)
  const wanted = proxyToStore(storing)
  const kept = await oldProxyWorthKeeping(context, storing, wanted, old.file)
  if (kept === undefined) await repository.replace(fileName, wanted.credential)
  let registration: Registration
  try {
    registration = await updateRegistry(context, storing)
  } catch (error) {
    if (kept === undefined) await old.restore()
    throw error
  }
  await writeState(context, registration, await registry.state(fileName), check.stored)
  const proxyEnd = kept ?? wanted.end
  await context.events.write('registered', {
    dn: registration.identity,
    file: fileName,
    as: place.outcome,
    end: instant(proxyEnd),
  })
  return {
    outcome: place.outcome,
    registration,
    file: repository.path(fileName),
    proxy: kept === undefined ? wanted.from : 'kept',
    proxyEnd,
    ...(check.stored && { stored: check.stored }),
    warnings: kept === undefined ? wanted.warnings : [keptWarning(wanted.end, kept)],
  }
}

/** Settings are merged under the registry's lock, into what is there at that moment. */
async function updateRegistry(
  context: RegisterContext,
  { place, login, request }: Storing,
): Promise<Registration> {
  const { clock, config, registry } = context
  const { fileName } = place
  const change = (current: Registration | undefined) => {
    if (current?.identityDer !== place.before?.identityDer) throw changedMeanwhile(fileName)
    const wished = { ...request, voms: place.voms }
    return buildRegistration(fileName, login, wished, current, config, clock.now())
  }
  const updated = await registry.update(fileName, change, request.signal)
  if (updated === undefined) throw new TypeError('a registry kept nothing of a registration')
  return updated
}

async function findPlace(
  { registry }: RegisterContext,
  login: LoginProxy,
  request: RegisterRequest,
): Promise<PlannedPlace> {
  const registrations = await registry.all()
  const chosen = chooseAttributes(registrations, login, request)
  const { identityDer } = login
  const subject = { identity: login.facts.identity.oneLine, identityDer, ...chosen }
  const place = placeFor(registrations, subject, request.replaces)
  const others = [...registrations.values()].filter(
    (one) => one.identityDer === identityDer && one.fileName !== place.fileName,
  )
  const isNew = place.outcome === 'registered' && others.length > 0
  return { ...place, voms: chosen.voms, warnings: isNew ? [registeredOtherwise(others)] : [] }
}

function draftFor(
  { clock, config }: RegisterContext,
  { fileName, before, voms }: PlannedPlace,
  login: LoginProxy,
  request: RegisterRequest,
): Registration {
  const wished = { ...request, voms }
  return buildRegistration(fileName, login, wished, before, config, clock.now())
}

function checkRequest(registration: Registration, login: LoginProxy, request: RegisterRequest) {
  const { callerName, signal } = request
  return {
    registration,
    login,
    ...(callerName !== undefined && { callerName }),
    ...(signal && { signal }),
  }
}

/**
 * Whatever went wrong before is forgotten, so that the service tries at once. Losing it is
 * harmless.
 */
async function writeState(
  { clock, journal, registry }: RegisterContext,
  { fileName, lifetimeSeconds: askedSeconds }: Registration,
  { renewedAt, renewedFrom, storedEnd }: RegistrationState,
  stored: StoredCredentialCheck | undefined,
): Promise<void> {
  const state: RegistrationState = { failures: 0 }
  if (renewedAt !== undefined) state.renewedAt = renewedAt
  if (renewedFrom !== undefined) state.renewedFrom = renewedFrom
  if (stored !== undefined) {
    const { end: at, from, server, infoFailure } = stored
    state.storedEnd = { at, learnedAt: clock.now(), from, server }
    if (infoFailure !== undefined) state.infoFailure = infoFailure
    const { grantedSeconds, shortGrant: limit, missingAttributes } = stored
    if (missingAttributes !== undefined) state.missingAttributes = missingAttributes
    if (limit !== undefined) state.shortGrant = { askedSeconds, grantedSeconds, limit }
  } else if (storedEnd !== undefined) state.storedEnd = storedEnd
  try {
    await registry.writeState(fileName, state)
  } catch (error) {
    const { code, message } = toVoboxError(error)
    journal.write('warn', 'state-unwritable', message, { code, file: fileName })
  }
}

const notChecked: RegisterWarning = {
  code: 'not-checked',
  message: 'the MyProxy server was not asked whether this proxy can be renewed',
}

function keptWarning(end: UnixSeconds, keptEnd: UnixSeconds): RegisterWarning {
  return {
    code: 'stored-proxy-kept',
    message:
      'the proxy in the repository lives longer than this one and is kept; settings are updated',
    hint: 'Replace it all the same with --force',
    data: { keptEnd, loginEnd: end },
  }
}

/** Each has a file of its own: what was meant as a change would leave the other one behind. */
function registeredOtherwise(others: readonly Registration[]): RegisterWarning {
  const shown = others.map(({ voms }) => voms.map((one) => printable(one)).join(', ') || 'plain')
  return {
    code: 'registered-otherwise',
    message: `the same person is also registered with other attributes (${shown.join('; ')}), which goes on`,
    hint: 'vobox-proxy unregister ends it, with --voms VO:FQAN or --no-voms to say which',
    data: { fileNames: others.map(({ fileName }) => fileName) },
  }
}

/** Somebody registered, unregistered or carried over the same, just now. */
function changedMeanwhile(fileName: string): VoboxError {
  return new VoboxError('REGISTRATION_AMBIGUOUS', 'the registration was changed meanwhile', {
    hint: 'Register again',
    data: { fileName },
    persistence: 'transient',
  })
}
