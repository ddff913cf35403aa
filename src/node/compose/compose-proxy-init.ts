/**
 * Making a login proxy: the user's certificate and key, or a proxy that is there already, sign a new
 * one, which is written where every grid tool looks for it.
 */
import { resolve } from 'node:path'
import type { Config } from '../../config/config.js'
import { isVoboxError, printable, VoboxError } from '../../errors.js'
import type { UnixSeconds } from '../../ports/clock.js'
import type { Journal, JournalFields, JournalLevel } from '../../ports/journal.js'
import type { KeyKind } from '../../ports/key-generator.js'
import { type ChainFacts, describeChain } from '../../proxy/chain-facts.js'
import {
  type Credential,
  encodeCredential,
  MAX_CREDENTIAL_BYTES,
  parseCredential,
} from '../../proxy/credential.js'
import type { IssuedPolicy } from '../../proxy/issue-proxy.js'
import {
  checkSignerTime,
  type ProxyWarning,
  shortenedWarning,
  signerWarnings,
} from '../../proxy/judge-signer.js'
import { type MadeProxy, makeProxy } from '../../proxy/make-proxy.js'
import { validateProxyChain } from '../../proxy/validate-proxy-chain.js'
import { namingFile } from '../../repository/naming-file.js'
import type { AttributeReport } from '../../voms/attribute-report.js'
import { type AttributeRequest, showAttributeRequest } from '../../voms/attribute-request.js'
import { systemClock } from '../ports/clock.js'
import { nodeFiles } from '../ports/files.js'
import { KeyPool } from '../ports/key-pool.js'
import { systemRandom } from '../ports/random.js'
import { isRoot } from './become-owner.js'
import { readEffectiveConfig } from './compose-config.js'
import { currentUid, placeOfLoginProxy } from './compose-login.js'
import {
  type AttributeOptions,
  fetchAttributes,
  type ProxyAttributes,
  requestsOf,
} from './compose-proxy-attributes.js'
import { checkProxyPlace } from './proxy-place.js'
import { requireRootOnly } from './root-only.js'
import { trustDirectoryOf } from './trust-directory.js'
import { readUserCredential } from './user-files.js'

export interface ProxyInitOptions extends AttributeOptions {
  configFile?: string | undefined
  environment: Readonly<Record<string, string | undefined>>
  /** PEM or PKCS#12; default `$X509_USER_CERT`, else what is in `~/.globus`. */
  certificateFile?: string | undefined
  /** Default `$X509_USER_KEY`, the certificate's own file, or `~/.globus/userkey.pem`. */
  keyFile?: string | undefined
  /** Sign with the proxy that is there instead of the certificate. */
  noregen?: boolean | undefined
  /** Asks for the pass phrase of a file; only where one is needed. */
  passPhrase(file: string): Promise<Buffer>
  /** Lifetime in seconds; default 43,200. */
  lifetimeSeconds?: number | undefined
  /** Kind of the proxy's key; default `rsa2048`. */
  keyKind?: KeyKind | undefined
  policy?: IssuedPolicy | undefined
  pathLength?: number | undefined
  /** Default `$X509_USER_PROXY`, or `/tmp/x509up_u<uid>`. */
  out?: string | undefined
  /** Hashed CA directory, vomsdir and vomses instead of the configured ones. */
  trustDirectory?: string | undefined
  vomsDirectory?: string | undefined
  vomses?: readonly string[] | undefined
  /** Deadline for each connection to a VOMS server, in seconds, instead of the configured one. */
  connectSeconds?: number | undefined
  /** Validate the new proxy as a service would, before it is written. */
  verify?: boolean | undefined
  /** Write nothing where there is a warning. */
  failOnWarnings?: boolean | undefined
  /** Told, in this order, what is being done. */
  onProgress?: ((progress: ProxyInitProgress) => void) | undefined
  signal?: AbortSignal | undefined
}

export type ProxyInitProgress =
  | { step: 'identity'; identity: string; files: readonly string[] }
  | { step: 'attributes'; requests: readonly string[] }

export interface ProxyInitResult {
  file: string
  identity: string
  subject: string
  end: UnixSeconds
  /** When it was made. */
  now: UnixSeconds
  policy: IssuedPolicy
  keyBits: number
  attributes: readonly AttributeReport[]
  /** Whether it was validated as a service would. */
  chainVerified: boolean
  warnings: readonly ProxyWarning[]
}

const DEFAULT_LIFETIME_SECONDS = 43_200
const MODE = 0o600

/** As for every proxy file: for its owner alone. */
const PROXY_FORBIDS = 0o177

/**
 * Makes a proxy and puts it in its place; on any failure what is there stays.
 *
 * @throws VoboxError what `readUserCredential` and `makeProxy` say; `FILE_UNSAFE` where the place is
 *   a link, no regular file or somebody else's; `PROXY_EXPIRED`, `NOT_A_PROXY` with `noregen`; what
 *   `validateProxyChain` says with `verify`; `NOT_PERMITTED` for a warning with `failOnWarnings`.
 */
export async function initProxy(options: ProxyInitOptions): Promise<ProxyInitResult> {
  const { environment, configFile } = options
  const config = withOptions(
    await readEffectiveConfig(nodeFiles, environment, currentUid(), configFile),
    options,
  )
  const requests = requestsOf(options)
  const file = resolve(options.out ?? placeOfLoginProxy(environment, currentUid()).path)
  await checkProxyPlace(file)
  const { signer, files } = await readSigner(options)
  const facts = describeChain(signer.chain)
  checkSignerTime(facts, systemClock.now())
  options.onProgress?.({ step: 'identity', identity: facts.identity.oneLine, files })
  const { made, attributes, warnings: said } = await make(signer, requests, config, options)
  const chainVerified = options.verify === true && (await verify(made, config))
  const warnings = [...warningsOf(facts, made, options, config), ...said]
  if (options.failOnWarnings) refuseWarnings(warnings)
  await nodeFiles.replace(file, encodeCredential(made), { mode: MODE })
  return { file, ...factsOf(made), attributes, chainVerified, warnings }
}

function withOptions(config: Config, options: ProxyInitOptions): Config {
  const { trustDirectory, vomsDirectory, vomses, connectSeconds } = options
  const { trust, voms } = config
  return {
    ...config,
    trust: { ...trust, ...(trustDirectory && { directory: resolve(trustDirectory) }) },
    voms: {
      ...voms,
      ...(vomsDirectory && { directory: resolve(vomsDirectory) }),
      ...(vomses && { vomses: vomses.map((path) => resolve(path)) }),
      ...(connectSeconds && { connectSeconds }),
    },
  }
}

async function readSigner(
  options: ProxyInitOptions,
): Promise<{ signer: Credential; files: readonly string[] }> {
  if (options.noregen) {
    const { path } = placeOfLoginProxy(options.environment, currentUid())
    return { signer: await readProxy(resolve(path)), files: [path] }
  }
  const uid = currentUid()
  const { credential, places } = await readUserCredential(nodeFiles, { ...options, uid })
  const { certificate, key } = places
  return { signer: credential, files: [certificate, ...(key === undefined ? [] : [key])] }
}

async function readProxy(path: string): Promise<Credential> {
  if (isRoot()) requireRootOnly(path)
  const rules = {
    maxBytes: MAX_CREDENTIAL_BYTES,
    owners: [currentUid()],
    forbiddenMode: PROXY_FORBIDS,
  }
  const { bytes } = await nodeFiles.read(path, rules).catch((error: unknown) => {
    throw isVoboxError(error, 'FILE_MISSING') ? noProxy(path, error) : error
  })
  const credential = namingFile(path, () => parseCredential(bytes))
  if (describeChain(credential.chain).depth > 0) return credential
  throw new VoboxError('NOT_A_PROXY', `${printable(path)} holds no proxy`, {
    hint: 'leave out --noregen, and name certificate and key with --cert and --key',
    data: { path },
  })
}

function noProxy(path: string, cause: VoboxError): VoboxError {
  return new VoboxError('FILE_MISSING', `there is no proxy in ${printable(path)} to sign with`, {
    hint: 'leave out --noregen, or name the proxy in $X509_USER_PROXY',
    data: { path },
    cause,
  })
}

interface Made {
  made: MadeProxy
  attributes: readonly AttributeReport[]
  warnings: readonly ProxyWarning[]
}

/** The attributes are asked for with what signs, so that one proxy is enough to carry them. */
async function make(
  signer: Credential,
  requests: readonly AttributeRequest[],
  config: Config,
  options: ProxyInitOptions,
): Promise<Made> {
  const { lifetimeSeconds = DEFAULT_LIFETIME_SECONDS, keyKind, policy, pathLength } = options
  const { signal, environment } = options
  const failures = new NotedFailures()
  let granted: ProxyAttributes | undefined
  const fetch = async () => {
    options.onProgress?.({ step: 'attributes', requests: requests.map(showAttributeRequest) })
    granted = await fetchAttributes({
      ...{ config, environment, signer, requests, options, signal },
      lifetimeSeconds: options.attributeSeconds ?? lifetimeSeconds,
      journal: failures,
    })
    return [granted.extension]
  }
  const extensions = requests.length === 0 ? undefined : fetch
  const keys = new KeyPool({ kind: keyKind ?? 'rsa2048', size: 0 })
  const made = await makeProxy(
    { signer, lifetimeSeconds, keyKind, policy, pathLength, extensions },
    { keys, clock: systemClock, random: systemRandom, signal },
  )
  return {
    made,
    attributes: granted?.reports ?? [],
    warnings: [...failures.warnings, ...(granted?.warnings ?? [])],
  }
}

/** What a server refused before another one granted it. */
class NotedFailures implements Journal {
  readonly warnings: ProxyWarning[] = []

  write(_level: JournalLevel, event: string, message: string, data: JournalFields = {}): void {
    if (event === 'voms-server-failed') this.warnings.push({ code: event, message, data })
  }
}

async function verify({ chain }: MadeProxy, config: Config): Promise<true> {
  const { allowLegacyProxies } = config.trust
  const { maxDelegationDepth } = config.limits
  const now = systemClock.now()
  const anchors = await trustDirectoryOf(config).current()
  validateProxyChain(chain, anchors, { now, allowLegacyProxies, maxDelegationDepth })
  return true
}

function warningsOf(
  facts: ChainFacts,
  made: MadeProxy,
  options: ProxyInitOptions,
  config: Config,
): ProxyWarning[] {
  const depthLimit = config.limits.maxDelegationDepth
  // Nobody asked for 12 hours of what signs for less.
  const meant = options.lifetimeSeconds !== undefined || facts.depth === 0
  const shortened = meant ? shortenedWarning(facts, made) : undefined
  return [
    ...signerWarnings(facts, { now: systemClock.now(), depthLimit }),
    ...(shortened === undefined ? [] : [shortened]),
  ]
}

function refuseWarnings([first]: readonly ProxyWarning[]): void {
  if (first === undefined) return
  throw new VoboxError('NOT_PERMITTED', `no proxy was written: ${first.message}`, {
    hint: first.hint,
    data: { ...first.data, warning: first.code },
  })
}

function factsOf({ chain, end }: MadeProxy) {
  const { identity, subject, policy } = describeChain(chain)
  return {
    identity: identity.oneLine,
    subject: subject.oneLine,
    end,
    now: systemClock.now(),
    policy: policy as IssuedPolicy,
    keyBits: chain[0]?.keyBits ?? 0,
  }
}
