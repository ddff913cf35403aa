/**
 * A renewal by pass phrase: GET as a retriever, with the machine proxy where there is one, and without
 * any credential where a server takes that alone.
 */
import { type ErrorCode, isVoboxError } from '../errors.js'
import type { FailedAttempt } from '../gsi/attempts.js'
import type { MyProxyContext } from '../myproxy/context.js'
import { type GetCall, type GetResult, requestGet } from '../myproxy/exchanges/get.js'
import { type MyProxyServer, showServer } from '../myproxy/server-list.js'

/** A server that cannot verify the certificate of our machine ends the handshake. */
const OF_OUR_CERTIFICATE: readonly ErrorCode[] = ['TLS_FAILED', 'CONNECTION_CLOSED']

/** What a server says of the caller, and not of the credential. */
const OF_CALLER: readonly ErrorCode[] = ['MYPROXY_NOT_AUTHORISED_RETRIEVER', 'ALL_SERVERS_FAILED']

/**
 * @param call its `credential` is the machine proxy; absent: there is none.
 * @throws VoboxError as `requestGet`.
 */
export async function requestByPassPhrase(
  context: MyProxyContext,
  call: GetCall,
): Promise<GetResult> {
  try {
    return await requestGet(context, call)
  } catch (error) {
    call.signal?.throwIfAborted()
    const servers = call.credential === undefined ? [] : worthAnonymously(error, call.servers)
    if (servers.length === 0) throw error
    const { credential: _machine, ...anonymous } = call
    return requestGet(context, { ...anonymous, servers }).catch((again: unknown) => {
      call.signal?.throwIfAborted()
      // What is said to nobody in particular says less than what was said to us.
      throw isVoboxError(again, ...OF_CALLER) ? error : again
    })
  }
}

/** Servers that may say yes to somebody without a certificate, since they said no to ours. */
function worthAnonymously(error: unknown, servers: readonly MyProxyServer[]) {
  if (!isVoboxError(error)) return []
  if (error.code === 'MYPROXY_NOT_AUTHORISED_RETRIEVER') {
    const peer = String(error.data.peer ?? '').split(' ', 1)[0]
    return servers.filter((server) => showServer(server) === peer)
  }
  if (error.code !== 'ALL_SERVERS_FAILED') return []
  const attempts = (error.data.attempts ?? []) as readonly FailedAttempt[]
  const refused = attempts.filter(({ code }) => OF_OUR_CERTIFICATE.includes(code))
  return servers.filter((one) => refused.some(({ server }) => server === showServer(one)))
}
