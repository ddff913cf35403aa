/** Every address of a server, side by side: TCP, TLS, chain and name, and not a byte of ours. */
import { toVoboxError } from '../../errors.js'
import type { GsiContext } from '../../gsi/context.js'
import { findAddresses, MAX_ADDRESSES } from '../../gsi/find-addresses.js'
import { openSecureChannel } from '../../gsi/secure-channel.js'
import { type ServerAddress, showAddress } from '../../gsi/server-address.js'
import type { Address } from '../../ports/dialer.js'
import type { Credential } from '../../proxy/credential.js'
import type { AddressLook, ServerLook } from '../../renewal/checking/judge-addresses.js'
import type { Certificate } from '../../x509/certificate.js'

export interface AddressesCall {
  server: ServerAddress
  credential: Credential
  serverDn?: string | undefined
  dnSetting?: string
  services?: readonly string[]
  signal: AbortSignal
}

/** The look, and the chains that the server presented. */
export async function lookAtAddresses(
  context: GsiContext,
  call: AddressesCall,
): Promise<{ look: ServerLook; chains: (readonly Certificate[])[] }> {
  const server = showAddress(call.server)
  const chains: (readonly Certificate[])[] = []
  let addresses: readonly Address[]
  try {
    addresses = await findAddresses(context, call.server.host, call.signal)
  } catch (error) {
    call.signal.throwIfAborted()
    return { look: { server, unresolved: toVoboxError(error), addresses: [] }, chains }
  }
  // As many as a renewal would try.
  const looks = await Promise.all(
    addresses.slice(0, MAX_ADDRESSES).map((address) => lookAtOne(context, call, address, chains)),
  )
  return { look: { server, addresses: looks }, chains }
}

async function lookAtOne(
  context: GsiContext,
  { server, credential, serverDn, dnSetting, services, signal }: AddressesCall,
  address: Address,
  chains: (readonly Certificate[])[],
): Promise<AddressLook> {
  try {
    const channel = await openSecureChannel(context, {
      address,
      port: server.port,
      expectation: {
        host: server.host,
        serverDn,
        ...(dnSetting !== undefined && { dnSetting }),
        ...(services !== undefined && { services }),
      },
      credential,
      signal,
    })
    chains.push(channel.peer.chain)
    channel.close()
    return { ip: address.ip }
  } catch (error) {
    signal.throwIfAborted()
    return { ip: address.ip, error: toVoboxError(error) }
  }
}
