/** Looking into a proxy file, with the trust anchors of the service. */
import { resolve } from 'node:path'
import { isVoboxError } from '../../errors.js'
import type { UnixSeconds } from '../../ports/clock.js'
import { type CredentialReport, inspectCredential } from '../../proxy/inspect.js'
import type { TrustAnchors } from '../../x509/trust-anchors.js'
import { systemClock } from '../ports/clock.js'
import { nodeFiles } from '../ports/files.js'
import { trustDirectoryOf } from './compose.js'
import { readEffectiveConfig } from './compose-config.js'
import { currentUid, placeOfLoginProxy, readForLooking } from './compose-login.js'

export interface InspectFileOptions {
  /** Absent: the login proxy. */
  file?: string | undefined
  configFile?: string | undefined
  environment: Readonly<Record<string, string | undefined>>
}

export interface InspectedFile {
  file: string
  report: CredentialReport
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
  const bytes = await readForLooking(nodeFiles, { path, named })
  const now = systemClock.now()
  const report = inspectCredential(bytes, await anchorsIfAny(trustDirectoryOf(config)), {
    now,
    allowLegacyProxies: config.trust.allowLegacyProxies,
    maxDelegationDepth: config.limits.maxDelegationDepth,
  })
  return { file: path, report, now }
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
