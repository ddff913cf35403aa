/** `vobox-proxy myproxy-server`: a server that detaches, or one in the foreground of the caller. */
import { startDetached } from './detach.js'
import { runServer } from './run-server.js'
import { type GivenServerOptions, serverOptionsOf } from './server-options.js'
import { wordsOf } from './server-words.js'

/** Said once, by whoever starts it: nobody would see it later. */
export const NOT_LOGGED = 'warning: there is no syslog here, and the server logs nowhere'

export interface ServeMyProxyOptions {
  /** Directory of the installation, which holds `bin`. */
  home: string
  environment: Readonly<Record<string, string | undefined>>
}

/**
 * Resolves when the server listens in a process of its own; in the foreground, when it has ended.
 *
 * @returns whether its log goes anywhere.
 * @throws VoboxError `USAGE`, and whatever keeps a server from listening.
 */
export async function serveMyProxy(
  given: GivenServerOptions,
  { home, environment }: ServeMyProxyOptions,
): Promise<{ logged: boolean }> {
  const options = serverOptionsOf(given, environment)
  if (!options.foreground) return startDetached(wordsOf(given), { home, environment })
  const status = await runServer({ ...options, environment })
  // A key that is being made would otherwise hold the end up.
  process.exit(status)
}
