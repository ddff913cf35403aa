/** DESTROY: removes a stored credential. */
import type { MyProxyContext } from '../context.js'
import { readOk, sendRequest } from '../conversation.js'
import type { Answered, OwnerCall } from './call.js'
import { converse, plainRequest } from './converse.js'

/** Which credential its owner removes. */
export type DestroyCall = OwnerCall

/** @throws `MYPROXY_NO_CREDENTIAL`, `MYPROXY_NOT_OWNER`, `ALL_SERVERS_FAILED`. */
export function requestDestroy(context: MyProxyContext, call: DestroyCall): Promise<Answered> {
  return converse(context, call, 'writes', async (channel, server) => {
    await sendRequest(channel, { ...plainRequest(call), command: 'destroy' })
    await readOk(channel)
    return { server }
  })
}
