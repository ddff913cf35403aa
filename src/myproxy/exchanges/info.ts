/** INFO: what is stored under a name. */
import { noCredential } from '../classify-refusal.js'
import type { MyProxyContext } from '../context.js'
import { readOk, sendRequest } from '../conversation.js'
import type { StoredCredential } from '../response.js'
import type { Answered, OwnerCall } from './call.js'
import { converse, plainRequest } from './converse.js'

/** Under which name its owner looks. */
export type InfoCall = OwnerCall

/** What is stored there. */
export interface InfoResult extends Answered {
  /** One or more; the default credential, where there is one, comes first. */
  credentials: readonly StoredCredential[]
}

/**
 * What is stored under a name, of this owner.
 *
 * @throws `MYPROXY_NO_CREDENTIAL` when nothing is, or nothing of this owner's;
 *   `ALL_SERVERS_FAILED`.
 */
export function requestInfo(context: MyProxyContext, call: InfoCall): Promise<InfoResult> {
  return converse(context, call, 'reads', async (channel, server) => {
    await sendRequest(channel, { ...plainRequest(call), command: 'info' })
    const { credentials } = await readOk(channel)
    if (credentials.length === 0) throw noCredential(channel.label)
    return { server, credentials }
  })
}
