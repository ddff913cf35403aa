/** RETRIEVE: certificate and key as they were stored. */
import type { Certificate } from '../../x509/certificate.js'
import type { MyProxyContext } from '../context.js'
import { readOk, readStoredFiles, sendRequest } from '../conversation.js'
import { parseStoredFiles } from '../stored-files.js'
import type { AnonymousCall, Answered, TrustRootsWish, WithTrustRoots } from './call.js'
import { askerOf, askForTrustRoots, converse, plainRequest } from './converse.js'

/** Which key is asked for, and what proves that the caller may have it. */
export type RetrieveCall = AnonymousCall & TrustRootsWish

/** Certificate and key as they were stored. */
export interface RetrievedFiles extends Answered, WithTrustRoots {
  /** Leaf first, no root. Whether it is trusted is for the caller to judge. */
  chain: readonly Certificate[]
  /** One PEM block, encrypted if it was stored so. A secret. */
  keyPem: string
}

/**
 * Fetches certificate and key.
 *
 * @throws the `MYPROXY_…` codes for a refusal, what {@link parseStoredFiles} does,
 *   `ALL_SERVERS_FAILED`.
 */
export function requestRetrieval(
  context: MyProxyContext,
  call: RetrieveCall,
): Promise<RetrievedFiles> {
  return converse(context, call, 'reads', async (channel, server) => {
    await sendRequest(channel, {
      ...plainRequest(call),
      ...askForTrustRoots(call.trustRoots),
      command: 'retrieve',
      passPhrase: call.passPhrase ?? '',
    })
    const { trustRoots } = await readOk(channel, {
      trustRoots: call.trustRoots,
      asker: askerOf(call),
    })
    const stored = parseStoredFiles(await readStoredFiles(channel))
    await readOk(channel)
    return { server, ...stored, trustRoots }
  })
}
