/**
 * One run of a hook: it has its time, with all that it starts in its process group, and then it is
 * over.
 */
import { printable, VoboxError } from '../errors.js'
import type { Clock } from '../ports/clock.js'
import type { ProgramEnd, Runner, RunningProgram } from '../ports/runner.js'
import { describeEnd, endedWell } from './agent-result.js'
import type { AgentsLog } from './agents-log.js'
import { within } from './within.js'

export interface HookRun {
  clock: Clock
  runner: Runner
  log: AgentsLog
  /** As it stands in the log and in messages. */
  name: string
  /** Absolute path. */
  file: string
  environment: Readonly<Record<string, string>>
  deadlineMs: number
  /** Ends it at once. */
  signal?: AbortSignal
}

/** What a run may write to the log, in bytes. */
const MAX_OUTPUT_BYTES = 64 * 1024
/** Between two looks at what it has left running. */
const LOOK_MS = 100
/** For the rest of its output, and for the end of what was killed. */
const DRAIN_MS = 1000

/**
 * Runs it to its end: that of its own process and of all others in its group.
 *
 * @throws VoboxError `HOOK_FAILED` with `data.hook` when it could not be started, ended with another
 *   status than 0, or had to be ended.
 */
export async function runHook(run: HookRun): Promise<void> {
  const { clock, runner, log, name, file, environment, deadlineMs, signal } = run
  const endMs = clock.monotonicMs() + deadlineMs
  const program = runner.start({ file, arguments: [], directory: '/', environment })
  const kill = () => program.signalGroup('SIGKILL')
  if (signal?.aborted) kill()
  signal?.addEventListener('abort', kill, { once: true })
  const recorded = log.record(name, program.output, MAX_OUTPUT_BYTES)
  try {
    const end = await within(clock, deadlineMs, program.ended)
    const alone = end !== undefined && (await groupEnds(clock, program, endMs))
    if (!alone) kill()
    await within(clock, DRAIN_MS, Promise.all([recorded, program.ended]))
    const reason = whyFailed(end, alone, deadlineMs, signal)
    if (reason === undefined) return
    await log.note(name, reason)
    throw new VoboxError('HOOK_FAILED', `${printable(file)} ${reason}`, { data: { hook: name } })
  } finally {
    signal?.removeEventListener('abort', kill)
    program.closeOutput()
  }
}

async function groupEnds(clock: Clock, program: RunningProgram, endMs: number): Promise<boolean> {
  while (program.groupLives()) {
    if (clock.monotonicMs() >= endMs) return false
    await clock.sleep(LOOK_MS)
  }
  return true
}

function whyFailed(
  end: ProgramEnd | undefined,
  alone: boolean,
  deadlineMs: number,
  signal: AbortSignal | undefined,
): string | undefined {
  const seconds = Math.round(deadlineMs / 1000)
  if (signal?.aborted) return 'was killed because the service stops'
  if (end === undefined) return `did not end and was killed after ${seconds} s`
  if (!alone) return `left processes running, which were killed after ${seconds} s`
  return endedWell(end) ? undefined : describeEnd(end)
}
