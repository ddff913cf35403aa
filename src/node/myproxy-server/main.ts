/**
 * The program `myproxy-server`, with the options and the manners of the C server: it detaches, unless
 * `-d` has it serve one connection in the foreground. `bin/load.cjs` calls {@link main}.
 *
 * `vobox-proxy myproxy-server` is the same, but that `-d` serves until it is told to stop.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { toVoboxError, VoboxError } from '../../errors.js'
import { EXIT, exitStatusOf } from '../../report/exit-status.js'
import { showFailure } from '../../report/failure.js'
import { hardenProcess } from '../cli/harden-process.js'
import { type Caller, callerIn, startDetached } from './detach.js'
import { runServer } from './run-server.js'
import { NOT_LOGGED, serveMyProxy } from './serve-my-proxy.js'
import { type GivenServerOptions, serverOptionsOf } from './server-options.js'
import { parseServerLine, serverUsage } from './server-words.js'

const PROGRAM = 'myproxy-server'

/** Loads another bundle; what it exports is its own affair. */
type Loader = (bundle: string) => { main: typeof main }

/**
 * Ends the process.
 *
 * @param words after the program's name.
 * @param home directory of the installation.
 */
export async function main(words: readonly string[], _load: unknown, home: string): Promise<void> {
  hardenProcess()
  const caller = callerIn(process.env)
  let status: number
  try {
    status = caller === undefined ? await perform(words, home) : await serve(words, caller)
  } catch (error) {
    const failure = toVoboxError(error)
    if (caller === undefined) process.stderr.write(showFailure(PROGRAM, failure))
    else caller.failed(failure)
    // The C server ends with 1 whatever is wrong.
    status = EXIT.failed
  }
  // A key that is being made would otherwise hold the end up.
  process.exit(status)
}

async function perform(words: readonly string[], home: string): Promise<number> {
  const line = parseServerLine(words, PROGRAM)
  if ('asksFor' in line) {
    process.stdout.write(line.asksFor === 'help' ? serverUsage(PROGRAM) : versionIn(home))
    return EXIT.ok
  }
  const options = serverOptionsOf(line.given, process.env)
  if (options.foreground) return runServer({ ...options, environment: process.env, once: true })
  const { logged } = await startDetached(words, { home, environment: process.env })
  if (!logged) process.stderr.write(`${PROGRAM}: ${NOT_LOGGED}\n`)
  return EXIT.ok
}

/**
 * `vobox-proxy myproxy-server` without the rest of that program, which would stay in memory for as long
 * as the server runs in the foreground. Help and mistakes are the whole program's affair.
 */
export async function command(words: readonly string[], load: Loader, home: string): Promise<void> {
  const given = givenBy(words)
  if (given === undefined) {
    await load('vobox-proxy').main([PROGRAM, ...words], load, home)
    return
  }
  hardenProcess()
  try {
    const { logged } = await serveMyProxy(given, { home, environment: process.env })
    if (!logged) process.stderr.write(`vobox-proxy: ${NOT_LOGGED}\n`)
  } catch (error) {
    const failure = toVoboxError(error)
    process.stderr.write(showFailure('vobox-proxy', failure))
    process.exit(exitStatusOf(failure.code))
  }
}

function givenBy(words: readonly string[]): GivenServerOptions | undefined {
  try {
    const line = parseServerLine(words, PROGRAM, true)
    return 'given' in line ? line.given : undefined
  } catch {
    return undefined
  }
}

/** Started by another process, which waits to hear of it. */
function serve(words: readonly string[], caller: Caller): Promise<number> {
  const line = parseServerLine(words, PROGRAM)
  if ('asksFor' in line) throw new VoboxError('INTERNAL', 'a server that only shows its help')
  const options = serverOptionsOf(line.given, process.env)
  return runServer({ ...options, environment: process.env, onReady: caller.ready })
}

/** With what scripts look for in the C server's. */
function versionIn(home: string): string {
  const { version } = JSON.parse(readFileSync(join(home, 'package.json'), 'utf8'))
  return `${PROGRAM} version MYPROXYv2 (vobox-proxy ${version})\n`
}
