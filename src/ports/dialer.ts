import type { Socket } from 'node:net'

/** A numeric address of a host. */
export interface Address {
  ip: string
  family: 4 | 6
}

/** Plain TCP; TLS stands on top of it in `gsi/`. */
export interface Dialer {
  /** All addresses of `host` in the resolver's order. Rejects with `NAME_NOT_RESOLVED`. */
  resolve(host: string, signal?: AbortSignal): Promise<readonly Address[]>
  /** A connected socket. Rejects with `CONNECTION_FAILED`, or `signal.reason` when aborted. */
  connect(address: Address, port: number, signal?: AbortSignal): Promise<Socket>
}
