/**
 * The list in `MYPROXY_SERVER`: comma-separated, each `host`, `host:port`, `[v6]:port` or a bare
 * IPv6 address. The order is the administrator's and is kept.
 */
import { isIPv6 } from 'node:net'
import { printable, VoboxError } from '../errors.js'
import { type ServerAddress, showAddress } from '../gsi/server-address.js'

/** `host:port`; {@link parseServerList} reads it back. */
export { showAddress as showServer }

/** A server by its name, or numeric address, and its port. */
export type MyProxyServer = ServerAddress

/** The port IANA gave MyProxy. */
export const DEFAULT_MYPROXY_PORT = 7512

const HOST_NAME = /^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,252}[A-Za-z0-9_.])?$/

/**
 * Reads a list; blanks around entries and empty entries are ignored, repetitions dropped.
 *
 * @param defaultPort where an entry names none.
 * @throws `SERVER_LIST_INVALID` for an entry that is none of the forms, and for a list of nothing.
 */
export function parseServerList(
  text: string | readonly string[],
  defaultPort: number,
): MyProxyServer[] {
  const entries = (typeof text === 'string' ? [text] : text)
    .flatMap((part) => part.split(','))
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '')
  if (entries.length === 0) {
    throw new VoboxError('SERVER_LIST_INVALID', 'no MyProxy server is given', {
      hint: 'Give one with -s HOST, in $MYPROXY_SERVER, or as myproxy.servers in the configuration',
    })
  }
  const servers = new Map<string, MyProxyServer>()
  for (const entry of entries) {
    const server = parseEntry(entry, defaultPort)
    servers.set(showAddress(server).toLowerCase(), server)
  }
  return [...servers.values()]
}

function parseEntry(entry: string, defaultPort: number): MyProxyServer {
  if (isIPv6(entry)) return { host: entry, port: defaultPort }
  const bracketed = /^\[([^\]]*)\](?::(\d+))?$/.exec(entry)
  const [, host = '', port] = bracketed ?? /^([^:]*)(?::(\d+))?$/.exec(entry) ?? []
  if (bracketed ? !isIPv6(host) : !HOST_NAME.test(host)) throw invalid(entry, 'not a host name')
  const number = port === undefined ? defaultPort : Number(port)
  if (number < 1 || number > 65_535) throw invalid(entry, 'the port is not between 1 and 65535')
  return { host, port: number }
}

function invalid(entry: string, reason: string): VoboxError {
  const shown = printable(entry, 100)
  return new VoboxError('SERVER_LIST_INVALID', `MyProxy server "${shown}": ${reason}`, {
    data: { entry: shown, reason },
    hint: 'Write HOST, HOST:PORT or [IPV6]:PORT, separated by commas',
  })
}
