/**
 * Starting a VO's agents, and writing down what they say for as long as they live.
 *
 * All are started at once, in C-locale order; nobody waits for one of them. An agent whose last
 * `NAME start` still runs is left alone: `start` may be called again after a crash of the service.
 */
import { createHash } from 'node:crypto'
import { toVoboxError } from '../errors.js'
import type { FileLock } from '../ports/files.js'
import type { ProgramEnd, RunningProgram } from '../ports/runner.js'
import type { AgentContext } from './agent-context.js'
import { type AgentResult, describeEnd, skippedResult } from './agent-result.js'
import { type Agent, findAgents } from './find-agents.js'
import { within } from './within.js'

export interface StartContext extends AgentContext {
  /** Where the lock of each agent that runs is kept. */
  lockDirectory: string
  /** The one agent that is to be started, by its file name. Absent: all. */
  only?: string | undefined
}

export interface StartedAgents {
  results: readonly AgentResult[]
  /** When all have ended and closed their output. Never rejects. */
  ended: Promise<void>
}

/** So long a program that cannot be started may take to say so, in milliseconds. */
const REFUSAL_MS = 5000

/** @throws VoboxError `VO_DIRECTORY_UNSAFE`, and what reading the directory meets. */
export async function startAgents(context: StartContext): Promise<StartedAgents> {
  const { files, directory, owners, log, only } = context
  const found = await findAgents(files, directory, owners)
  const meant = ({ name }: { name: string }) => only === undefined || name === only
  const results = found.skipped.filter(meant).map(skippedResult)
  const lives: Promise<void>[] = []
  for (const agent of found.agents.filter(meant)) {
    const { result, life } = await startAgent(context, agent)
    results.push(result)
    if (life !== undefined) lives.push(life)
  }
  for (const result of results) {
    if (result.outcome === 'skipped') await log.note(result.name, `is not run: ${result.reason}`)
  }
  return { results, ended: Promise.all(lives).then(() => undefined) }
}

interface StartedAgent {
  result: AgentResult
  /** Settles when nothing more comes from it; absent: it does not run. */
  life?: Promise<void>
}

async function startAgent(context: StartContext, { name, path }: Agent): Promise<StartedAgent> {
  const { clock, runner, log, workingDirectory, environment } = context
  const lock = await lockAgent(context, name)
  if (lock === 'running') {
    return { result: { name, outcome: 'skipped', reason: 'it runs since an earlier start' } }
  }
  const request = { file: path, arguments: ['start'], directory: workingDirectory, environment }
  const program = runner.start(request)
  const { pid } = program
  if (pid === undefined) {
    const end = await within(clock, REFUSAL_MS, program.ended)
    await lock?.release()
    const reason = describeEnd(
      end ?? { kind: 'not-started', reason: 'the system does not say why' },
    )
    await log.note(name, reason)
    return { result: { name, outcome: 'failed', reason } }
  }
  await log.note(name, `started in pid ${pid}`)
  return { result: { name, outcome: 'started', pid }, life: follow(context, name, program, lock) }
}

/** A disk that takes no lock must not keep the agents from starting. */
async function lockAgent(
  { files, lockDirectory, log }: StartContext,
  name: string,
): Promise<FileLock | 'running' | undefined> {
  const digest = createHash('sha256').update(name).digest('hex').slice(0, 32)
  try {
    return (await files.tryLock(`${lockDirectory}/agent-${digest}.lock`)) ?? 'running'
  } catch (error) {
    await log.note(name, `is started without its lock: ${toVoboxError(error).message}`)
    return undefined
  }
}

/** The lock goes with the agent's own process; its output may belong to a daemon that it left. */
async function follow(
  { log }: StartContext,
  name: string,
  program: RunningProgram,
  lock: FileLock | undefined,
): Promise<void> {
  const ended = program.ended.then(async (end: ProgramEnd) => {
    await log.note(name, describeEnd(end))
    await lock?.release().catch(() => undefined)
  })
  await Promise.all([log.record(name, program.output), ended])
}
