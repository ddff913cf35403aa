/** `forecast`: gathers from files and from what is remembered; no server is asked. */
import { defaultRules } from '../../alerts/conditions.js'
import { isVoboxError } from '../../errors.js'
import type { UnixSeconds } from '../../ports/clock.js'
import { describeChain } from '../../proxy/chain-facts.js'
import {
  machineProxyCommand,
  registerCommand,
  uploadCommand,
  voboxCommand,
} from '../../registry/cure-commands.js'
import { isJobFile } from '../../registry/job-file-name.js'
import type { Registration, RegistrationState } from '../../registry/registration.js'
import { storedCredentialOf } from '../../registry/stored-credential.js'
import { type Ending, type Forecast, forecast } from '../../renewal/checking/forecast.js'
import { listsOf } from '../../renewal/checking/judge-trust.js'
import type { RenewalContext } from '../../renewal/context.js'
import { effectiveEndOf } from '../../renewal/effective-end.js'
import { glanceAtFacts } from '../../renewal/query/query-glance.js'
import { anchorsNow, vomsTrustNow } from '../../renewal/trust-now.js'
import { namingFile } from '../../repository/naming-file.js'
import type { Certificate } from '../../x509/certificate.js'
import type { TrustAnchors } from '../../x509/trust-anchors.js'
import { type OpenVoOptions, openVo, type VoContext } from '../compose/compose.js'
import { jobViewOf } from '../compose/compose-jobs.js'
import { type HostFiles, lookAtHost } from './look-at-host.js'
import { vomsEndings } from './voms-endings.js'

export interface ForecastOptions extends OpenVoOptions, HostFiles {
  /** How far to look, in days; default 90. */
  days?: number | undefined
  signal?: AbortSignal | undefined
}

export interface ForecastReport {
  vo: string
  at: UnixSeconds
  days: number
  items: readonly Forecast[]
  /** Why something could not be foreseen, in sentences. */
  gaps: readonly string[]
}

const DEFAULT_DAYS = 90
const DAY_SECONDS = 86_400
/** A list with less left was due long ago: fetch-crl runs four times a day. */
const CRL_LATE_SECONDS = DAY_SECONDS

const ASK_CA = 'Ask the CA for a new certificate'
const JOBS_REGISTER =
  'Whoever submitted its jobs registers them with a fresh proxy: see vobox-proxy job register --help'
const NOTHING_TO_DO = 'Nothing, as long as the service runs: vobox-proxy check shows it'

/** What a gathering shares. */
interface Gathering {
  vo: VoContext
  /** Those of the VO-Box, with job proxies beside them where jobs are served. */
  places: Pick<RenewalContext, 'registry' | 'repository'>
  now: UnixSeconds
  endings: Ending[]
  gaps: string[]
  /** Undefined: they cannot be read. */
  anchors: TrustAnchors | undefined
}

/** @throws VoboxError what `openVo` throws, and what reading the registry says. */
export async function forecastVo(options: ForecastOptions): Promise<ForecastReport> {
  const host = await lookAtHost(options)
  const vo = await openVo(options)
  try {
    const { days = DEFAULT_DAYS, signal } = options
    const now = vo.clock.now()
    const gathering: Gathering = { vo, places: vo, now, endings: [], gaps: [], anchors: undefined }
    gathering.anchors = await orGap(gathering, () => anchorsNow(vo, signal))
    if (Array.isArray(host.chain)) addHost(gathering, host.chain)
    else await orGap(gathering, () => Promise.reject((host.chain as { error: unknown }).error))
    await orGap(gathering, () => addMachineProxy(gathering))
    const jobs = await orGap(gathering, () => jobViewOf(vo))
    gathering.places = jobs ?? vo
    const all = [...(await vo.registry.all()).values(), ...(jobs?.registrations ?? [])]
    for (const registration of all) {
      await orGap(gathering, () => addRegistration(gathering, registration, signal))
    }
    const { endings, gaps } = gathering
    const items = forecast(endings, now, days * DAY_SECONDS)
    return { vo: vo.vo, at: now, days, items, gaps }
  } finally {
    vo.close()
  }
}

/** What cannot be read is said, and hides nothing else. */
async function orGap<T>({ gaps }: Gathering, work: () => Promise<T>): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (!isVoboxError(error) || error.code === 'CANCELLED') throw error
    gaps.push(error.message)
    return undefined
  }
}

function addHost(gathering: Gathering, chain: readonly Certificate[]): void {
  const { endEntity } = describeChain(chain)
  gathering.endings.push({
    kind: 'host-certificate',
    key: endEntity.subject.oneLine,
    end: endEntity.notAfter,
    name: endEntity.subject.oneLine,
    automatic: false,
    cure: ASK_CA,
  })
  addAuthorities(gathering, endEntity)
}

async function addMachineProxy({ vo, now, endings }: Gathering): Promise<void> {
  const { end } = await vo.machineProxyFile.observe()
  // That there is none is no end to come: `check` says it.
  if (end === undefined) return
  endings.push({
    kind: 'machine-proxy',
    key: vo.vo,
    end,
    name: '',
    automatic: end - now >= defaultRules.machineProxySafeSeconds,
    cure: `As root: ${machineProxyCommand(vo.vo)}`,
  })
}

async function addRegistration(
  gathering: Gathering,
  registration: Registration,
  signal: AbortSignal | undefined,
): Promise<void> {
  const { vo, places, endings } = gathering
  const { fileName, identity } = registration
  const state = await places.registry.state(fileName)
  const about = { identity, name: identity }
  const upload = uploadCommand(registration)
  const stored = storedCredentialOf(state)
  if (stored.kind === 'seen') {
    const cure = `Its owner stores a new one: ${upload}`
    const key = `${registration.servers.join(',')} ${registration.username ?? identity} ${registration.credentialName ?? ''}`
    endings.push({
      ...about,
      kind: 'stored-credential',
      key,
      end: stored.end,
      automatic: false,
      cure,
      seen: stored.from,
    })
  }
  const { bytes } = await places.repository.readBytes(fileName)
  const facts = namingFile(places.repository.path(fileName), () => glanceAtFacts(bytes))
  const { endEntity, effectiveEnd } = facts
  endings.push({
    ...about,
    kind: 'user-certificate',
    key: identity,
    end: endEntity.notAfter,
    automatic: false,
    cure: `Its owner gets a new certificate, then stores it: ${upload}`,
  })
  const proxy = proxyEnding(gathering, registration, state)
  const revivable = registration.passPhraseFile !== undefined
  const end = effectiveEnd
  if (isJobFile(fileName)) {
    // Of those that renew themselves the first one speaks for all of a person.
    const key = proxy.automatic ? registration.identityDer : fileName
    endings.push({ ...about, ...proxy, kind: 'job-proxy', key, end: effectiveEndOf(facts) })
    addAuthorities(gathering, endEntity)
    return
  }
  endings.push({ ...about, ...proxy, kind: 'user-proxy', key: fileName, end, revivable })
  const attributesEnd = effectiveEndOf(facts)
  if (attributesEnd < effectiveEnd) {
    endings.push({ ...about, ...proxy, kind: 'attributes', key: fileName, end: attributesEnd })
  }
  addAuthorities(gathering, endEntity)
  if (facts.acBytes === undefined) return
  for (const { ending, certificate } of vomsEndings(facts, await vomsTrustNow(vo, signal))) {
    endings.push(ending)
    addAuthorities(gathering, certificate)
  }
}

/** A proxy that is being renewed ends only when that stops. */
function proxyEnding(
  { vo }: Gathering,
  registration: Registration,
  { failures, lastFailure }: RegistrationState,
): Pick<Ending, 'automatic' | 'cure'> {
  if (failures === 0) return { automatic: true, cure: NOTHING_TO_DO }
  if (isJobFile(registration.fileName)) {
    return { automatic: false, cure: lastFailure?.hint ?? JOBS_REGISTER }
  }
  const renew = voboxCommand(vo.vo, 'renew', '--dn', registration.identity)
  const register = `Its owner logs in with a fresh proxy: ${registerCommand(vo.vo, registration)}`
  return { automatic: false, cure: lastFailure?.hint ?? `Try ${renew}; or ${register}` }
}

/** Its CA, the CA of that, and their CRLs. */
function addAuthorities({ anchors, endings, now }: Gathering, certificate: Certificate): void {
  if (anchors === undefined) return
  const lists = listsOf(anchors)
  let below = certificate
  for (let depth = 0; depth < 10; depth++) {
    const [anchor] = anchors.anchorsNamed(below.issuer)
    if (anchor === undefined) return
    const { certificate: authority, root } = anchor
    const name = authority.subject.oneLine
    endings.push({
      kind: 'ca-certificate',
      key: authority.fingerprintSha256,
      end: authority.notAfter,
      name,
      automatic: false,
      cure: 'Update the CA certificates of this machine; its users get certificates of the new CA',
    })
    for (const list of lists.filter((one) => one.authority === authority)) {
      if (list.nextUpdate === undefined) continue
      const automatic = list.nextUpdate - now > CRL_LATE_SECONDS
      const cure = 'Run fetch-crl on this machine, and look at what it says'
      endings.push({ kind: 'crl', key: list.file, end: list.nextUpdate, name, automatic, cure })
    }
    if (root) return
    below = authority
  }
}
