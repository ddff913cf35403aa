/** `myproxy info`: what is stored under a name, and when that was asked. */
import type { MyProxyInfo } from '../../report/myproxy-info-text.js'
import { systemClock } from '../ports/clock.js'
import { type OwnerOptions, placeOf } from './owner.js'

/** @throws VoboxError what {@link MyProxyClient.info} does. */
export async function askMyProxyInfo(options: OwnerOptions): Promise<MyProxyInfo> {
  const { client, ...call } = options
  const { server, credentials } = await client.info(call)
  const { server: place, username } = placeOf(call, server)
  return { server: place, username, credentials, now: systemClock.now() }
}
