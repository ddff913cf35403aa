/** How a MyProxy server is to run, with the defaults of the C server, from options and environment. */
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { printable, VoboxError } from '../../errors.js'
import { DEFAULT_SERVER_CONFIG_FILE } from '../../myproxy/server/config/server-config.js'

type Environment = Readonly<Record<string, string | undefined>>

/** As options say it; all words as they were typed. */
export interface GivenServerOptions {
  config?: string | undefined
  storage?: string | undefined
  listen?: string | undefined
  port?: string | undefined
  pidfile?: string | undefined
  portfile?: string | undefined
  /** Stay in the foreground and log to standard error. */
  debug?: boolean | undefined
  verbose?: boolean | undefined
}

export interface ServerOptions {
  /** Absolute; default `/etc/myproxy-server.config`. */
  configFile: string
  /** Absolute; default `/var/lib/myproxy`, or `/var/myproxy` where only that is there. */
  storageDirectory: string
  /** Name or address to listen on; absent: every one of this machine. */
  host?: string | undefined
  /** Default 7512 (`MYPROXY_SERVER_PORT`); 0: a free one. */
  port: number
  pidFile?: string | undefined
  portFile?: string | undefined
  foreground: boolean
  verbose: boolean
}

export const DEFAULT_PORT = 7512
const STORAGE_DIRECTORIES = ['/var/lib/myproxy', '/var/myproxy'] as const

/** @throws VoboxError `USAGE` for a port that is none. */
export function serverOptionsOf(
  given: GivenServerOptions,
  environment: Environment,
  isThere: (path: string) => boolean = existsSync,
): ServerOptions {
  const absolute = (path: string | undefined) => (path === undefined ? undefined : resolve(path))
  const [usual, other] = STORAGE_DIRECTORIES
  return {
    configFile: resolve(given.config ?? DEFAULT_SERVER_CONFIG_FILE),
    storageDirectory:
      absolute(given.storage) ?? (!isThere(usual) && isThere(other) ? other : usual),
    host: given.listen || undefined,
    port: portOf(given.port, environment),
    pidFile: absolute(given.pidfile),
    portFile: absolute(given.portfile),
    foreground: given.debug ?? false,
    verbose: given.verbose ?? false,
  }
}

function portOf(given: string | undefined, { MYPROXY_SERVER_PORT }: Environment): number {
  const text = given ?? (MYPROXY_SERVER_PORT || undefined)
  if (text === undefined) return DEFAULT_PORT
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text)
  const source = given === undefined ? 'MYPROXY_SERVER_PORT' : '--port'
  throw new VoboxError('USAGE', `${source} must be a port, 0 to 65535: ${printable(text, 60)}`, {
    hint: '0 takes a free one, which --portfile writes down',
    data: { option: source, text: printable(text, 60) },
  })
}
