/**
 * The login proxy as `register` takes it: the caller's own file, readable by nobody else, a proxy
 * that is trusted, alive for long enough, and not limited unless that is wanted.
 */
import type { Config } from '../../config/config.js'
import { showDuration } from '../../config/duration.js'
import { isVoboxError, printable, VoboxError } from '../../errors.js'
import { asUnixSeconds, type UnixSeconds } from '../../ports/clock.js'
import type { Files } from '../../ports/files.js'
import { type ChainFacts, describeChain } from '../../proxy/chain-facts.js'
import { type Credential, MAX_CREDENTIAL_BYTES, parseCredential } from '../../proxy/credential.js'
import { validateProxyChain } from '../../proxy/validate-proxy-chain.js'
import { chainWeaknesses } from '../../proxy/weaknesses.js'
import { namingFile } from '../../repository/naming-file.js'
import {
  type AttributeRules,
  type JudgedAttributes,
  judgeAttributes,
} from '../../voms/verify-attributes.js'
import type { TrustAnchors } from '../../x509/trust-anchors.js'
import { anchorsNow, attributeRulesNow } from '../trust-now.js'
import type { RegisterContext, RegisterRequest, RegisterWarning } from './register-request.js'

export interface LoginProxy {
  credential: Credential
  facts: ChainFacts
  /** Earliest end of everything from the leaf to the root, and of verified attributes. */
  end: UnixSeconds
  /** Those that count, of the outermost proxy that carries any. */
  attributes: readonly JudgedAttributes[]
  /** Identity DN as DER in base64. */
  identityDer: string
}

/** 0600 or 0400: nothing for group and others, nothing to execute. */
const FORBIDDEN_MODE = 0o177

const MAKE_ONE = 'Log in with a fresh proxy, or make one, and register again'

/**
 * Reads and judges the proxy file of a request.
 *
 * @throws VoboxError `PROXY_NOT_OWNED`, `FILE_UNSAFE`, `FILE_MISSING`, `FILE_TOO_LARGE`; what
 *   `parseCredential` says; `NOT_A_PROXY`, `PROXY_EXPIRED`, `PROXY_LIFE_TOO_SHORT`,
 *   `PROXY_LIMITED`; what `validateProxyChain` says.
 */
export async function readLoginProxy(
  context: RegisterContext,
  request: RegisterRequest,
): Promise<LoginProxy> {
  const { files, clock, config } = context
  const bytes = await readOwnFile(files, request)
  const credential = namingFile(request.proxyFile, () => parseCredential(bytes))
  const { signal } = request
  return judgeLoginProxy(credential, {
    anchors: await anchorsNow(context, signal),
    now: clock.now(),
    config,
    allowLimited: request.allowLimited === true,
    path: request.proxyFile,
    ...(!request.noVoms && { attributes: await attributeRulesNow(context, signal) }),
  })
}

export interface LoginRules {
  anchors: TrustAnchors
  now: UnixSeconds
  config: Config
  allowLimited: boolean
  /** For messages. */
  path: string
  /** What its attributes are verified against; absent: nobody wants them. */
  attributes?: AttributeRules
}

/** The judgement alone: pure. */
export function judgeLoginProxy(credential: Credential, rules: LoginRules): LoginProxy {
  const { now, config, path } = rules
  const found = namingFile(path, () => describeChain(credential.chain))
  if (found.depth === 0) throw notAProxy(found, path)
  if (found.effectiveEnd <= now) throw expired(found, path)
  const { facts, effectiveEnd } = namingFile(path, () =>
    validateProxyChain(credential.chain, rules.anchors, {
      now,
      allowLegacyProxies: config.trust.allowLegacyProxies,
      maxDelegationDepth: config.limits.maxDelegationDepth,
    }),
  )
  if (facts.policy !== 'inherit-all' && !rules.allowLimited) throw limited(facts, path)
  // Attributes can be fetched anew, for as long as the chain lives.
  const leftSeconds = effectiveEnd - now
  const { refuseBelowSeconds } = config.limits
  if (leftSeconds < refuseBelowSeconds) throw tooShort(path, leftSeconds, refuseBelowSeconds)
  const attributes = rules.attributes === undefined ? [] : judgeAttributes(facts, rules.attributes)
  const ends = attributes.flatMap((one) => ('verified' in one ? one.ac.notAfter : []))
  const end = asUnixSeconds(Math.min(effectiveEnd, ...ends))
  const identityDer = Buffer.from(facts.identity.der).toString('base64')
  return { credential, facts, end, attributes, identityDer }
}

/** What works and should be known all the same. Pure. */
export function loginWarnings(
  { credential, facts, end, attributes }: LoginProxy,
  config: Config,
  now: UnixSeconds,
): RegisterWarning[] {
  const warnings: RegisterWarning[] = []
  const leftSeconds = end - now
  const { warnBelowSeconds, maxDelegationDepth } = config.limits
  if (leftSeconds < warnBelowSeconds) {
    warnings.push({
      code: 'proxy-life-short',
      message: `the proxy has only ${showDuration(leftSeconds)} left`,
      hint: 'If its first renewal fails it is lost: log in with one that lives longer',
      data: { leftSeconds, warnBelowSeconds },
    })
  }
  if (facts.depth > maxDelegationDepth / 2) {
    warnings.push({
      code: 'delegation-deep',
      message: `the proxy was delegated ${facts.depth} times; ${maxDelegationDepth} is the most`,
      hint: 'Make the proxy from the user certificate: long chains overflow the buffers of others',
      data: { depth: facts.depth, limit: maxDelegationDepth },
    })
  }
  for (const judged of attributes) {
    if (!('problem' in judged)) continue
    const { code, message, hint } = judged.problem
    warnings.push({
      code: 'attributes-unverified',
      message: `VOMS attributes of the login proxy are not believed: ${printable(message)}`,
      ...(hint !== undefined && { hint }),
      data: { code },
    })
  }
  if (facts.policy !== 'inherit-all') {
    warnings.push({
      code: 'limited-proxy',
      message: `the proxy is ${facts.policy}: services that start jobs refuse it`,
    })
  }
  for (const { kind, message } of chainWeaknesses(credential.chain)) {
    warnings.push({ code: 'weak-certificate', message: printable(message), data: { kind } })
  }
  return warnings
}

async function readOwnFile(files: Files, request: RegisterRequest): Promise<Buffer> {
  const { proxyFile: path, callerUid } = request
  try {
    const rules = {
      maxBytes: MAX_CREDENTIAL_BYTES,
      owners: [callerUid],
      forbiddenMode: FORBIDDEN_MODE,
    }
    return (await files.read(path, rules)).bytes
  } catch (error) {
    if (isVoboxError(error, 'FILE_MISSING')) {
      throw new VoboxError('FILE_MISSING', `there is no proxy in ${printable(path)}`, {
        hint: `${MAKE_ONE}; --proxy or $X509_USER_PROXY names another file`,
        data: error.data,
        cause: error,
      })
    }
    if (!isVoboxError(error) || !(await isOfAnother(files, request, error))) throw error
    throw new VoboxError('PROXY_NOT_OWNED', `${printable(path)} belongs to another user`, {
      hint: 'Register as the user whose proxy it is',
      data: { ...error.data, callerUid },
      cause: error,
    })
  }
}

/** Whether that is what is wrong: a file of theirs is either not to be opened, or not believed. */
async function isOfAnother(
  files: Files,
  { proxyFile, callerUid }: RegisterRequest,
  error: VoboxError,
): Promise<boolean> {
  if (error.code === 'FILE_UNSAFE') return error.data.reason === 'owner'
  if (error.code !== 'FILE_UNREADABLE') return false
  const facts = await files.facts(proxyFile).catch(() => undefined)
  return facts !== undefined && facts.uid !== callerUid
}

function notAProxy({ subject }: ChainFacts, path: string): VoboxError {
  const dn = printable(subject.oneLine)
  return new VoboxError('NOT_A_PROXY', `${printable(path)} holds no proxy, but ${dn} itself`, {
    hint: 'Make a proxy of it first: the key of a user certificate must not be stored here',
    data: { path, subject: subject.oneLine },
  })
}

function expired({ effectiveEnd }: ChainFacts, path: string): VoboxError {
  return new VoboxError('PROXY_EXPIRED', `the proxy in ${printable(path)} has expired`, {
    hint: MAKE_ONE,
    data: { path, end: effectiveEnd },
  })
}

function tooShort(path: string, leftSeconds: number, neededSeconds: number): VoboxError {
  const [left, needed] = [showDuration(leftSeconds), showDuration(neededSeconds)]
  return new VoboxError(
    'PROXY_LIFE_TOO_SHORT',
    `the proxy in ${printable(path)} has ${left} left, and ${needed} are needed`,
    { hint: MAKE_ONE, data: { path, leftSeconds, neededSeconds } },
  )
}

function limited({ policy }: ChainFacts, path: string): VoboxError {
  return new VoboxError('PROXY_LIMITED', `the proxy in ${printable(path)} is ${policy}`, {
    hint: 'Use a full proxy; --allow-limited registers this one all the same',
    data: { path, policy },
  })
}
