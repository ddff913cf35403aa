/**
 * The server as a process of its own that outlives its caller.
 *
 * Node cannot fork itself, so the program is started again, in a session of its own, and says through a
 * pipe how it fared: its caller ends with 0 only when the server listens and its files are written, and
 * else with the reason.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { type ErrorCode, VoboxError } from '../../errors.js'
import { encodeFailure } from '../../report/failure.js'
import type { ReadyServer } from './run-server.js'

type Environment = Readonly<Record<string, string | undefined>>

/** Names the descriptor that a server of ours tells its caller on. */
const READY_VARIABLE = 'VOBOX_PROXY_READY_FD'
const READY_DESCRIPTOR = 3
/** A start reads a few files; a CA directory on a slow file system may take its time. */
const START_MS = 60_000
const MAX_BYTES = 64 * 1024

/**
 * @param words options of `myproxy-server`; the server has the same working directory until it has read them.
 * @param home directory of the installation.
 * @throws VoboxError what the server said, or `DEADLINE_EXCEEDED`.
 */
export function startDetached(
  words: readonly string[],
  {
    home,
    environment,
    startMs = START_MS,
  }: { home: string; environment: Environment; startMs?: number },
): Promise<ReadyServer> {
  const child = spawn(
    process.execPath,
    [join(home, 'bin', 'load.cjs'), 'myproxy-server', ...words],
    {
      detached: true,
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
      env: { ...environment, [READY_VARIABLE]: String(READY_DESCRIPTOR) },
    },
  )
  return heard(child, startMs)
}

/** What it says until it closes the pipe, as which its death counts. */
function heard(child: ChildProcess, startMs: number): Promise<ReadyServer> {
  const pipe = child.stdio[READY_DESCRIPTOR] as NodeJS.ReadableStream & { destroy(): void }
  const said = new Promise<string>((resolve, reject) => {
    let said = ''
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(tooSlow(startMs))
    }, startMs)
    pipe.on('data', (chunk: Buffer) => {
      if (said.length < MAX_BYTES) said += chunk.toString('utf8')
    })
    pipe.on('error', () => undefined)
    child.once('error', reject)
    pipe.once('close', () => {
      clearTimeout(timer)
      resolve(said)
    })
  })
  return said.then(readyIn).finally(() => {
    pipe.destroy()
    child.unref()
  })
}

function readyIn(said: string): ReadyServer {
  const { ready, error } = parsed(said)
  if (ready !== undefined) return ready
  if (error === undefined) {
    throw new VoboxError('INTERNAL', 'the server ended before it listened, and did not say why', {
      hint: 'Run it with -d to see',
    })
  }
  const { code, message, hint, data } = error
  throw new VoboxError(code, message, { hint, data })
}

interface Said {
  ready?: ReadyServer
  error?: { code: ErrorCode; message: string; hint?: string; data?: Record<string, unknown> }
}

function parsed(said: string): Said {
  try {
    return JSON.parse(said)
  } catch {
    return {}
  }
}

function tooSlow(startMs: number): VoboxError {
  return new VoboxError(
    'DEADLINE_EXCEEDED',
    `the server did not listen within ${startMs / 1000} s`,
    {
      hint: 'Is one of its directories on a file system that hangs? -d shows how far it comes',
      data: { deadlineMs: startMs },
    },
  )
}

/** The other end of that pipe. */
export interface Caller {
  ready(server: ReadyServer): void
  failed(error: VoboxError): void
}

/** Who waits to hear from this process; undefined where nobody does. Takes the variable away. */
export function callerIn(environment: NodeJS.ProcessEnv): Caller | undefined {
  const descriptor = environment[READY_VARIABLE]
  delete environment[READY_VARIABLE]
  if (descriptor !== String(READY_DESCRIPTOR)) return undefined
  return {
    ready: (ready) => tell(`${JSON.stringify({ ready })}\n`),
    failed: (error) => tell(encodeFailure(error)),
  }
}

function tell(text: string): void {
  try {
    writeSync(READY_DESCRIPTOR, text)
    // It is the end of this pipe that the caller waits for.
    closeSync(READY_DESCRIPTOR)
  } catch {
    // Whoever called has gone; the server is what was asked for.
  }
}
