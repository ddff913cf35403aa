/**
 * Whether what is about to be registered can be renewed, found out at once: INFO with the user's
 * own proxy shows what is stored, and a real renewal with the machine proxy shows that we may.
 *
 * Uploading is where people err, and the server says little about it. Each mistake has a code of
 * its own and the command that cures it. What Debian's myproxy-server 6.2 shows of each:
 *
 * - INFO answers for the owner alone and for one user name, so that a credential under a login name
 *   (`-d` forgotten) is found only by asking for likely names;
 * - INFO does not show a pass phrase (`-n` forgotten). The renewal does, where the server would let
 *   us renew or retrieve by default. Where it would not, it refuses before it looks, and a pass
 *   phrase cannot be told from a missing renewer: both are said, and one command cures both;
 * - a renewer is shown where the credential names one; nothing shows the server's own lists, but
 *   its refusals name the list that did not match.
 */
import { showDuration } from '../../config/duration.js'
import { type ErrorCode, isVoboxError, printable, toVoboxError, VoboxError } from '../../errors.js'
import type { FailedAttempt } from '../../gsi/attempts.js'
import type { StoredCredential } from '../../myproxy/client.js'
import { type MyProxyServer, showServer } from '../../myproxy/server-list.js'
import { describeChain } from '../../proxy/chain-facts.js'
import type { Credential } from '../../proxy/credential.js'
import { quoteShell, servedBy, uploadCommand } from '../../registry/cure-commands.js'
import { emptyState, type InfoFailure, type Registration } from '../../registry/registration.js'
import { type AcceptanceRules, acceptProxy } from '../accept-proxy.js'
import { dressFresh, type FreshProxy } from '../dress-fresh.js'
import { explainGrant } from '../grant.js'
import { machineFor, renewalRequest, serversOf, usernameOf } from '../renewal-request.js'
import { anchorsNow } from '../trust-now.js'
import { explainRefusal, type RefusalFacts } from './check-stored-credential-refusals.js'
import { limitOfShortGrant } from './probe-grant.js'
import type { LoginProxy } from './register-login-proxy.js'
import type { RegisterContext, RegisterWarning, StoredCredentialCheck } from './register-request.js'

export interface CheckRequest {
  /** As it is about to be registered. */
  registration: Registration
  login: LoginProxy
  /** Login name of the caller; where a credential ends up that was stored without `-d`. */
  callerName?: string
  signal?: AbortSignal
}

/**
 * Asks, and renews once, attributes included. The fresh proxy is the caller's to keep or to throw away.
 *
 * @throws VoboxError `MACHINE_PROXY_MISSING`, `MACHINE_PROXY_EXPIRED`; `MYPROXY_NO_CREDENTIAL`,
 *   `CREDENTIAL_UNDER_LOGIN_NAME`, `MYPROXY_CREDENTIAL_EXPIRED`, `CREDENTIAL_HAS_PASS_PHRASE`,
 *   `CREDENTIAL_HAS_NO_RENEWER`, `CREDENTIAL_RENEWER_NOT_US`, `MYPROXY_NOT_AUTHORISED_RENEWER` (the
 *   server's own policy); with a pass phrase file `PASS_PHRASE_FILE_UNUSABLE`,
 *   `MYPROXY_PASS_PHRASE_WRONG`, `CREDENTIAL_HAS_NO_PASS_PHRASE`, `MYPROXY_NOT_AUTHORISED_RETRIEVER`;
 *   what `acceptProxy` and `dressFresh` say; `ALL_SERVERS_FAILED` and other
 *   troubles of the connection.
 */
export async function checkStoredCredential(
  context: RegisterContext,
  request: CheckRequest,
): Promise<{ stored: StoredCredentialCheck; fresh: FreshProxy; warnings: RegisterWarning[] }> {
  const { registration } = request
  const machine = await machineFor(context, registration)
  const info = await findStored(context, request)
  const stored = 'stored' in info ? info.stored : undefined
  if ('stored' in info && info.stored.end <= context.clock.now()) {
    throw storedExpired(registration, info)
  }

  const { fresh, ...granted } = await renewOnce(context, request, machine, info)
  const { acceptance, missing } = fresh
  const attempt = { registration, state: emptyState, options: {} }
  const limit = await limitOfShortGrant(context, attempt, { request: granted.request, acceptance })
  const check: StoredCredentialCheck = {
    server: showServer(granted.server),
    username: usernameOf(registration),
    ...(registration.credentialName !== undefined && {
      credentialName: registration.credentialName,
    }),
    ...(stored && { owner: stored.owner }),
    end: stored?.end ?? acceptance.storedEnd,
    from: stored === undefined ? 'chain' : 'info',
    ...('failure' in info && { infoFailure: info.failure }),
    ...(stored?.renewer !== undefined && { renewer: stored.renewer }),
    askedSeconds: registration.lifetimeSeconds,
    grantedSeconds: acceptance.grantedSeconds,
    ...(limit !== undefined && { shortGrant: limit }),
    ...(missing.length > 0 && { missingAttributes: missing }),
  }
  return { stored: check, fresh, warnings: warningsOf(check, registration, context.clock.now()) }
}

interface Found {
  server: MyProxyServer
  stored: StoredCredential
}

/** Whether a server was there and would not tell; a renewal shows as much as we need to know. */
function isUnanswered(error: unknown): error is VoboxError {
  if (!isVoboxError(error)) return false
  if (error.code !== 'ALL_SERVERS_FAILED') return error.code.startsWith('MYPROXY_')
  const attempts = (error.data.attempts ?? []) as readonly FailedAttempt[]
  return attempts.some(({ code }) => ENDED_BY_SERVER.includes(code))
}

/** How a server ends a conversation that it wants no part of. */
const ENDED_BY_SERVER: readonly ErrorCode[] = ['CONNECTION_CLOSED', 'PROTOCOL_VIOLATION']

async function findStored(
  context: RegisterContext,
  request: CheckRequest,
): Promise<Found | { failure: InfoFailure }> {
  const { registration } = request
  const name = registration.credentialName
  try {
    const { server, credentials } = await ask(context, request, usernameOf(registration))
    const stored = credentials.find((one) => one.name === name)
    if (stored !== undefined) return { server, stored }
    throw noneOfThatName(registration, server, credentials)
  } catch (error) {
    const absent = isVoboxError(error, 'MYPROXY_NO_CREDENTIAL') && error.data.names === undefined
    if (absent) throw await whyNone(context, request, error)
    request.signal?.throwIfAborted()
    if (isVoboxError(error, 'MYPROXY_NO_CREDENTIAL') || !isUnanswered(error)) throw error
    const { code, message } = error
    return { failure: { at: context.clock.now(), code, message: printable(message) } }
  }
}

function ask(
  context: RegisterContext,
  { registration, login, signal }: CheckRequest,
  username: string,
) {
  return context.source.info({
    servers: serversOf(context, registration),
    username,
    credential: login.credential,
    ...(signal && { signal }),
  })
}

async function renewOnce(
  context: RegisterContext,
  { registration, login, signal }: CheckRequest,
  machine: Credential | undefined,
  info: Found | { failure: InfoFailure },
) {
  const { config, clock } = context
  const current = login.credential
  const renewal = renewalRequest(context, registration, { machine, current, signal })
  const found = 'stored' in info ? info : undefined
  const facts: RefusalFacts = {
    registration: servedBy(registration, found && showServer(found.server)),
    ...(machine && { machineDn: describeChain(machine.chain).identity.oneLine }),
    stored: found?.stored ?? {},
  }
  try {
    const { server, credential } = await context.source.renew(renewal)
    const rules: AcceptanceRules = {
      current: login.facts,
      registration,
      anchors: await anchorsNow(context, signal),
      now: clock.now(),
      config,
      // What matters is whether it can be renewed, not whether that would help today.
      evenIfNotLonger: true,
    }
    const plain = { credential, acceptance: acceptProxy(credential, rules) }
    const fresh = await dressFresh(context, registration, plain, rules, signal)
    return { server, fresh, request: { ...renewal, servers: [server] } }
  } catch (error) {
    throw signal?.aborted ? error : explainRefusal(toVoboxError(error), facts)
  }
}

/** Under which other name it may have been stored; asking is quick, and answers the owner alone. */
async function whyNone(
  context: RegisterContext,
  request: CheckRequest,
  error: VoboxError,
): Promise<VoboxError> {
  const { registration } = request
  for (const username of likelyNames(request)) {
    const found = await ask(context, request, username).catch(() => undefined)
    if (found !== undefined) return underLoginName(registration, found.server, username)
  }
  const name = printable(usernameOf(registration))
  const peer = typeof error.data.peer === 'string' ? error.data.peer : undefined
  const upload = uploadCommand(servedBy(registration, peer))
  const said = peer?.split(' ', 1)[0] ?? registration.servers.join(', ')
  return new VoboxError(
    'MYPROXY_NO_CREDENTIAL',
    `${said} holds no credential of yours under ${name}`,
    {
      hint:
        'If it is stored under a login name, register with --username NAME; else store one, ' +
        `where your certificate is: ${upload}`,
      data: error.data,
      cause: error,
    },
  )
}

/**
 * Who stores without `-d` does so under the login name; people choose their CN as one, too. With `-d`,
 * the C tool uses the DN as an OpenSSL before 3 writes it, where it has that.
 */
function likelyNames({ registration, login, callerName }: CheckRequest): string[] {
  const commonNames = registration.identity
    .split('/CN=')
    .slice(1)
    .filter((name) => !/^\d+$/.test(name))
  const { classicOneLine } = login.facts.identity
  const names = [registration.identity, classicOneLine, callerName ?? '', ...commonNames]
  const asked = usernameOf(registration)
  return [...new Set(names)].filter((name) => name !== '' && name !== asked).slice(0, 5)
}

function underLoginName(
  registration: Registration,
  server: MyProxyServer,
  foundAs: string,
): VoboxError {
  const [found, expected] = [printable(foundAs), printable(usernameOf(registration))]
  return new VoboxError(
    'CREDENTIAL_UNDER_LOGIN_NAME',
    `your credential is stored under ${found}, and not under ${expected}`,
    {
      hint:
        `Register with --username ${quoteShell(found)}, or store it under the right name: ` +
        uploadCommand(servedBy(registration, showServer(server))),
      data: { server: showServer(server), foundAs, expected: usernameOf(registration) },
    },
  )
}

function noneOfThatName(
  registration: Registration,
  server: MyProxyServer,
  credentials: readonly StoredCredential[],
): VoboxError {
  const names = credentials.flatMap(({ name }) => name ?? [])
  const wished = registration.credentialName
  const what = wished === undefined ? 'default credential' : `credential named ${printable(wished)}`
  const others = names.map((name) => printable(name)).join(', ')
  const instead = names.length === 0 ? 'without --credname' : `with --credname, one of: ${others}`
  return new VoboxError(
    'MYPROXY_NO_CREDENTIAL',
    `${showServer(server)} holds credentials of yours, but no ${what}`,
    {
      hint: `Register ${instead}; or store it: ${uploadCommand(servedBy(registration, showServer(server)))}`,
      data: { server: showServer(server), names, credentialName: wished },
    },
  )
}

function storedExpired(registration: Registration, { server, stored: { end } }: Found): VoboxError {
  return new VoboxError(
    'MYPROXY_CREDENTIAL_EXPIRED',
    `the credential that you stored on ${showServer(server)} has expired`,
    {
      hint: `Store a new one: ${uploadCommand(servedBy(registration, showServer(server)))}`,
      data: { server: showServer(server), end },
    },
  )
}

function warningsOf(
  check: StoredCredentialCheck,
  registration: Registration,
  now: number,
): RegisterWarning[] {
  const warnings: RegisterWarning[] = []
  const { askedSeconds, grantedSeconds, shortGrant: limit } = check
  if (limit !== undefined) {
    const grant = { askedSeconds, grantedSeconds, limit }
    warnings.push({ code: 'short-grant', ...explainGrant(grant, registration), data: grant })
  }
  if (check.missingAttributes !== undefined) {
    const missing = check.missingAttributes
    warnings.push({
      code: 'attributes-partial',
      message: `VOMS does not grant ${missing.join(', ')}; the proxy goes without`,
      hint: 'Ask the manager of the VO for it, or register with what is granted',
      data: { missing },
    })
  }
  const leftSeconds = check.end - now
  if (leftSeconds < registration.myproxySafeSeconds) {
    warnings.push({
      code: 'stored-credential-ends-soon',
      message: `the stored credential ends in ${showDuration(leftSeconds)}`,
      hint: `Store a new one: ${uploadCommand(registration)}`,
      data: { leftSeconds, myproxySafeSeconds: registration.myproxySafeSeconds },
    })
  }
  return warnings
}
