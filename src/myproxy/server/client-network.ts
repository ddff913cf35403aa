/** An IPv4 address as people write it, also where a socket for both kinds has it in IPv6 clothes. */
export function plainAddress(address = ''): string {
  return /^::ffff:/i.test(address) && address.includes('.') ? address.slice(7) : address
}

/**
 * What is counted as one client where addresses are counted: an IPv4 address, also in IPv6 clothes,
 * or the /64 of an IPv6 address, of which a client can take any of 2^64 (RFC 4291 §2.5.1).
 */
export function clientNetwork(given: string): string {
  const address = plainAddress(given)
  if (!address.includes(':')) return address
  const [head = '', tail = ''] = address.split('::')
  const left = head.split(':').filter((group) => group !== '')
  const right = tail.split(':').filter((group) => group !== '')
  const zeros = Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0')
  return [...left, ...zeros, ...right].slice(0, 4).join(':')
}

/** Connections that are open, by {@link clientNetwork}. */
export class NetworkCounter {
  readonly #open = new Map<string, number>()

  /** Counts one more; returns how many there were before, and what to call when it ends. */
  enter(address: string): { before: number; leave: () => void } {
    const network = clientNetwork(address)
    const before = this.#open.get(network) ?? 0
    this.#open.set(network, before + 1)
    const leave = () => {
      const left = (this.#open.get(network) ?? 1) - 1
      if (left === 0) this.#open.delete(network)
      else this.#open.set(network, left)
    }
    return { before, leave }
  }
}
