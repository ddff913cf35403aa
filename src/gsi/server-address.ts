import { isIP } from 'node:net'

/** A service as people configure it. */
export interface ServerAddress {
  /** Host name or numeric address, without brackets. */
  host: string
  port: number
}

/** `host:port`, with brackets around an IPv6 address. */
export function showAddress({ host, port }: ServerAddress): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`
}
