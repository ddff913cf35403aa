/**
 * Running a VO's `stop/`, within a time that the shutdown of the machine can wait for.
 *
 * All are run at once, begun in C-locale order, so that one that hangs takes no time from the
 * others. One that has not ended with four fifths of the time gone is asked to (`SIGTERM` to its
 * process group), and killed with nine tenths gone. What one that ended has left running is left
 * alone.
 */

import type { ProgramEnd, RunningProgram } from '../ports/runner.js'
import type { AgentContext } from './agent-context.js'
import { type AgentResult, describeEnd, endedWell, skippedResult } from './agent-result.js'
import type { Agent } from './find-agents.js'
import { findAgents } from './find-agents.js'
import { within } from './within.js'

export interface StopOptions {
  /** For all of them together, in seconds. */
  deadlineSeconds: number
  /** Ends them at once. */
  signal?: AbortSignal
}

const ASK_AFTER = 0.8
const KILL_AFTER = 0.9
const GIVE_UP_AFTER = 0.96

/** For the rest of the output of one that has ended, in milliseconds. */
const DRAIN_MS = 500

/** @throws VoboxError `VO_DIRECTORY_UNSAFE`, and what reading the directory meets. */
export async function stopAgents(
  context: AgentContext,
  options: StopOptions,
): Promise<AgentResult[]> {
  const { files, directory, owners, log, clock } = context
  const beganMs = clock.monotonicMs()
  const { agents, skipped } = await findAgents(files, directory, owners)
  const running = agents.map((agent) => stopAgent(context, agent, beganMs, options))
  const results = [...skipped.map(skippedResult), ...(await Promise.all(running))]
  for (const result of results) {
    if (result.outcome === 'skipped') await log.note(result.name, `is not run: ${result.reason}`)
  }
  return results
}

async function stopAgent(
  context: AgentContext,
  { name, path }: Agent,
  beganMs: number,
  options: StopOptions,
): Promise<AgentResult> {
  const { clock, runner, log, workingDirectory: directory, environment } = context
  const program = runner.start({ file: path, arguments: ['stop'], directory, environment })
  const recorded = log.record(name, program.output)
  const end = await endOf(context, program, beganMs, options)
  await within(clock, DRAIN_MS, recorded)
  program.closeOutput()
  const seconds = Math.round((clock.monotonicMs() - beganMs) / 1000)
  const reason =
    end === 'killed' ? `did not end and was killed after ${seconds} s` : describeEnd(end)
  await log.note(name, reason)
  if (end === 'killed') return { name, outcome: 'killed', reason }
  if (endedWell(end)) return { name, outcome: 'ended' }
  return { name, outcome: 'failed', reason }
}

async function endOf(
  { clock }: AgentContext,
  program: RunningProgram,
  beganMs: number,
  { deadlineSeconds, signal }: StopOptions,
): Promise<ProgramEnd | 'killed'> {
  const kill = () => program.signalGroup('SIGKILL')
  if (signal?.aborted) kill()
  signal?.addEventListener('abort', kill, { once: true })
  const until = (part: number) => beganMs + deadlineSeconds * 1000 * part - clock.monotonicMs()
  try {
    const inTime = await within(clock, until(ASK_AFTER), program.ended)
    if (inTime !== undefined) return signal?.aborted ? 'killed' : inTime
    program.signalGroup('SIGTERM')
    await within(clock, until(KILL_AFTER), program.ended)
    kill()
    await within(clock, until(GIVE_UP_AFTER), program.ended)
    return 'killed'
  } finally {
    signal?.removeEventListener('abort', kill)
  }
}
