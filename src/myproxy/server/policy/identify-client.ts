/** Who a client is, as its certificates tell. */
import type { TLSSocket } from 'node:tls'
import { isVoboxError, VoboxError } from '../../../errors.js'
import { readPeerChain } from '../../../gsi/peer-chain.js'
import { untrustedClient } from '../refusals.js'
import {
  type Client,
  type ServerContext,
  speaksForOwner,
  validateChain,
} from '../server-context.js'
import { ANONYMOUS, plainDn } from './dn-pattern.js'

/**
 * Who is at the other end of a socket. The chain is validated before anything that the client sends
 * is looked at.
 *
 * @throws a refusal for a chain that is not trusted; `TRUST_ANCHORS_UNREADABLE`.
 */
export async function identifyClient(
  context: ServerContext,
  socket: TLSSocket,
  address: string,
): Promise<Client> {
  try {
    const certificates = readPeerChain(socket, context.certificates.parse)
    if (certificates.length === 0) {
      return { dn: ANONYMOUS, forms: plainDn(ANONYMOUS), address }
    }
    const chain = await validateChain(context, certificates, 'client')
    if (!speaksForOwner(chain)) {
      throw new VoboxError(
        'PROXY_KIND_REFUSED',
        'an independent or restricted proxy does not speak for its owner',
        { data: { policy: chain.facts.policy } },
      )
    }
    const { identity } = chain.facts
    return { dn: identity.oneLine, forms: identity, address, chain }
  } catch (error) {
    if (isVoboxError(error) && error.code !== 'TRUST_ANCHORS_UNREADABLE') {
      throw untrustedClient(error)
    }
    throw error
  }
}
