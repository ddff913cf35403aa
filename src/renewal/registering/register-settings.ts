/**
 * From what was asked, what is registered already and what is configured, to one registration.
 * Pure.
 */
import type { Config } from '../../config/config.js'
import { printable, VoboxError } from '../../errors.js'
import { parseServerList, showServer } from '../../myproxy/server-list.js'
import type { UnixSeconds } from '../../ports/clock.js'
import { parseMailAddresses } from '../../ports/mail-address.js'
import type { Registration } from '../../registry/registration.js'
import type { LoginProxy } from './register-login-proxy.js'
import type { RegisterRequest } from './register-request.js'

/** Nobody's certificate lives longer than this, in seconds. */
const LONGEST_LIFETIME_SECONDS = 10 * 365 * 86_400

/** As the system has it, in characters. */
const LONGEST_PATH = 4095

/** Longest user name and credential name, in characters. */
const LONGEST_NAME = 1000

/**
 * @param before the registration that is updated, or whose settings are carried over.
 * @throws VoboxError `REGISTRATION_INVALID` (`data.field`), `MAIL_ADDRESS_INVALID`,
 *   `SERVER_LIST_INVALID`.
 */
export function buildRegistration(
  fileName: string,
  login: LoginProxy,
  request: RegisterRequest,
  before: Registration | undefined,
  config: Config,
  now: UnixSeconds,
): Registration {
  const username = chosen(request.username, before?.username)
  const credentialName = chosen(request.credentialName, before?.credentialName)
  const passPhraseFile = chosen(request.passPhraseFile, before?.passPhraseFile)
  return checkSettings({
    fileName,
    identity: login.facts.identity.oneLine,
    identityDer: login.identityDer,
    servers: serversFor(request, before, config),
    ...(username !== undefined && { username }),
    ...(credentialName !== undefined && { credentialName }),
    ...(passPhraseFile !== undefined && { passPhraseFile }),
    lifetimeSeconds:
      request.lifetimeSeconds ?? before?.lifetimeSeconds ?? config.renewal.lifetimeSeconds,
    refreshSeconds: keptOr(
      request.refreshSeconds,
      before?.refreshSeconds,
      config.renewal.refreshSeconds,
    ),
    proxySafeSeconds:
      request.proxySafeSeconds ?? before?.proxySafeSeconds ?? config.register.proxySafeSeconds,
    myproxySafeSeconds:
      request.myproxySafeSeconds ??
      before?.myproxySafeSeconds ??
      config.register.myproxySafeSeconds,
    email: keptOr(request.email, before?.email, null),
    voms: request.voms ?? before?.voms ?? [],
    allowLimited: login.facts.policy !== 'inherit-all',
    allowPartial: request.allowPartial ?? before?.allowPartial ?? false,
    registeredAt: before?.registeredAt ?? now,
    updatedAt: now,
  })
}

/** null says "none"; absent says "as it is". */
function chosen(wished: string | null | undefined, before: string | undefined): string | undefined {
  return wished === undefined ? before : (wished ?? undefined)
}

/** The same where null is a value of its own. */
function keptOr<T>(wished: T | undefined, before: T | undefined, fallback: T): T {
  if (wished !== undefined) return wished
  return before !== undefined ? before : fallback
}

/** Without the port where it is the configured one, so that the list reads as it was written. */
function serversFor(
  request: RegisterRequest,
  before: Registration | undefined,
  { myproxy }: Config,
): string[] {
  const wished = request.servers ?? before?.servers ?? myproxy.servers
  return parseServerList(wished, myproxy.port).map((server) =>
    server.port === myproxy.port && !server.host.includes(':') ? server.host : showServer(server),
  )
}

function checkSettings(registration: Registration): Registration {
  const { lifetimeSeconds, refreshSeconds, email } = registration
  const inRange = (field: keyof Registration, value: number, least: number) => {
    if (Number.isSafeInteger(value) && value >= least && value <= LONGEST_LIFETIME_SECONDS) return
    throw invalid(field, `${value} is not a number of seconds between ${least} and ten years`)
  }
  inRange('lifetimeSeconds', lifetimeSeconds, 1)
  if (refreshSeconds !== null) inRange('refreshSeconds', refreshSeconds, 1)
  inRange('proxySafeSeconds', registration.proxySafeSeconds, 0)
  inRange('myproxySafeSeconds', registration.myproxySafeSeconds, 0)
  for (const field of ['username', 'credentialName'] as const) checkName(field, registration[field])
  checkPath(registration.passPhraseFile)
  if (email !== null) parseMailAddresses(email).forEach(requireDomain)
  return registration
}

/** A bare word is a mailbox of this machine at best, and a slip most of the time: nobody would notice. */
function requireDomain(address: string): void {
  if (address.includes('@')) return
  throw new VoboxError('MAIL_ADDRESS_INVALID', `mail address "${address}": there is no @`, {
    hint: `Write it as name@host.domain; ${address}@localhost is a mailbox of this machine`,
    data: { address, reason: 'there is no @' },
  })
}

/** Goes into a line of the protocol, and into commands that are shown. */
function checkName(field: 'username' | 'credentialName', name: string | undefined): void {
  if (name === undefined) return
  if (name === '' || name.length > LONGEST_NAME) throw invalid(field, 'it is empty or too long')
  if (printable(name, LONGEST_NAME) !== name) throw invalid(field, 'it holds control characters')
  if (name.startsWith('-')) throw invalid(field, 'it begins with a dash')
}

/** Goes into commands and messages, and must mean the same to the service as to who typed it. */
function checkPath(path: string | undefined): void {
  if (path === undefined) return
  if (!path.startsWith('/')) throw invalid('passPhraseFile', 'it is not a full path')
  if (path.length > LONGEST_PATH) throw invalid('passPhraseFile', 'it is too long')
  if (printable(path, LONGEST_PATH) !== path) {
    throw invalid('passPhraseFile', 'it holds control characters')
  }
}

function invalid(field: keyof Registration, reason: string): VoboxError {
  return new VoboxError('REGISTRATION_INVALID', `${FLAGS[field] ?? field}: ${reason}`, {
    data: { field, reason },
    hint: 'See vobox-proxy register --help',
  })
}

/** As a person gave it. */
const FLAGS: Partial<Record<keyof Registration, string>> = {
  lifetimeSeconds: '-t',
  refreshSeconds: '--refresh',
  proxySafeSeconds: '--proxy-safe',
  myproxySafeSeconds: '--myproxy-safe',
  username: '--username',
  credentialName: '--credname',
  passPhraseFile: '--pass-phrase-file',
}
