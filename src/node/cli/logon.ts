/**
 * `myproxy logon` without the rest of the program: people wait for it, and cron jobs call it for many.
 * `bin/load.cjs` calls {@link main}; what a line means and what is printed is the command's own.
 */
import { writeSync } from 'node:fs'
import { toVoboxError } from '../../errors.js'
import { EXIT, exitStatusOf } from '../../report/exit-status.js'
import { showFailure } from '../../report/failure.js'
import { sayLogon } from '../../report/myproxy-logon-text.js'
import { logOn } from '../myproxy/logon.js'
import { logonOptionsOf } from '../myproxy/logon-flags.js'
import { MyProxyClient } from '../myproxy/my-proxy-client.js'
import { PassPhrases } from '../myproxy/pass-phrases.js'
import { endUnwritten } from './end-unwritten.js'
import { hardenProcess } from './harden-process.js'
import { interruption } from './interruption.js'
import { type LogonLine, parseLogonLine } from './logon-line.js'

/** Loads another bundle; what it exports is its own affair. */
type Loader = (bundle: string) => { main: typeof main }

const PROGRAM = 'vobox-proxy'

export async function main(words: readonly string[], load: Loader, home: string): Promise<void> {
  const line = lineOf(words)
  if (line === undefined) {
    await load('vobox-proxy').main(words, load, home)
    return
  }
  hardenProcess()
  process.on('uncaughtException', (error) => fail(error, line))
  try {
    const { stdout, stderr } = await run(line)
    writeOut(2, stderr)
    writeOut(1, stdout)
  } catch (error) {
    fail(error, line)
  }
}

/** Ends the process at once: nobody waits for a key that was being made. */
function fail(error: unknown, { tool }: LogonLine): void {
  const failure = toVoboxError(error)
  writeOut(2, showFailure(tool ?? PROGRAM, failure))
  process.exitCode = tool === undefined ? exitStatusOf(failure.code) : EXIT.failed
  process.exit()
}

function lineOf(words: readonly string[]): LogonLine | undefined {
  try {
    return parseLogonLine(words)
  } catch {
    // The whole program finds it wrong too, and says it.
    return undefined
  }
}

async function run(line: LogonLine): Promise<ReturnType<typeof sayLogon>> {
  const environment = process.env
  const signal = interruption()
  const passPhrases = new PassPhrases({
    stdin: line['stdin-pass'],
    file: line['pass-phrase-file'],
    descriptor: line['pass-phrase-fd'],
    signal,
  })
  const { pshost: servers, psport: port, config: configFile, lifetimeSeconds } = line
  const options = logonOptionsOf(line, {
    ...{ environment, lifetimeSeconds, signal },
    open: (settings) =>
      MyProxyClient.open({ servers, port, environment, configFile, signal, ...settings }),
    passPhrase: () => passPhrases.current(),
    keyPassPhrase: passPhrases.ofKey,
  })
  return sayLogon(PROGRAM, await logOn(options), line)
}

/** `process.stdout` costs milliseconds; it serves who gives us a pipe that may not block. */
function writeOut(descriptor: 1 | 2, text: string | Uint8Array): void {
  let left = Buffer.from(text)
  try {
    while (left.length > 0) left = left.subarray(writeSync(descriptor, left))
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code !== 'EAGAIN') endUnwritten(code)
    const stream = descriptor === 1 ? process.stdout : process.stderr
    stream.write(left)
  }
}
