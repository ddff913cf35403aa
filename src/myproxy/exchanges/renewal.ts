/** Renewal: GET by a renewer, authorised by the proxy that is to be renewed. */
import type { Credential } from '../../proxy/credential.js'
import type { MyProxyContext } from '../context.js'
import type { Answered, CredentialCall } from './call.js'
import { requestGet } from './get.js'

export interface RenewalCall extends CredentialCall {
  /** Lifetime asked for, in seconds; 0: as much as the server gives. */
  lifetimeSeconds: number
  /** Authenticates us: the machine proxy. */
  machine: Credential
  /** Authorises the renewal by signing the server's challenge: the user proxy as it is now. */
  current: Credential
}

/**
 * A fresh proxy of a stored credential, for a renewer. No pass phrase is sent.
 *
 * @throws what {@link requestGet} does.
 */
export function requestRenewal(
  context: MyProxyContext,
  { machine, current, ...call }: RenewalCall,
): Promise<Answered & { credential: Credential }> {
  return requestGet(context, { ...call, credential: machine, authorization: current })
}
