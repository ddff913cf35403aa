/** Who asks about a stored credential, and of whom: what owners' commands have in common. */
import { type MyProxyServer, showServer } from '../../myproxy/server-list.js'
import type { Credential } from '../../proxy/credential.js'
import type { StoredPlace } from '../../report/myproxy-owner-text.js'
import type { MyProxyClient } from './my-proxy-client.js'

export interface OwnerOptions {
  client: MyProxyClient
  /** Name the credential is stored under. */
  username: string
  /** Absent: the default credential; for `info` all of them. */
  credentialName?: string | undefined
  /** Of the owner, for TLS. */
  credential: Credential
}

export function placeOf(
  { username, credentialName }: Pick<OwnerOptions, 'username' | 'credentialName'>,
  server: MyProxyServer,
): StoredPlace {
  return { server: showServer(server), username, credentialName: credentialName ?? null }
}

/**
 * Asks once for each file: the key that speaks in TLS may be the one that is stored. Whoever gets an
 * answer may wipe it.
 */
export function askedOnce(
  ask: (file: string) => Promise<Buffer>,
): (file: string) => Promise<Buffer> {
  const answers = new Map<string, Buffer>()
  return async (file) => {
    const known = answers.get(file) ?? (await ask(file))
    answers.set(file, Buffer.from(known))
    return known
  }
}
