/** Looking into a proxy file, with the trust anchors of the service. */
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import type { Config } from '../../config/config.js'
import { isVoboxError, VoboxError } from '../../errors.js'
import type { UnixSeconds } from '../../ports/clock.js'
import type { ChainFacts } from '../../proxy/chain-facts.js'
import { inspectCredential, judgeMode, type Verdict } from '../../proxy/inspect.js'
import type { Inspected } from '../../report/info-types.js'
import {
  disbelieveAttributes,
  reportAttributes,
  reportInnerAttributes,
} from '../../voms/attribute-report.js'
import { type JudgedAttributes, judgeAttributes } from '../../voms/verify-attributes.js'
import type { TrustAnchors } from '../../x509/trust-anchors.js'
import { systemClock } from '../ports/clock.js'
import { nodeFiles } from '../ports/files.js'
import { trustDirectoryOf } from './compose.js'
import { readEffectiveConfig } from './compose-config.js'
import { currentUid, placeOfLoginProxy, readForLooking } from './compose-login.js'
import { vomsDirectoryOf } from './compose-voms.js'

export interface InspectFileOptions {
  /** Absent: the login proxy. */
  file?: string | undefined
  configFile?: string | undefined
  environment: Readonly<Record<string, string | undefined>>
}

export interface InspectedFile extends Inspected {
  /** When it was judged. */
  now: UnixSeconds
}

/** Rejects for a file that cannot be read; what is wrong with its content stands in the report. */
export async function inspectFile(options: InspectFileOptions): Promise<InspectedFile> {
  const { environment, configFile } = options
  const config = await readEffectiveConfig(nodeFiles, environment, currentUid(), configFile)
  const { path, named } =
    options.file === undefined
      ? placeOfLoginProxy(environment, currentUid())
      : { path: resolve(options.file), named: true }
  const { bytes, facts: file } = await readForLooking(nodeFiles, { path, named })
  const now = systemClock.now()
  const anchors = await anchorsIfAny(trustDirectoryOf(config))
  const { report, facts } = inspectCredential(bytes, anchors, {
    now,
    allowLegacyProxies: config.trust.allowLegacyProxies,
    maxDelegationDepth: config.limits.maxDelegationDepth,
  })
  const seen = { file: path, mode: file.mode.toString(8).padStart(4, '0'), now }
  if (facts === undefined) return { ...seen, report, attributes: [], innerAttributes: [] }
  const judged = await judge(facts, report.verdict, anchors, config, now)
  return {
    ...seen,
    report: judgeMode(report, path, file.mode),
    attributes: reportAttributes(judged, facts.identity.oneLine, now),
    innerAttributes: reportInnerAttributes(facts, now),
  }
}

async function judge(
  facts: ChainFacts,
  verdict: Verdict,
  anchors: TrustAnchors | undefined,
  config: Config,
  now: UnixSeconds,
): Promise<JudgedAttributes[]> {
  if (facts.acBytes === undefined) return []
  if (anchors === undefined || !verdict.valid) return disbelieveAttributes(facts, notValid(verdict))
  const trust = await vomsDirectoryOf(config).current()
  return judgeAttributes(facts, { trust, anchors, now, host: hostname() })
}

function notValid(verdict: Verdict): VoboxError {
  if (verdict.valid) throw new TypeError('a valid proxy was judged with trust anchors')
  const { code, message, hint } = verdict
  return new VoboxError(code, `the proxy is not valid: ${message}`, { hint: hint ?? undefined })
}

async function anchorsIfAny(
  directory: ReturnType<typeof trustDirectoryOf>,
): Promise<TrustAnchors | undefined> {
  try {
    return await directory.current()
  } catch (error) {
    if (isVoboxError(error, 'TRUST_ANCHORS_UNREADABLE')) return undefined
    throw error
  }
}
