/** GET that ends with the server's yes: may we have what we ask for? (`logon -N`) */
import type { MyProxyContext } from '../context.js'
import { askForDelegation, type DelegationCall } from './ask-for-delegation.js'
import type { Answered } from './call.js'
import { converse } from './converse.js'

/** What is asked for as in a GET, but for a lifetime: nothing is fetched. */
export type AuthenticateCall = Omit<DelegationCall, 'lifetimeSeconds' | 'trustRoots'>

/**
 * Authenticates and fetches nothing; the server writes of a delegation that did not take place.
 *
 * @throws what {@link askForDelegation} does, `ALL_SERVERS_FAILED`.
 */
export function requestAuthentication(
  context: MyProxyContext,
  call: AuthenticateCall,
): Promise<Answered> {
  return converse(context, call, 'reads', async (channel, server) => {
    await askForDelegation(context, channel, { ...call, lifetimeSeconds: 0 })
    return { server }
  })
}
