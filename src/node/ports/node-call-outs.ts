/** Programs of the administrator as processes, each in a process group of its own. */
import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { isVoboxError, printable, toVoboxError, VoboxError } from '../../errors.js'
import type { CallOutAnswer, CallOutRequest, CallOuts } from '../../ports/call-out.js'
import { stepOpenToOthers } from './guarded-path.js'

export const nodeCallOuts: CallOuts = { run }

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

const DEFAULT_DEADLINE_MS = 30_000

/** What it may write, standard error included, in bytes. */
const MAX_OUTPUT_BYTES = 1024 * 1024

/** For the rest of its output after its end: what left its group may hold the pipes for ever. */
const DRAIN_MS = 1000

/** Of root, or of whom we run as: they could run anything anyway. */
function trustedOwners(): number[] {
  return [0, process.getuid?.() ?? 0]
}

async function run(
  request: CallOutRequest,
  { signal, deadlineMs = DEFAULT_DEADLINE_MS }: { signal: AbortSignal; deadlineMs?: number },
): Promise<CallOutAnswer> {
  signal.throwIfAborted()
  requireOurs(request.file)
  const child = start(request)
  const kill = () => killGroup(child.pid)
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(tooSlow(request.file, deadlineMs)), deadlineMs)
  const stopped = AbortSignal.any([signal, stop.signal])
  stopped.addEventListener('abort', kill, { once: true })
  try {
    const output = collect(child, () => stop.abort(tooLong(request.file)))
    // Whoever does not read its input may end before it is written.
    child.stdin.on('error', () => undefined)
    child.stdin.end(request.input ?? new Uint8Array())
    const status = await endOf(child, request.file)
    // What it has left running would hold its pipes open.
    kill()
    await drained(child)
    stopped.throwIfAborted()
    return { status, stdout: output.stdout(), stderr: output.stderr() }
  } finally {
    clearTimeout(timer)
    stopped.removeEventListener('abort', kill)
    for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy()
  }
}

function start({ file, arguments: words, environment }: CallOutRequest) {
  try {
    return spawn(file, [...words], {
      cwd: '/',
      env: { ...environment, PATH },
      // A session and group of its own, so that it is killed with all that it started.
      detached: true,
      shell: false,
      stdio: ['pipe', 'pipe', 'pipe'],
    })
  } catch (error) {
    // Some reasons are thrown at once, such as E2BIG and a NUL in a word.
    throw failed(file, whyNotStarted(error as NodeJS.ErrnoException), error)
  }
}

/**
 * What anybody else could have put there is not run.
 *
 * @throws `PROGRAM_FAILED`.
 */
export function requireOurs(file: string): void {
  if (!file.startsWith('/')) throw failed(file, 'its path is not absolute')
  let at: string | undefined
  try {
    at = stepOpenToOthers(file, { owners: trustedOwners(), itself: true })
    if (at === undefined && !statSync(file).isFile()) throw failed(file, 'it is no regular file')
    if (at === undefined) accessSync(file, constants.X_OK)
  } catch (error) {
    if (isVoboxError(error, 'PROGRAM_FAILED')) throw error
    if (isVoboxError(error, 'FILE_MISSING')) throw failed(file, 'it is not there', error)
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EACCES') throw failed(file, 'it may not be executed: chmod 0755', error)
    throw failed(file, toVoboxError(error).message, error)
  }
  if (at !== undefined) {
    throw failed(file, `others than its owner can change ${printable(at)}`, undefined, { at })
  }
}

/** @returns its status; undefined when a signal ended it. */
function endOf(child: ChildProcessWithoutNullStreams, file: string): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => reject(failed(file, whyNotStarted(error), error)))
    child.once('exit', (status) => resolve(status ?? undefined))
  })
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'it may not be executed',
  ENOENT: 'the interpreter in its first line is not there',
  ETXTBSY: 'somebody is writing to it',
}

function whyNotStarted({ code = '', message }: NodeJS.ErrnoException): string {
  return REASONS[code] ?? printable(message, 200)
}

function drained(child: ChildProcessWithoutNullStreams): Promise<void> {
  const streams = [child.stdout, child.stderr]
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, DRAIN_MS)
    const look = () => {
      if (!streams.every((stream) => stream.closed || stream.readableEnded)) return
      clearTimeout(timer)
      resolve()
    }
    for (const stream of streams) stream.once('end', look).once('close', look)
    look()
  })
}

function collect(child: ChildProcessWithoutNullStreams, onTooLong: () => void) {
  let bytes = 0
  const take = (stream: NodeJS.ReadableStream): Buffer[] => {
    const chunks: Buffer[] = []
    stream.on('error', () => undefined)
    stream.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > MAX_OUTPUT_BYTES) onTooLong()
      else chunks.push(chunk)
    })
    return chunks
  }
  const stdout = take(child.stdout)
  const stderr = take(child.stderr)
  return {
    stdout: () => Buffer.concat(stdout),
    stderr: () => Buffer.concat(stderr).toString('utf8'),
  }
}

function killGroup(leader: number | undefined): void {
  if (leader === undefined) return
  try {
    process.kill(-leader, 'SIGKILL')
  } catch {
    // All of it has ended.
  }
}

function tooSlow(file: string, deadlineMs: number): VoboxError {
  return failed(file, `it did not end within ${deadlineMs / 1000} s and was killed`)
}

function tooLong(file: string): VoboxError {
  return failed(file, `it wrote more than ${MAX_OUTPUT_BYTES} bytes and was killed`)
}

function failed(
  file: string,
  why: string,
  cause?: unknown,
  data: Readonly<Record<string, unknown>> = {},
): VoboxError {
  return new VoboxError('PROGRAM_FAILED', `${printable(file)} cannot be used: ${why}`, {
    hint: `ls -l ${printable(file)}`,
    data: { path: file, ...data },
    cause,
  })
}
