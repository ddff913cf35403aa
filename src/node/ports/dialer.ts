/** Names and TCP from Node, each wait cancellable. */
import { lookup } from 'node:dns/promises'
import { connect, isIP, type Socket } from 'node:net'
import { printable, VoboxError } from '../../errors.js'
import type { Address, Dialer } from '../../ports/dialer.js'

/** What the system's refusals mean, for people who do not know errno. */
const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there',
  ECONNRESET: 'the connection was cut at once',
  EHOSTUNREACH: 'the host cannot be reached',
  ENETUNREACH: 'there is no route to its network',
  ETIMEDOUT: 'the system gave up waiting',
  EADDRNOTAVAIL: 'this host has no address of that kind',
  EACCES: 'a firewall of this host forbids it',
  EPERM: 'a firewall of this host forbids it',
  ENOTFOUND: 'the name does not exist',
  EAI_AGAIN: 'the name server does not answer',
}

export const nodeDialer: Dialer = {
  /**
   * Asks the system's resolver, so that `/etc/hosts` and `nsswitch.conf` count. `verbatim` keeps its
   * order (RFC 6724) instead of putting IPv4 first. The lookup itself cannot be cancelled: an abort
   * leaves it behind, to end by the resolver's own deadline.
   */
  async resolve(host: string, signal?: AbortSignal): Promise<readonly Address[]> {
    signal?.throwIfAborted()
    const family = isIP(host)
    if (family !== 0) return [{ ip: host, family: family === 6 ? 6 : 4 }]
    const found = await unlessAborted(
      lookup(host, { all: true, verbatim: true }).catch((error: NodeJS.ErrnoException) => {
        throw unresolved(host, error)
      }),
      signal,
    )
    if (found.length === 0) throw unresolved(host)
    const addresses = new Map<string, Address>()
    for (const { address, family } of found) {
      addresses.set(address, { ip: address, family: family === 6 ? 6 : 4 })
    }
    return [...addresses.values()]
  },

  connect(address: Address, port: number, signal?: AbortSignal): Promise<Socket> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const socket = connect({ host: address.ip, port, family: address.family, noDelay: true })
      const settle = (act: () => void) => {
        socket.off('connect', connected)
        signal?.removeEventListener('abort', aborted)
        act()
      }
      const aborted = () =>
        settle(() => {
          socket.destroy()
          reject(signal?.reason)
        })
      const connected = () => {
        socket.off('error', failed)
        settle(() => resolve(socket))
      }
      // Stays attached after an abort: a socket that fails while it is destroyed must not throw.
      const failed = (error: NodeJS.ErrnoException) => {
        settle(() => reject(unconnected(address, port, error)))
      }
      socket.once('connect', connected)
      socket.on('error', failed)
      signal?.addEventListener('abort', aborted, { once: true })
    })
  },
}

async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  let onAbort: () => void = () => undefined
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

function unresolved(host: string, error?: NodeJS.ErrnoException): VoboxError {
  const shown = printable(host, 255)
  const why = CAUSES[error?.code ?? ''] ?? error?.code ?? 'it has no address'
  return new VoboxError('NAME_NOT_RESOLVED', `cannot find an address of ${shown}: ${why}`, {
    data: { host: shown, errno: error?.code },
    cause: error,
    hint: 'Check the name of the server and this host’s name service',
  })
}

function unconnected(address: Address, port: number, error: NodeJS.ErrnoException): VoboxError {
  const where = address.family === 6 ? `[${address.ip}]:${port}` : `${address.ip}:${port}`
  const why = CAUSES[error.code ?? ''] ?? printable(error.code ?? error.message, 80)
  return new VoboxError('CONNECTION_FAILED', `cannot connect to ${where}: ${why}`, {
    data: { ip: address.ip, port, errno: error.code },
    cause: error,
  })
}
