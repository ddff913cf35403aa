/** Looking into a proxy file, with the trust anchors of the service. */
import { resolve } from 'node:path'
import { isVoboxError, printable, VoboxError } from '../../errors.js'
import type { UnixSeconds } from '../../ports/clock.js'
import type { FileRead } from '../../ports/files.js'
import { parseCertificateChain } from '../../proxy/credential.js'
import { inspectCredential, judgeMode } from '../../proxy/inspect.js'
import { type AttributeJudge, lookAtAttributes } from '../../renewal/query/look-at-attributes.js'
import type { Inspected } from '../../report/info-types.js'
import { reportInnerAttributes } from '../../voms/attribute-report.js'
import type { Certificate } from '../../x509/certificate.js'
import type { TrustAnchors } from '../../x509/trust-anchors.js'
import { systemClock } from '../ports/clock.js'
import { nodeFiles } from '../ports/files.js'
import { readEffectiveConfig } from './compose-config.js'
import { judgeOnDemand } from './compose-judge.js'
import {
  currentUid,
  type LoginProxyPlace,
  placeOfLoginProxy,
  readForLooking,
} from './compose-login.js'

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
  const place =
    options.file === undefined
      ? placeOfLoginProxy(environment, currentUid())
      : { path: resolve(options.file), named: true }
  const { path } = place
  const { bytes, facts: file } = await readProxy(place)
  const now = systemClock.now()
  const judge = judgeOnDemand(config, nodeFiles)
  const anchors = await anchorsIfAny(judge, bytes)
  const { report, facts } = inspectCredential(bytes, anchors, { ...judge, now })
  const seen = { file: path, mode: file.mode.toString(8).padStart(4, '0'), now }
  if (facts === undefined) return { ...seen, report, attributes: [], innerAttributes: [] }
  return {
    ...seen,
    report: judgeMode(report, path, file.mode),
    attributes: await lookAtAttributes(facts, judge, now),
    innerAttributes: reportInnerAttributes(facts, now),
  }
}

/** @throws VoboxError with what makes one where there is none. */
async function readProxy(place: LoginProxyPlace): Promise<FileRead> {
  try {
    return await readForLooking(nodeFiles, place)
  } catch (error) {
    if (!isVoboxError(error, 'FILE_MISSING')) throw error
    throw new VoboxError('FILE_MISSING', `there is no proxy in ${printable(place.path)}`, {
      hint: 'vobox-proxy proxy-init makes one; --file or $X509_USER_PROXY names another file',
      data: error.data,
      cause: error,
    })
  }
}

/** For whatever certificates the file holds; undefined: there is no directory of trust anchors. */
async function anchorsIfAny(
  judge: AttributeJudge,
  bytes: Uint8Array,
): Promise<TrustAnchors | undefined> {
  try {
    return await judge.anchorsFor(certificatesIn(bytes))
  } catch (error) {
    if (isVoboxError(error, 'TRUST_ANCHORS_UNREADABLE')) return undefined
    throw error
  }
}

function certificatesIn(bytes: Uint8Array): readonly Certificate[] {
  try {
    return parseCertificateChain(bytes)
  } catch (error) {
    // Then nothing can be validated, and the report says why.
    if (isVoboxError(error)) return []
    throw error
  }
}
