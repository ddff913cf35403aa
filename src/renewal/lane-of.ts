/**
 * Which queue a renewal stands in: of the servers that it needs.
 *
 * With VOMS attributes it needs a MyProxy server and the VOMS servers of its VOs. Such registrations
 * queue apart from plain ones, so that VOMS servers that are down hold up nobody who does not need
 * them, and say nothing about the MyProxy server.
 */
import { isVoboxError } from '../errors.js'
import { parseServerList, showServer } from '../myproxy/server-list.js'
import type { Registration } from '../registry/registration.js'
import type { RenewalContext } from './context.js'

/** The server that is tried first, and the VOs; a list that cannot be parsed has a lane of its own. */
export function laneOf(
  { config }: Pick<RenewalContext, 'config'>,
  { servers, voms }: Pick<Registration, 'servers' | 'voms'>,
): string {
  const vos = new Set(voms.map((one) => one.split(':', 1)[0] ?? ''))
  return [firstServer(servers, config.myproxy.port), ...[...vos].sort()].join(' ')
}

function firstServer(servers: readonly string[], defaultPort: number): string {
  try {
    const [server] = parseServerList(servers, defaultPort)
    return server === undefined ? '' : showServer(server)
  } catch (error) {
    if (!isVoboxError(error)) throw error
    return ''
  }
}
