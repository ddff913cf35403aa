/** Whether the service would take a proxy for a job, found out without asking it. */
import { isVoboxError, printable, VoboxError } from '../../errors.js'
import { admitJobProxy } from '../../jobs/admit-job-proxy.js'
import { worthKey } from '../../jobs/job-proxy.js'
import type { SpoolProxy } from '../../jobs/spool/read-spool.js'
import { parseServerList, showServer } from '../../myproxy/server-list.js'
import { MAX_CREDENTIAL_BYTES, parseCredential } from '../../proxy/credential.js'
import { attributeRulesNow } from '../../renewal/trust-now.js'
import type { VoContext } from '../compose/compose.js'

/** What the service refuses too. */
const FORBIDDEN_MODE = 0o177

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
    const { bytes } = await files.read(path, {
      maxBytes: MAX_CREDENTIAL_BYTES,
      owners: [directory.uid],
      forbiddenMode: FORBIDDEN_MODE,
    })
    const rules = { anchors, attributes, now: clock.now(), config, path }
    const { worth } = admitJobProxy(parseCredential(bytes), rules)
    return { key: worthKey({ ...worth, server: oneServer(server, config.myproxy.port) }) }
  } catch (error) {
    if (isVoboxError(error)) return { error }
    throw error
  }
}

function oneServer(text: string, port: number): string {
  const [only, another] = parseServerList(text, port)
  if (only !== undefined && another === undefined) return showServer(only)
  throw new VoboxError('SERVER_LIST_INVALID', `${printable(text)} is not one MyProxy server`, {
    hint: 'A job names the server that its proxy is renewed from as HOST or HOST:PORT',
    data: { servers: printable(text) },
  })
}
