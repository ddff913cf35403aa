/** Commands that change a VO: its directory is complete first, and the caller known. */
import { userInfo } from 'node:os'
import { resolve } from 'node:path'
import type {
  RegisterContext,
  RegisterRequest,
} from '../../renewal/registering/register-request.js'
import { type OpenVoOptions, openVo, type VoContext } from './compose.js'
import { currentUid, placeOfLoginProxy } from './compose-login.js'
import { prepareVoDirectory } from './prepare-vo-directory.js'

/** An open VO whose directory is complete, so that nothing that happens goes unwritten. */
export async function openVoForRenewing(options: OpenVoOptions): Promise<VoContext> {
  const vo = await openVo(options)
  await prepareVoDirectory(vo.files, vo.paths)
  return vo
}

/** The same, with somebody who is told when a registration goes. */
export async function openVoForRegistering(
  options: OpenVoOptions,
): Promise<VoContext & RegisterContext> {
  const vo = await openVoForRenewing(options)
  // Brings the mail libraries along, which no other command needs.
  const { alertKeeperFor } = await import('./compose-service.js')
  return { ...vo, sink: alertKeeperFor(vo) }
}

/** Who calls, with the rights that we have now, and where their login proxy is. */
export function callerOf(
  environment: Readonly<Record<string, string | undefined>>,
  proxyFile?: string,
): Pick<RegisterRequest, 'proxyFile' | 'callerUid' | 'callerName'> {
  const callerUid = currentUid()
  const file = proxyFile ?? placeOfLoginProxy(environment, callerUid).path
  const name = nameOfCaller()
  return { proxyFile: resolve(file), callerUid, ...(name !== undefined && { callerName: name }) }
}

/** A path as the service will read it: from no directory of the caller's. */
export function fullPath<T extends string | null | undefined>(path: T): T | string {
  return typeof path === 'string' ? resolve(path) : path
}

/** An account without an entry has no name; then nothing can be stored under one either. */
function nameOfCaller(): string | undefined {
  try {
    return userInfo().username
  } catch {
    return undefined
  }
}
