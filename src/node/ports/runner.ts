/** Programs as processes, with execa. */
import type { ChildProcess } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { PassThrough } from 'node:stream'
import { execa } from 'execa'
import { printable } from '../../errors.js'
import type { ProgramEnd, ProgramRequest, Runner, RunningProgram } from '../../ports/runner.js'

export const nodeRunner: Runner = { start }

function start(request: ProgramRequest): RunningProgram {
  const { file, arguments: words, directory, environment } = request
  const child = execa(file, [...words], {
    cwd: directory,
    env: { ...environment },
    extendEnv: false,
    // A session of its own, so that its process group can be ended, and no terminal is near.
    detached: true,
    cleanup: false,
    shell: false,
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    all: true,
    buffer: false,
    reject: false,
  })
  const { pid, all } = child
  // execa throws away what nobody reads at once; here it waits, and makes the program wait.
  const output = all.pipe(new PassThrough())
  return {
    pid,
    ended: endOf(child),
    output: chunksOf(output),
    closeOutput: () => {
      child.stdout?.destroy()
      child.stderr?.destroy()
      output.destroy()
    },
    groupLives: () => pid !== undefined && groupLives(pid),
    signalGroup: (signal) => {
      if (pid !== undefined) signalGroup(pid, signal)
    },
  }
}

/** The part of execa's process, and of its result, that is asked for how it ended. */
interface Child extends Pick<ChildProcess, 'once'> {
  then(
    onSettled: (result: {
      cause?: unknown
      failed: boolean
      exitCode?: number | undefined
      signal?: string | undefined
    }) => void,
    onRejected: (error: unknown) => void,
  ): unknown
}

/** execa itself waits for the output's end too, which may be months away. */
function endOf(child: Child): Promise<ProgramEnd> {
  return new Promise((resolve) => {
    child.once('exit', (status, signal) => {
      if (signal !== null) resolve({ kind: 'signalled', signal })
      else resolve({ kind: 'exited', status: status ?? 0 })
    })
    child.once('error', (error) => resolve(notStarted(error)))
    child.then(
      ({ cause, failed, exitCode, signal }) => {
        if (failed && exitCode === undefined && signal === undefined) resolve(notStarted(cause))
      },
      (error) => resolve(notStarted(error)),
    )
  })
}

const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'it may not be executed, or not by this user',
  ENOENT: 'it is gone, or the interpreter in its first line is not there',
  ENOEXEC: 'it is no program: its first line names no interpreter',
  ETXTBSY: 'somebody is writing to it',
}

function notStarted(error: unknown): ProgramEnd {
  const { code = '', message = '' } = (error ?? {}) as NodeJS.ErrnoException
  return { kind: 'not-started', reason: REASONS[code] ?? printable(message, 200) }
}

/** Breaks off without an error when it is closed from our side. */
async function* chunksOf(stream: NodeJS.ReadableStream): AsyncGenerator<Uint8Array> {
  try {
    for await (const chunk of stream) {
      yield typeof chunk === 'string' ? Buffer.from(chunk) : chunk
    }
  } catch {
    // Closed by us, or by the end of the process.
  }
}

function signalGroup(leader: number, signal: 'SIGTERM' | 'SIGKILL' | 0): boolean {
  try {
    process.kill(-leader, signal)
    return true
  } catch (error) {
    // Of another user now: it is there, and not ours to end.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

/** The kernel counts processes that have ended and that nobody has waited for; here they are dead. */
function groupLives(leader: number): boolean {
  return signalGroup(leader, 0) && processes().some((pid) => livesInGroup(pid, leader))
}

function processes(): string[] {
  try {
    return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  } catch {
    return []
  }
}

/** proc(5): `PID (NAME) STATE PPID PGRP …`, where the name may hold anything. */
function livesInGroup(pid: string, leader: number): boolean {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return group === String(leader) && state !== 'Z' && state !== 'X'
  } catch {
    return false
  }
}
