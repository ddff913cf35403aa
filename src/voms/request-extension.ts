/**
 * The attributes of one proxy: several VOs, several FQANs of each, in the order asked for.
 *
 * Each VO gives one attribute certificate; the first VO named comes first, and with it the primary
 * FQAN of the proxy.
 */
import { isVoboxError, VoboxError } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import { withDeadline } from '../ports/deadline.js'
import { showDuration } from '../ports/time-text.js'
import { describeChain } from '../proxy/chain-facts.js'
import type { Credential } from '../proxy/credential.js'
import type { CertificateExtension } from '../x509/certificate.js'
import { acSequenceExtension } from './ac-sequence.js'
import type { AttributeCertificate } from './attribute-certificate.js'
import { type AttributeRequest, showAttributeRequest } from './attribute-request.js'
import { type GrantedByServer, requestAttributes } from './request-attributes.js'
import type { VomsContext } from './voms-context.js'
import type { VomsServer } from './vomses.js'

export interface ExtensionCall {
  /** Asks. One that carries attributes already gets no more than those. */
  credential: Credential
  /** At least one. */
  requests: readonly AttributeRequest[]
  /** How long the attributes are to last, in seconds. */
  lifetimeSeconds: number
  /** Take what is granted where something is not; default false. */
  allowPartial?: boolean | undefined
  /** Ask also with a credential that carries attributes, and say so in a warning; default false. */
  allowCarried?: boolean | undefined
  /** Hosts that alone may use the attributes; default: any. */
  targets?: readonly string[] | undefined
  signal?: AbortSignal | undefined
}

/** Something that worked otherwise than asked, and is worth a word. */
export interface DressWarning {
  kind: 'server-says' | 'shorter-than-asked' | 'carries-attributes' | 'not-granted'
  vo: string
  /** One sentence, safe to show. */
  message: string
}

export interface RequestedExtension {
  /** For the proxy; the attribute certificates byte for byte as received. */
  extension: CertificateExtension
  /** The same, parsed and not verified. */
  certificates: readonly AttributeCertificate[]
  /** When the first of them ends. */
  end: UnixSeconds
  warnings: DressWarning[]
  /** What was asked for and not granted; only with `allowPartial`. */
  missing: AttributeRequest[]
}

/** Servers round, and their clocks differ. */
const SHORTER_TOLERANCE_SECONDS = 360

/** Refusals after which a caller who takes less goes on. */
const ABOUT_THE_USER = [
  'VOMS_ATTRIBUTE_NOT_GRANTED',
  'VOMS_NO_SUCH_USER',
  'VOMS_USER_SUSPENDED',
] as const

/**
 * Asks every VO and makes the extension of it. VOs are asked at once.
 *
 * @throws VoboxError what `VomsesFiles.serversOf` and {@link requestAttributes} throw, of the first
 *   VO that failed; `DEADLINE_EXCEEDED` for vomses files that cannot be read in time;
 *   `CREDENTIAL_CARRIES_ATTRIBUTES`.
 */
export async function requestExtension(
  context: VomsContext,
  call: ExtensionCall,
): Promise<RequestedExtension> {
  if (call.requests.length === 0) throw new TypeError('nothing to ask for')
  const carried = carriedAttributes(call)
  const settled = await Promise.allSettled(
    [...byVo(call.requests)].map(([vo, requests]) =>
      requestOfVo(context, { ...call, requests }, vo),
    ),
  )
  const answers = settled.map((result) => {
    if (result.status === 'rejected') throw result.reason
    return result.value
  })
  const granted = answers.flatMap(({ granted: one }) => one ?? [])
  const refusal = answers.find(({ refused }) => refused !== undefined)?.refused
  if (granted.length === 0 && refusal !== undefined) throw refusal
  const certificates = granted.flatMap((one) => one.certificates)
  return {
    extension: acSequenceExtension(granted.flatMap(({ acs }) => acs)),
    certificates,
    end: Math.min(...certificates.map(({ notAfter }) => notAfter)) as UnixSeconds,
    warnings: [...carried, ...answers.flatMap((answer) => warningsOf(context, call, answer))],
    missing: answers.flatMap(({ missing }) => missing),
  }
}

/** In the order in which the VOs are named first. */
function byVo(requests: readonly AttributeRequest[]): Map<string, AttributeRequest[]> {
  const groups = new Map<string, AttributeRequest[]>()
  for (const request of requests) {
    groups.set(request.vo, [...(groups.get(request.vo) ?? []), request])
  }
  return groups
}

interface VoAnswer {
  vo: string
  /** Undefined: nothing at all. */
  granted: GrantedByServer | undefined
  missing: AttributeRequest[]
  /** Why something is missing. */
  refused?: VoboxError
}

async function requestOfVo(
  context: VomsContext,
  call: ExtensionCall,
  vo: string,
): Promise<VoAnswer> {
  const servers = await serversOf(context, vo, call.signal)
  const ask = (requests: readonly AttributeRequest[]) =>
    requestAttributes(context, { ...call, servers, requests })
  try {
    return { vo, granted: await ask(call.requests), missing: [] }
  } catch (error) {
    if (call.allowPartial !== true || !isVoboxError(error, ...ABOUT_THE_USER)) throw error
    return { vo, refused: error, ...(await requestEach(ask, call.requests)) }
  }
}

/** The files may lie on a file system of the network that does not answer. */
function serversOf(
  { clock, answerMs, vomses }: VomsContext,
  vo: string,
  signal: AbortSignal | undefined,
): Promise<VomsServer[]> {
  const late = () =>
    new VoboxError(
      'DEADLINE_EXCEEDED',
      `the vomses files were not read within ${answerMs / 1000} s`,
      {
        hint: 'Look at the file system that they are on',
        data: { vo, paths: vomses.paths, deadlineMs: answerMs },
      },
    )
  return withDeadline(clock, answerMs, signal, late, () => vomses.serversOf(vo))
}

/** Servers grant all or nothing: each alone shows which of them, then those together. */
async function requestEach(
  ask: (requests: readonly AttributeRequest[]) => Promise<GrantedByServer>,
  requests: readonly AttributeRequest[],
): Promise<{ granted: GrantedByServer | undefined; missing: AttributeRequest[] }> {
  if (requests.length === 1) return { granted: undefined, missing: [...requests] }
  const missing: AttributeRequest[] = []
  let granted: GrantedByServer | undefined
  for (const request of requests) {
    try {
      granted = await ask([request])
    } catch (error) {
      if (!isVoboxError(error, ...ABOUT_THE_USER)) throw error
      missing.push(request)
    }
  }
  const left = requests.filter((request) => !missing.includes(request))
  return { granted: left.length > 1 ? await ask(left) : granted, missing }
}

function warningsOf(
  { clock }: VomsContext,
  { lifetimeSeconds }: ExtensionCall,
  { vo, granted, missing, refused }: VoAnswer,
): DressWarning[] {
  const warnings: DressWarning[] = []
  const said = granted?.warnings.map((text) => `"${text}"`).join(', ') ?? ''
  const ends = granted?.certificates.map(({ notAfter }) => notAfter) ?? []
  const seconds = Math.min(...ends) - clock.now()
  if (ends.length > 0 && seconds < lifetimeSeconds - SHORTER_TOLERANCE_SECONDS) {
    const message = `the attributes of ${vo} last ${showDuration(seconds)}, not the ${showDuration(lifetimeSeconds)} asked for`
    const words = said === '' ? '' : ` (the server says: ${said})`
    warnings.push({ kind: 'shorter-than-asked', vo, message: message + words })
  } else if (said !== '') {
    warnings.push({ kind: 'server-says', vo, message: `the VOMS server of ${vo} says: ${said}` })
  }
  if (missing.length > 0) {
    const what = missing.map(showAttributeRequest).join(', ')
    const why = refused === undefined ? '' : `: ${refused.message}`
    warnings.push({ kind: 'not-granted', vo, message: `${what} is not granted${why}` })
  }
  return warnings
}

/**
 * A server that is asked with attributes grants only what is among them, however much more the user
 * has, and only while they last.
 */
function carriedAttributes({ credential, allowCarried, requests }: ExtensionCall): DressWarning[] {
  const facts = describeChain(credential.chain)
  if (facts.acBytes === undefined) return []
  const identity = facts.identity.oneLine
  const message = `the credential of ${identity} carries VOMS attributes already, and a server grants only what is among them`
  if (allowCarried === true) {
    return [{ kind: 'carries-attributes', vo: requests[0]?.vo ?? '', message }]
  }
  throw new VoboxError('CREDENTIAL_CARRIES_ATTRIBUTES', message, {
    data: { identity },
    hint: 'Its owner stores it again without --voms: vobox-proxy myproxy init --for-vobox, from the user certificate',
  })
}
