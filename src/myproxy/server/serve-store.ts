/**
 * STORE: a client hands over a certificate and its key as they are; the key is never opened here.
 *
 * Whose certificate it is does not matter, as in the C server: a primary gives its secondaries what
 * its users stored, and whoever has the key gains nothing by handing it over.
 */
import { isVoboxError, toVoboxError, type VoboxError } from '../../errors.js'
import { readStoredFiles } from '../conversation.js'
import { encodeResponse, type MyProxyRequest } from '../messages.js'
import { parseStoredFiles, type StoredChain } from '../stored-files.js'
import { invalidCredentials, isAboutTheClient } from './refusals.js'
import type { Exchange, ServerContext } from './server-context.js'
import { encodeStoredFiles } from './stored-credential.js'
import { admitStoring, checkStorable, keepStored } from './storing.js'

export async function serveStore(
  context: ServerContext,
  exchange: Exchange,
  request: MyProxyRequest,
): Promise<void> {
  const { stream } = exchange
  const admit = await admitStoring(context, exchange, request)
  await stream.write(encodeResponse({ kind: 'ok', credentials: [] }))
  const files = await receiveValid(context, exchange)
  await keepStored(context, exchange, request, { creds: encodeStoredFiles(files), admit })
  exchange.audit.done()
  await stream.write(encodeResponse({ kind: 'ok', credentials: [] }))
}

async function receiveValid(context: ServerContext, { stream }: Exchange): Promise<StoredChain> {
  const bytes = await readStoredFiles(stream)
  try {
    const files = parseStoredFiles(bytes)
    await checkStorable(context, files.chain)
    return files
  } catch (error) {
    throw refusalFor(toVoboxError(error))
  } finally {
    // The key in it may be a plain one.
    bytes.fill(0)
  }
}

function refusalFor(error: VoboxError): VoboxError {
  const unreadable = isVoboxError(error, 'PEM_MALFORMED', 'KEY_MALFORMED', 'ASN1_MALFORMED')
  return unreadable || isAboutTheClient(error) ? invalidCredentials(error) : error
}
