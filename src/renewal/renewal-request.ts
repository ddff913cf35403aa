/** What a registration asks of its MyProxy servers: one way for the service, `register` and `check`. */
import { isVoboxError } from '../errors.js'
import { type MyProxyServer, parseServerList } from '../myproxy/server-list.js'
import type { Credential } from '../proxy/credential.js'
import type { Registration } from '../registry/registration.js'
import type { RenewalContext, RenewalRequest } from './context.js'

/** The servers of a registration as addresses, in its order. */
export function serversOf(
  { config }: Pick<RenewalContext, 'config'>,
  { servers }: Pick<Registration, 'servers'>,
): MyProxyServer[] {
  return parseServerList(servers, config.myproxy.port)
}

/** The name it is stored under. */
export const usernameOf = ({ username, identity }: Registration): string => username ?? identity

/**
 * The machine proxy; undefined where there is none that works and none is needed.
 *
 * @throws VoboxError `MACHINE_PROXY_MISSING`, `MACHINE_PROXY_EXPIRED`.
 */
export async function machineFor(
  context: Pick<RenewalContext, 'machineProxy'>,
  { passPhraseFile }: Pick<Registration, 'passPhraseFile'>,
): Promise<Credential | undefined> {
  try {
    return await context.machineProxy()
  } catch (error) {
    const needed = passPhraseFile === undefined
    if (needed || !isVoboxError(error, 'MACHINE_PROXY_MISSING', 'MACHINE_PROXY_EXPIRED'))
      throw error
    return undefined
  }
}

/** A whole request but for who asks. */
export function renewalRequest(
  context: Pick<RenewalContext, 'config'>,
  registration: Registration,
  {
    machine,
    ...rest
  }: {
    machine: Credential | undefined
    current: Credential
    signal?: AbortSignal | undefined
  },
): RenewalRequest {
  const { credentialName, passPhraseFile, lifetimeSeconds } = registration
  const { current, signal } = rest
  return {
    servers: serversOf(context, registration),
    username: usernameOf(registration),
    ...(credentialName !== undefined && { credentialName }),
    lifetimeSeconds,
    ...(machine !== undefined && { machine }),
    current,
    ...(passPhraseFile !== undefined && { passPhraseFile }),
    ...(signal && { signal }),
  }
}
