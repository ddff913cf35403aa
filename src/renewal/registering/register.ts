/**
 * Registering a login proxy, read top to bottom: judge the file, find its place, make sure that it
 * can be renewed, then write.
 *
 * Nothing is written before everything has been checked. The proxy goes first and the registration
 * second: a file without a registration is harmless and replaced by the next attempt, while a
 * registration without a file would raise an alarm. Where the second step fails, the first is
 * undone.
 */
import { isVoboxError, printable, toVoboxError, VoboxError } from '../../errors.js'
import type { FileRead } from '../../ports/files.js'
import { parseCredential } from '../../proxy/credential.js'
import { type ValidatedChain, validateProxyChain } from '../../proxy/validate-proxy-chain.js'
import type { Registration, RegistrationState } from '../../registry/registration.js'
import { instant } from '../events.js'
import { type Place, placeFor } from './carry-over.js'
import { checkStoredCredential } from './check-stored-credential.js'
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
 * @throws VoboxError what `readLoginProxy`, `placeFor`, `buildRegistration` and
 *   `checkStoredCredential` name; `PROXY_LIMITED` when it would replace a full proxy;
 *   `FILE_UNWRITABLE`; `LOCK_TIMEOUT`. Nothing has changed then.
 */
export async function registerProxy(
  context: RegisterContext,
  request: RegisterRequest,
): Promise<RegisterResult> {
  const { clock, config, registry, repository } = context
  refuseAttributes(request)
  const login = await readLoginProxy(context, request)
  const planned = await findPlace(context, login, request)
  const draft = draftFor(context, planned, login, request)
  await repository.probeWritable()
  const checked: Checked = request.noCheck
    ? { warnings: [notChecked] }
    : await checkStoredCredential(context, checkRequest(draft, login, request))

  const lease = await registry.lease(planned.fileName, LEASE_DEADLINE_MS, request.signal)
  try {
    // It may have been registered, unregistered or carried over while we asked the server.
    const place = await findPlace(context, login, request)
    if (place.fileName !== planned.fileName) throw changedMeanwhile(place.fileName)
    const stored = await store(context, { place, login, request, check: checked })
    const now = clock.now()
    const noVoms = request.noVoms === true
    const warnings = [...loginWarnings(login, config, now, noVoms), ...checked.warnings]
    return { ...stored, warnings: [...warnings, ...stored.warnings] }
  } finally {
    await lease.release()
  }
}

interface Checked {
  stored?: StoredCredentialCheck
  warnings: readonly RegisterWarning[]
}

interface Storing {
  place: Place
  login: LoginProxy
  request: RegisterRequest
  check: Checked
}

async function store(context: RegisterContext, storing: Storing): Promise<RegisterResult> {
  const { repository, registry } = context
  const { place, login, check } = storing
  const { fileName } = place
  const old = await snapshotOf(context, fileName)
  const kept = await oldProxyWorthKeeping(context, storing, old.file)
  if (kept === undefined) await repository.replace(fileName, login.credential)
  let registration: Registration
  try {
    registration = await updateRegistry(context, storing)
  } catch (error) {
    if (kept === undefined) await old.restore()
    throw error
  }
  await writeState(context, registration, await registry.state(fileName), check.stored)
  const proxyEnd = kept?.effectiveEnd ?? login.end
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
    proxy: kept === undefined ? 'login-proxy' : 'kept',
    proxyEnd,
    ...(check.stored && { stored: check.stored }),
    warnings: kept === undefined ? [] : [keptWarning(login, kept)],
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
    return buildRegistration(fileName, login, request, current, config, clock.now())
  }
  const updated = await registry.update(fileName, change, request.signal)
  if (updated === undefined) throw new TypeError('a registry kept nothing of a registration')
  return updated
}

async function findPlace(
  { registry }: RegisterContext,
  { facts, identityDer }: LoginProxy,
  { replaces }: RegisterRequest,
): Promise<Place> {
  const identity = facts.identity.oneLine
  return placeFor(await registry.all(), { identity, identityDer, voms: [] }, replaces)
}

function draftFor(
  { clock, config }: RegisterContext,
  { fileName, before }: Place,
  login: LoginProxy,
  request: RegisterRequest,
): Registration {
  return buildRegistration(fileName, login, request, before, config, clock.now())
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
 * The old proxy, when it stays: it is of the same identity, valid, lives longer, and has no fewer
 * rights.
 *
 * @throws VoboxError `PROXY_LIMITED` when a limited proxy would replace a full one.
 */
async function oldProxyWorthKeeping(
  { anchors, clock, config }: RegisterContext,
  { login, request }: Storing,
  file: FileRead | undefined,
): Promise<ValidatedChain | undefined> {
  if (file === undefined) return undefined
  let old: ValidatedChain
  try {
    old = validateProxyChain(parseCredential(file.bytes).chain, await anchors(), {
      now: clock.now(),
      allowLegacyProxies: config.trust.allowLegacyProxies,
      maxDelegationDepth: config.limits.maxDelegationDepth,
    })
  } catch (error) {
    if (isVoboxError(error)) return undefined
    throw error
  }
  const isFull = ({ facts }: Pick<ValidatedChain, 'facts'>) => facts.policy === 'inherit-all'
  if (isFull(old) && !isFull(login)) throw limitedOverFull(old)
  const sameIdentity = Buffer.from(old.facts.identity.der).toString('base64') === login.identityDer
  const asGood = isFull(old) === isFull(login) && old.facts.depth > 0
  const longer = old.effectiveEnd > login.end
  return sameIdentity && asGood && longer && !request.force ? old : undefined
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
    state.storedEnd = { at: stored.end, learnedAt: clock.now(), from: 'info' }
    const { grantedSeconds, shortGrant: limit } = stored
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

function keptWarning({ end }: LoginProxy, { effectiveEnd }: ValidatedChain): RegisterWarning {
  return {
    code: 'stored-proxy-kept',
    message:
      'the proxy in the repository lives longer than this one and is kept; settings are updated',
    hint: 'Replace it all the same with --force',
    data: { keptEnd: effectiveEnd, loginEnd: end },
  }
}

function refuseAttributes({ voms = [] }: RegisterRequest): void {
  if (voms.length === 0) return
  const wished = voms.map((one) => printable(one)).join(', ')
  throw new VoboxError(
    'REGISTRATION_INVALID',
    `--voms ${wished}: this version cannot give VOMS attributes to a renewed proxy`,
    {
      hint: 'Register it without attributes: --no-voms, and no --voms',
      data: { field: 'voms', voms },
    },
  )
}

function limitedOverFull({ facts }: ValidatedChain): VoboxError {
  return new VoboxError(
    'PROXY_LIMITED',
    `a limited proxy must not replace the full one of ${printable(facts.identity.oneLine)}`,
    {
      hint: 'Register a full proxy; or unregister the full one first, if the limited one is meant',
      data: { identity: facts.identity.oneLine },
    },
  )
}

/** Somebody registered, unregistered or carried over the same, just now. */
function changedMeanwhile(fileName: string): VoboxError {
  return new VoboxError('REGISTRATION_AMBIGUOUS', 'the registration was changed meanwhile', {
    hint: 'Register again',
    data: { fileName },
    persistence: 'transient',
  })
}
