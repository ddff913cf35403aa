/**
 * One connection from its first byte to its last: who is it, what is wanted, serve or refuse, and a
 * line for the log.
 */
import { toVoboxError, type VoboxError } from '../../errors.js'
import type { ByteStream } from '../../gsi/byte-stream.js'
import { type MyProxyCommand, type MyProxyRequest, parseRequest } from '../request.js'
import { encodeResponse } from '../response.js'
import { MAX_REQUEST_BYTES, violation } from '../text-message.js'
import type { RequestAudit } from './audit.js'
import { serveChangePassPhrase } from './exchanges/serve-change-pass-phrase.js'
import { serveGet } from './exchanges/serve-get.js'
import { serveDestroy, serveInfo } from './exchanges/serve-owner.js'
import { servePut } from './exchanges/serve-put.js'
import { serveRetrieve } from './exchanges/serve-retrieve.js'
import { serveStore } from './exchanges/serve-store.js'
import { serveTrustRoots } from './exchanges/serve-trust-roots.js'
import { linesForClient, unreadableRequest } from './refusals.js'
import type { Client, Exchange, ServerContext } from './server-context.js'
import { checkUserName } from './store/stored-names.js'

/** What a client sends first: `0` means that it delegates nothing on the level of TLS. */
const NO_DELEGATION = '0'.charCodeAt(0)

/** Lines that every client sends. */
const WHOLE_REQUEST = ['VERSION', 'COMMAND', 'USERNAME', 'PASSPHRASE', 'LIFETIME']

const LINE_END = '\n'.charCodeAt(0)

/** RFC 5246 §6.2.1. */
const MAX_RECORD_BYTES = 2 ** 14

/** How long nothing must follow, in milliseconds: longer than a lost packet takes to come again. */
const QUIET_MS = 1000

type Serve = (context: ServerContext, exchange: Exchange, request: MyProxyRequest) => Promise<void>

const SERVED: Readonly<Record<MyProxyCommand, Serve>> = {
  get: serveGet,
  put: servePut,
  info: serveInfo,
  destroy: serveDestroy,
  'change-pass-phrase': serveChangePassPhrase,
  store: serveStore,
  retrieve: serveRetrieve,
  'get-trust-roots': serveTrustRoots,
}

/** Serves one request, says so in the log, and ends the stream. Never throws. */
export async function serveSession(
  context: ServerContext,
  stream: ByteStream,
  audit: RequestAudit,
  identify: () => Promise<Client>,
  signal: AbortSignal,
): Promise<void> {
  try {
    const client = await identify()
    audit.from(client)
    const request = await readRequest(stream)
    audit.asks(request)
    await serve(context, { stream, client, signal, audit }, request)
    audit.granted()
  } catch (error) {
    audit.refused(error)
    await tell(stream, toVoboxError(error))
  }
  await stream.finish().catch(() => undefined)
}

async function readRequest(stream: ByteStream): Promise<MyProxyRequest> {
  const [first] = await stream.readExactly(1)
  if (first !== NO_DELEGATION) throw violation('the first byte is not "0"', { first })
  const bytes = await stream.readUntilNulOrQuiet(MAX_REQUEST_BYTES, QUIET_MS, isWholeWithoutNul)
  const request = parse(bytes)
  // An empty name is how some clients say "the default one".
  if (request.credentialName === '') delete request.credentialName
  return request
}

/**
 * `arcproxy` ends its requests without the NUL, and the C server takes what came in one record of TLS
 * for one message. Records are not seen here, so a request that could have been one is taken when
 * nothing follows: a line that is missing at its end might be who may retrieve.
 */
function isWholeWithoutNul(received: Buffer): boolean {
  if (received.length > MAX_RECORD_BYTES || received.at(-1) !== LINE_END) return false
  return WHOLE_REQUEST.every((key) => received.includes(`${key}=`))
}

function parse(bytes: Buffer): MyProxyRequest {
  try {
    return parseRequest(bytes)
  } catch (error) {
    throw unreadableRequest(toVoboxError(error))
  } finally {
    // It may hold a pass phrase.
    bytes.fill(0)
  }
}

async function serve(
  context: ServerContext,
  exchange: Exchange,
  request: MyProxyRequest,
): Promise<void> {
  if (request.command !== 'get-trust-roots') checkUserName(request.username)
  await SERVED[request.command](context, exchange, request)
}

/** The error as a response, if anybody is still there to read it. */
async function tell(stream: ByteStream, error: VoboxError): Promise<void> {
  const messages = linesForClient(error)
  await stream.write(encodeResponse({ kind: 'error', messages })).catch(() => undefined)
}
