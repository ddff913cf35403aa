/** GET_TRUSTROOTS, and the CA files that come with a proxy or a key to whoever asks for them. */
import type { MyProxyRequest } from '../../request.js'
import { encodeResponse } from '../../response.js'
import type { TrustRootFile } from '../../trust-roots.js'
import { passesServerPolicy } from '../policy/policy.js'
import { notARetriever } from '../refusals.js'
import type { Exchange, ServerContext } from '../server-context.js'

/**
 * Whoever may retrieve at all may have them, with a certificate or without. A server that has none
 * to give answers so, as the C server does.
 */
export async function serveTrustRoots(
  context: ServerContext,
  { stream, client, signal }: Exchange,
): Promise<void> {
  if (!passesServerPolicy(context.policy, 'authorized_retrievers', client.forms)) {
    throw notARetriever(client.dn)
  }
  await stream.write(encodeOk(await context.trustRoots?.current(signal)))
}

/**
 * The OK that begins GET and RETRIEVE, with CA files for a client that asked (`TRUSTED_CERTS=1`).
 */
export async function encodeOkWithTrustRoots(
  context: ServerContext,
  request: MyProxyRequest,
  signal: AbortSignal,
): Promise<Buffer> {
  return encodeOk(await wantedTrustRoots(context, request, signal))
}

/** Some megabytes, for anybody who asks: made once for all who are given the same files. */
const ENCODED = new WeakMap<readonly TrustRootFile[], Buffer>()
const NONE: readonly TrustRootFile[] = []

function encodeOk(trustRoots = NONE): Buffer {
  const known = ENCODED.get(trustRoots)
  if (known !== undefined) return known
  const encoded = encodeResponse({ kind: 'ok', credentials: [], trustRoots })
  ENCODED.set(trustRoots, encoded)
  return encoded
}

async function wantedTrustRoots(
  { trustRoots }: ServerContext,
  { trustedCertificates }: MyProxyRequest,
  signal: AbortSignal,
): Promise<readonly TrustRootFile[] | undefined> {
  return trustedCertificates === '1' ? trustRoots?.current(signal) : undefined
}
