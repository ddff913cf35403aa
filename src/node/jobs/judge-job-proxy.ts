/** Whether the service would take a proxy for a job, found out without asking it. */
import { isVoboxError, type VoboxError } from '../../errors.js'
import { admitJobProxy } from '../../jobs/admit-job-proxy.js'
import { oneServer, readHandedProxy } from '../../jobs/handed-proxy.js'
import { worthKey } from '../../jobs/job-proxy.js'
import type { SpoolProxy } from '../../jobs/spool/read-spool.js'
import { parseCredential } from '../../proxy/credential.js'
import { attributeRulesNow } from '../../renewal/trust-now.js'
import type { VoContext } from '../compose/compose.js'

export type JobProxyVerdict =
  /** What it is worth, by which it shares a file. */
  { key: string } | { error: VoboxError }

/** @throws VoboxError when trust material cannot be read. */
export async function judgeJobProxy(
  vo: VoContext,
  { path, server }: Pick<SpoolProxy, 'path' | 'server'>,
  signal?: AbortSignal,
): Promise<JobProxyVerdict> {
  const { files, clock, config, directory } = vo
  const attributes = await attributeRulesNow(vo, signal)
  const { anchors } = attributes
  try {
    // A link in a spool is one that the importer made, or nothing that it may touch.
    const bytes = await readHandedProxy(files, path, [directory.uid], 'none')
    const rules = { anchors, attributes, now: clock.now(), config, path }
    const { worth } = admitJobProxy(parseCredential(bytes), rules)
    return { key: worthKey({ ...worth, server: oneServer(server, config.myproxy.port) }) }
  } catch (error) {
    if (isVoboxError(error)) return { error }
    throw error
  }
}
