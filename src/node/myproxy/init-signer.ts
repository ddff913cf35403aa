/** What signs the credential that is stored: the user's certificate, with attributes where asked for. */
import { resolve } from 'node:path'
import type { Config } from '../../config/config.js'
import { isVoboxError, printable, VoboxError } from '../../errors.js'
import { type ChainFacts, describeChain } from '../../proxy/chain-facts.js'
import { type Credential, encodeCredential } from '../../proxy/credential.js'
import { checkSignerTime, signerWarnings } from '../../proxy/judge-signer.js'
import { type MadeProxy, makeProxy } from '../../proxy/make-proxy.js'
import type { InitWarning } from '../../report/myproxy-init-text.js'
import type { AttributeReport } from '../../voms/attribute-report.js'
import { readEffectiveConfig } from '../compose/compose-config.js'
import { currentUid, placeOfLoginProxy } from '../compose/compose-login.js'
import { fetchAttributes, requestsOf } from '../compose/compose-proxy-attributes.js'
import { checkProxyPlace } from '../compose/proxy-place.js'
import { systemClock } from '../ports/clock.js'
import { nodeFiles } from '../ports/files.js'
import { KeyPool } from '../ports/key-pool.js'
import { systemRandom } from '../ports/random.js'
import type { MyProxyInitOptions } from './init-options.js'
import { readOwnCertificate } from './own-credential.js'

export interface Signer {
  /** Presented in TLS. */
  credential: Credential
  /** The same, or a proxy of it that carries attributes. */
  signer: Credential
  facts: ChainFacts
  attributes: readonly AttributeReport[]
  warnings: readonly InitWarning[]
}

const MODE = 0o600

/**
 * @throws VoboxError `NOT_PERMITTED` for a proxy with attributes that was not allowed, and for
 *   `GT_PROXY_MODE=old`; `PROXY_KIND_REFUSED` for a legacy proxy; what reading, judging and `fetchAttributes` say.
 */
export async function readSigner(
  options: MyProxyInitOptions,
  storedSeconds: number,
): Promise<Signer> {
  refuseLegacyMode(options.environment)
  const { environment, certificateFile, keyFile, passPhrases, configFile } = options
  const named = { certificateFile, keyFile }
  const own = await readOwnCertificate({
    ...{ environment, ...named, passPhrase: passPhrases.ofKey },
  }).catch((error: unknown) => {
    throw isVoboxError(error, 'FILE_MISSING') ? nothingToSignWith(error) : error
  })
  const { credential, files } = own
  const facts = describeChain(credential.chain)
  const now = systemClock.now()
  checkSignerTime(facts, now)
  refuseKind(facts)
  if (options.allowVoms !== true) refuseAttributes(facts)
  options.onIdentity?.(facts.identity.oneLine, files)
  const config = await readEffectiveConfig(nodeFiles, environment, currentUid(), configFile)
  const depthLimit = config.limits.maxDelegationDepth
  const warnings = signerWarnings(facts, { now, depthLimit })
  const dressed = await dress(options, credential, config, storedSeconds)
  return {
    credential,
    signer: dressed.signer,
    facts,
    attributes: dressed.attributes,
    warnings: [...warnings, ...ofChain(facts, dressed.signer !== credential), ...dressed.warnings],
  }
}

/** Whoever reads this has no certificate here; a proxy of it may be. */
function nothingToSignWith({ code, message, data }: VoboxError): VoboxError {
  return new VoboxError(code, message, {
    hint:
      'name the certificate with --certfile and its key with --keyfile; both may name one proxy, ' +
      'which what is stored then ends with',
    data,
  })
}

/** What Globus' own tools make of it today, too: they end with an error. */
function refuseLegacyMode({ GT_PROXY_MODE: mode }: MyProxyInitOptions['environment']): void {
  if (mode !== 'old') return
  throw new VoboxError('NOT_PERMITTED', 'legacy proxies, as of GT_PROXY_MODE=old, are not stored', {
    hint: 'unset GT_PROXY_MODE: services refuse legacy proxies, and RFC 3820 ones are made here',
    data: { variable: 'GT_PROXY_MODE', mode },
  })
}

/** Before a server is troubled with it: most do not even take such a proxy in TLS. */
function refuseKind({ kind, subject }: ChainFacts): void {
  if (kind === undefined || kind === 'rfc3820') return
  const message = `${printable(subject.oneLine)} is a ${kind} proxy, which cannot sign what is stored`
  throw new VoboxError('PROXY_KIND_REFUSED', message, {
    hint: 'store from the certificate, or from an RFC 3820 proxy: vobox-proxy proxy-init makes one',
    data: { kind, subject: subject.oneLine },
  })
}

/** They would end within days, and narrow what later ones can say (security of VOMS). */
function refuseAttributes({ acBytes, identity }: ChainFacts): void {
  if (acBytes === undefined) return
  const dn = printable(identity.oneLine)
  throw new VoboxError('NOT_PERMITTED', `the proxy of ${dn} carries VOMS attributes`, {
    hint:
      'store from the certificate, or from a proxy without attributes: those that are stored expire ' +
      'and narrow later ones. --allow-voms stores them all the same',
    data: { identity: identity.oneLine, reason: 'carries-voms' },
  })
}

/** @param dressed attributes are added, and said already. */
function ofChain(
  { limited, acBytes, proxies, endEntity }: ChainFacts,
  dressed: boolean,
): InitWarning[] {
  const chain = [...proxies.map(({ certificate }) => certificate), endEntity]
  const rsaAlone = chain.every(({ keyType }) => keyType === 'rsa')
  return [
    ...(acBytes === undefined || dressed ? [] : [CARRIES_VOMS]),
    ...(limited ? [LIMITED] : []),
    ...(rsaAlone ? [] : [NOT_RSA]),
  ]
}

const CARRIES_VOMS: InitWarning = {
  code: 'carries-voms',
  message: 'what is stored carries VOMS attributes, which end long before it does',
  hint: 'store it without: whoever retrieves or renews it asks for fresh ones',
}

const NOT_RSA: InitWarning = {
  code: 'key-not-rsa',
  message: 'your certificate has no RSA key, and the C server makes no proxies of what it signs',
  hint: 'store from a certificate with an RSA key, or on a server that takes others',
}

const LIMITED: InitWarning = {
  code: 'limited',
  message: 'what signs is a limited proxy: every proxy of what is stored is limited as well',
  hint: 'store from the certificate: limited proxies start no jobs',
}

async function dress(
  { voms = [], environment, signal }: MyProxyInitOptions,
  credential: Credential,
  config: Config,
  lifetimeSeconds: number,
): Promise<Pick<Signer, 'signer' | 'attributes' | 'warnings'>> {
  const requests = requestsOf({ voms })
  if (requests.length === 0) return { signer: credential, attributes: [], warnings: [] }
  const warnings: InitWarning[] = [CARRIES_VOMS]
  const granted = await fetchAttributes({
    ...{ config, environment, signer: credential, requests, lifetimeSeconds, signal },
    options: {},
    journal: {
      write(_level, event, message, data = {}) {
        if (event === 'voms-server-failed') warnings.push({ code: event, message, data })
      },
    },
  })
  const extensions = async () => [granted.extension]
  const signer = await proxyOf(credential, lifetimeSeconds, { extensions, signal })
  warnings.push(...granted.warnings)
  return { signer, attributes: granted.reports, warnings }
}

/** A proxy with a key of its own, of 2048 bits. */
export function proxyOf(
  signer: Credential,
  lifetimeSeconds: number,
  {
    extensions,
    signal,
  }: Pick<Parameters<typeof makeProxy>[0], 'extensions'> & {
    signal?: AbortSignal | undefined
  } = {},
): Promise<MadeProxy> {
  const keys = new KeyPool({ kind: 'rsa2048', size: 0 })
  return makeProxy(
    { signer, lifetimeSeconds, extensions },
    { keys, clock: systemClock, random: systemRandom, signal },
  )
}

/** Where `-L` puts its proxy, when something may be put there; looked at before anything is sent. */
export async function placeOfLocalProxy(options: MyProxyInitOptions): Promise<string | undefined> {
  if (options.localProxy !== true) return undefined
  const file = resolve(placeOfLoginProxy(options.environment, currentUid()).path)
  await checkProxyPlace(file)
  return file
}

/** A login proxy, as `proxy-init` makes it. */
export async function writeLocalProxy(
  file: string,
  signer: Credential,
  lifetimeSeconds: number,
  signal: AbortSignal | undefined,
): Promise<{ file: string; end: MadeProxy['end'] }> {
  const made = await proxyOf(signer, lifetimeSeconds, { signal })
  await nodeFiles.replace(file, encodeCredential(made), { mode: MODE })
  return { file, end: made.end }
}
