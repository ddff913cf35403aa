/**
 * STORE: a client hands over a certificate and its key as they are; the key is never opened here.
 *
 * Whose certificate it is does not matter, as in the C server: a primary gives its secondaries what
 * its users stored, and whoever has the key gains nothing by handing it over.
 */
import { type ErrorCode, isVoboxError, toVoboxError, type VoboxError } from '../../../errors.js'
import type { MyProxyRequest } from '../../request.js'
import { encodeResponse } from '../../response.js'
import { MAX_STORED_BYTES, parseStoredFiles, type StoredChain } from '../../stored-files.js'
import { invalidCredentials, isAboutTheClient } from '../refusals.js'
import type { Exchange, ServerContext } from '../server-context.js'
import { requireAffordable } from '../store/key-protection.js'
import { encodeStoredFiles } from '../store/stored-credential.js'
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
  const bytes = await stream.readUntilNul(MAX_STORED_BYTES)
  try {
    const files = parseStoredFiles(bytes)
    requireAffordable(files.keyPem)
    await checkStorable(context, files.chain)
    return files
  } catch (error) {
    throw refusalFor(toVoboxError(error))
  } finally {
    // The key in it may be a plain one.
    bytes.fill(0)
  }
}

/** Of what is in the files, and of nothing that is ours. */
const ABOUT_FILES: readonly ErrorCode[] = [
  'PEM_MALFORMED',
  'ASN1_MALFORMED',
  'KEY_MALFORMED',
  'KEY_ENCRYPTED',
  'MYPROXY_STORE_MALFORMED',
]

function refusalFor(error: VoboxError): VoboxError {
  const told = isVoboxError(error, ...ABOUT_FILES) || isAboutTheClient(error)
  return told ? invalidCredentials(error) : error
}
