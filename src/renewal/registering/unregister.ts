/** Ending a registration: the proxy file, the registration, its state and its alerts. */
import { printable, VoboxError } from '../../errors.js'
import type { RegisterContext, UnregisterResult } from './register-request.js'
import { snapshotOf } from './register-undo.js'

export type { UnregisterResult } from './register-request.js'

/** How long a renewal that is under way may hold us up. */
const LEASE_DEADLINE_MS = 60_000

/**
 * Removes one registration. The file goes first, since a key must not stay behind unnoticed; where
 * the registration then cannot be removed, the file is put back.
 *
 * @throws VoboxError `NOT_REGISTERED`, `FILE_UNWRITABLE`, `LOCK_TIMEOUT`; nothing has changed then.
 */
export async function unregisterProxy(
  context: RegisterContext,
  { fileName, signal }: { fileName: string; signal?: AbortSignal },
): Promise<UnregisterResult> {
  const { registry, repository, events, sink } = context
  const lease = await registry.lease(fileName, LEASE_DEADLINE_MS, signal)
  try {
    const registration = await registry.get(fileName)
    if (registration === undefined) throw notRegistered(fileName)
    const before = await snapshotOf(context, fileName)
    const fileRemoved = await repository.remove(fileName)
    try {
      await registry.update(fileName, () => undefined, signal)
    } catch (error) {
      if (fileRemoved) await before.restore()
      throw error
    }
    await sink.forget(fileName)
    await events.write('unregistered', { dn: registration.identity, file: fileName })
    return { registration, file: repository.path(fileName), fileRemoved }
  } finally {
    await lease.release()
  }
}

function notRegistered(fileName: string): VoboxError {
  return new VoboxError('NOT_REGISTERED', `${printable(fileName)} is not registered`, {
    hint: 'vobox-proxy --dn all query shows what is',
    data: { fileName },
  })
}
