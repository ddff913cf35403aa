/** Every address of a server, side by side: TCP, TLS, chain and name, and not a byte of ours. */
import { toVoboxError, VoboxError } from '../../errors.js'
import type { GsiContext } from '../../gsi/context.js'
import { openSecureChannel } from '../../gsi/secure-channel.js'
import { type ServerAddress, showAddress } from '../../gsi/server-address.js'
import { withDeadline } from '../../ports/deadline.js'
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

/** As many as a renewal would try. */
const MAX_ADDRESSES = 16

/** The look, and the chains that the server presented. */
export async function lookAtAddresses(
  context: GsiContext,
  call: AddressesCall,
): Promise<{ look: ServerLook; chains: (readonly Certificate[])[] }> {
  const server = showAddress(call.server)
  const chains: (readonly Certificate[])[] = []
  let addresses: readonly Address[]
  try {
    addresses = await resolve(context, call)
  } catch (error) {
    call.signal.throwIfAborted()
    return { look: { server, unresolved: toVoboxError(error), addresses: [] }, chains }
  }
  const looks = await Promise.all(
    addresses.slice(0, MAX_ADDRESSES).map((address) => lookAtOne(context, call, address, chains)),
  )
  return { look: { server, addresses: looks }, chains }
}

function resolve(
  { clock, connectMs, dialer }: GsiContext,
  { server, signal }: AddressesCall,
): Promise<readonly Address[]> {
  const late = () =>
    new VoboxError(
      'DEADLINE_EXCEEDED',
      `no address of ${server.host} within ${connectMs / 1000} s`,
      {
        hint: 'Check this host’s name service',
        data: { host: server.host, deadlineMs: connectMs },
      },
    )
  return withDeadline(clock, connectMs, signal, late, (inner) => dialer.resolve(server.host, inner))
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
