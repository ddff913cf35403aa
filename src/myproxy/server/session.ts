/**
 * One connection from its first byte to its last: who is it, what is wanted, serve or refuse, and a
 * line for the log.
 */
import { printable, toVoboxError, type VoboxError } from '../../errors.js'
import type { ByteStream } from '../../gsi/byte-stream.js'
import {
  encodeResponse,
  type MyProxyCommand,
  type MyProxyRequest,
  parseRequest,
} from '../messages.js'
import { MAX_REQUEST_BYTES, violation } from '../text-message.js'
import { linesForClient, unsupported } from './refusals.js'
import { serveGet } from './serve-get.js'
import { serveDestroy, serveInfo } from './serve-owner.js'
import { servePut } from './serve-put.js'
import { serveStore } from './serve-store.js'
import { serveTrustRoots } from './serve-trust-roots.js'
import type { Client, Exchange, ServerContext } from './server-context.js'
import { checkUserName } from './stored-names.js'

/** What a client sends first: `0` means that it delegates nothing on the level of TLS. */
const NO_DELEGATION = '0'.charCodeAt(0)

type Serve = (context: ServerContext, exchange: Exchange, request: MyProxyRequest) => Promise<void>

const SERVED: Partial<Record<MyProxyCommand, Serve>> = {
  get: serveGet,
  put: servePut,
  info: serveInfo,
  destroy: serveDestroy,
  store: serveStore,
  'get-trust-roots': serveTrustRoots,
}

/** Serves one request and ends the stream. Never throws. */
export async function serveSession(
  context: ServerContext,
  stream: ByteStream,
  identify: () => Promise<Client>,
  signal: AbortSignal,
): Promise<void> {
  const log: SessionLog = { peer: stream.label }
  try {
    const client = await identify()
    log.client = client.dn
    const request = await readRequest(stream)
    log.command = request.command
    log.username = request.username
    await serve(context, { stream, client, signal }, request)
    writeLog(context, log)
  } catch (thrown) {
    const error = toVoboxError(thrown)
    writeLog(context, log, error)
    await tell(stream, error)
  }
  await stream.finish().catch(() => undefined)
}

async function readRequest(stream: ByteStream): Promise<MyProxyRequest> {
  const [first] = await stream.readExactly(1)
  if (first !== NO_DELEGATION) throw violation('the first byte is not "0"', { first })
  const request = parseRequest(await stream.readUntilNul(MAX_REQUEST_BYTES))
  // An empty name is how some clients say "the default one".
  if (request.credentialName === '') delete request.credentialName
  return request
}

async function serve(
  context: ServerContext,
  exchange: Exchange,
  request: MyProxyRequest,
): Promise<void> {
  const command = SERVED[request.command]
  if (command === undefined) throw unsupported(request.command)
  if (request.command !== 'get-trust-roots') checkUserName(request.username)
  await command(context, exchange, request)
}

/** The error as a response, if anybody is still there to read it. */
async function tell(stream: ByteStream, error: VoboxError): Promise<void> {
  const messages = linesForClient(error)
  await stream.write(encodeResponse({ kind: 'error', messages })).catch(() => undefined)
}

interface SessionLog {
  peer: string
  client?: string
  command?: MyProxyCommand
  username?: string
}

function writeLog({ journal }: ServerContext, log: SessionLog, error?: VoboxError): void {
  const fields = {
    peer: log.peer,
    client: log.client && printable(log.client, 500),
    command: log.command,
    username: log.username && printable(log.username, 500),
  }
  if (error === undefined) journal.write('info', 'myproxy-served', 'Request served', fields)
  else {
    journal.write(
      error.code === 'INTERNAL' ? 'error' : 'warn',
      'myproxy-refused',
      printable(error.message),
      { ...fields, code: error.code },
    )
  }
}
