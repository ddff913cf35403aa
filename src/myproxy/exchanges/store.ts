/**
 * STORE: hands a certificate and its key to the server as they are, for RETRIEVE.
 *
 * Both go as one text of PEM blocks that ends with a NUL. The server is given no pass phrase: the key
 * should be encrypted already.
 */
import type { MyProxyContext } from '../context.js'
import { readOk, sendRequest, sendStoredFiles } from '../conversation.js'
import { encodeStoredFiles, type StoredFiles } from '../stored-files.js'
import type { Answered, OwnerCall, StoredTerms } from './call.js'
import { converse, plainRequest, termsOf } from './converse.js'

/** What is stored as it is, and on which terms. */
export interface StoreCall extends OwnerCall, StoredTerms {
  stored: StoredFiles
}

/**
 * Stores certificate and key. What is stored under that name already, by the same owner, is replaced.
 *
 * @throws what {@link encodeStoredFiles} does, before anybody is asked; `MYPROXY_NOT_AUTHORISED`,
 *   `MYPROXY_NOT_OWNER`, `ALL_SERVERS_FAILED`.
 */
export async function requestStore(context: MyProxyContext, call: StoreCall): Promise<Answered> {
  const files = encodeStoredFiles(call.stored)
  return converse(context, call, 'writes', async (channel, server) => {
    await sendRequest(channel, { ...plainRequest(call), ...termsOf(call), command: 'store' })
    await readOk(channel)
    await sendStoredFiles(channel, files)
    await readOk(channel)
    return { server }
  })
}
