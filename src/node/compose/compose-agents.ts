/**
 * Starting and stopping the agents of a VO, as its admin.
 *
 * `start` must not hold the boot up, and the agents' output must be written for as long as they
 * live: so a process of its own, the supervisor, starts them and stays until all have ended, while
 * the command waits for no more than to hear which ones run.
 */
import { spawn } from 'node:child_process'
import { closeSync, writeSync } from 'node:fs'
import { resolve } from 'node:path'
import type { Readable } from 'node:stream'
import type { AgentContext } from '../../agents/agent-context.js'
import type { AgentAction, AgentResult } from '../../agents/agent-result.js'
import { AgentsLog } from '../../agents/agents-log.js'
import { findAgents } from '../../agents/find-agents.js'
import { startAgents } from '../../agents/start-agents.js'
import { stopAgents } from '../../agents/stop-agents.js'
import type { Config } from '../../config/config.js'
import { type VoPaths, voPaths } from '../../config/vo-paths.js'
import { type ErrorCode, toVoboxError, VoboxError } from '../../errors.js'
import { silentJournal } from '../../ports/journal.js'
import { systemClock } from '../ports/clock.js'
import { nodeFiles } from '../ports/files.js'
import { keepHeapSmall } from '../service/small-heap.js'
import { agentEnvironment } from './account-environment.js'
import { becomeVoOwner, isRoot } from './become-owner.js'
import { closeInherited } from './close-inherited.js'
import { readEffectiveConfig } from './compose-config.js'
import { currentUid } from './compose-login.js'
import { chooseVoDirectory } from './compose-vo.js'
import { prepareVoDirectory } from './prepare-vo-directory.js'

export interface AgentsOptions {
  /** Absent: the only VO that has a directory. */
  vo?: string | undefined
  configFile?: string | undefined
  environment: Readonly<Record<string, string | undefined>>
  signal?: AbortSignal | undefined
}

export interface AgentsDone {
  vo: string
  action: AgentAction
  /** In C-locale order of their names. */
  agents: readonly AgentResult[]
}

/** What the supervisor writes to its descriptor 3. */
type Report = { agents: AgentResult[] } | { error: Pick<VoboxError, 'code' | 'message' | 'hint'> }

const REPORT_DESCRIPTOR = 3
/** Starting a process takes milliseconds; a file system that hangs must not hold the boot up. */
const REPORT_MS = 20_000

/**
 * @param supervisor command line that runs {@link superviseAgents} in another process.
 * @throws VoboxError `NOT_PERMITTED`, `VO_UNKNOWN`, `VO_DIRECTORY_UNSAFE`, `DEADLINE_EXCEEDED`.
 */
export async function startVoAgents(
  options: AgentsOptions,
  supervisor: readonly string[],
): Promise<AgentsDone> {
  const { vo } = await openAgents(options)
  const report = await askSupervisor(vo, options, supervisor)
  if ('agents' in report) return { vo, action: 'start', agents: report.agents }
  const { code, message, hint } = report.error
  throw new VoboxError(code as ErrorCode, message, { hint })
}

/** Runs `stop/` to its end, within `agents.stop_seconds`. Throws as {@link startVoAgents}. */
export async function stopVoAgents(options: AgentsOptions): Promise<AgentsDone> {
  const { vo, config, paths, context } = await openAgents(options)
  const agents = await stopAgents(context(paths.stop), {
    deadlineSeconds: config.agents.stopSeconds,
    ...(options.signal && { signal: options.signal }),
  })
  return { vo, action: 'stop', agents: inOrder(agents) }
}

/**
 * File names of the agents that would be started, in C-locale order; the log has why others would not.
 * Throws as {@link startVoAgents}.
 */
export async function listVoAgents(options: AgentsOptions): Promise<string[]> {
  const { paths, context } = await openAgents(options)
  const { files, owners, log, directory } = context(paths.start)
  const { agents, skipped } = await findAgents(files, directory, owners)
  for (const { name, reason } of skipped) await log.note(name, `is not run: ${reason}`)
  return agents.map(({ name }) => name)
}

/** Starts one agent and stays until it has ended and closed its output. Throws as {@link startVoAgents}. */
export async function superviseAgent(options: AgentsOptions, only: string): Promise<void> {
  keepHeapSmall()
  const { paths, context } = await openAgents(options)
  const { ended } = await startAgents({
    ...context(paths.start),
    lockDirectory: paths.locks,
    only,
  })
  await ended
}

/** Starts the agents, reports on descriptor 3, and stays until all have ended. */
export async function superviseAgents(options: AgentsOptions): Promise<void> {
  keepHeapSmall()
  let ended: Promise<void>
  try {
    const { paths, context } = await openAgents(options)
    const started = await startAgents({ ...context(paths.start), lockDirectory: paths.locks })
    ended = started.ended
    report({ agents: inOrder(started.results) })
  } catch (error) {
    const { code, message, hint } = toVoboxError(error)
    report({ error: { code, message, hint } })
    return
  }
  await ended
}

interface OpenAgents {
  vo: string
  config: Config
  paths: VoPaths
  context(directory: string): AgentContext
}

async function openAgents({ vo, configFile, environment }: AgentsOptions): Promise<OpenAgents> {
  const config = await readEffectiveConfig(nodeFiles, environment, currentUid(), configFile)
  const directory = await chooseVoDirectory(nodeFiles, config.root, vo)
  const { uid } = await becomeVoOwner(nodeFiles, directory.path)
  requireAdmin(uid, directory.path)
  closeInherited()
  const paths = voPaths(config.root, directory.vo)
  await prepareVoDirectory(nodeFiles, paths)
  const { nodeRunner } = await import('../ports/runner.js')
  const base = { files: nodeFiles, clock: systemClock }
  const log = new AgentsLog({ ...base, journal: silentJournal, path: paths.agentsLog })
  const variables = { VOBOX_VO: directory.vo, VOBOX_PROXY_ROOT: config.root }
  return {
    vo: directory.vo,
    config,
    paths,
    context: (place) => ({
      ...base,
      runner: nodeRunner,
      log,
      directory: place,
      owners: [0, uid],
      workingDirectory: paths.directory,
      environment: { ...agentEnvironment(environment), ...variables },
    }),
  }
}

function requireAdmin(owner: number, directory: string): void {
  if (isRoot()) {
    throw new VoboxError('NOT_PERMITTED', `root runs no agents, and ${directory} is root's`, {
      hint: `Give it to the VO admin: chown -hR ADMIN ${directory}`,
      data: { directory, owner },
    })
  }
  if (owner === currentUid()) return
  throw new VoboxError('NOT_PERMITTED', `only root and the owner of ${directory} may do this`, {
    hint: 'Call it as the VO admin',
    data: { directory, owner, uid: currentUid() },
  })
}

/** Also with those that were passed over, in the place that their names give them. */
function inOrder(results: readonly AgentResult[]): AgentResult[] {
  return [...results].sort((one, other) =>
    Buffer.compare(Buffer.from(one.name), Buffer.from(other.name)),
  )
}

async function askSupervisor(
  vo: string,
  { configFile, environment, signal }: AgentsOptions,
  [program = '', ...words]: readonly string[],
): Promise<Report> {
  const config = configFile === undefined ? [] : [`--config=${resolve(configFile)}`]
  const child = spawn(program, [...words, `--vo=${vo}`, ...config], {
    cwd: '/',
    env: { ...environment },
    // Neither the terminal nor the caller's session: it outlives both.
    detached: true,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
  })
  child.unref()
  const pipe = child.stdio[REPORT_DESCRIPTOR] as Readable
  const failed = new Promise<never>((_, reject) => child.once('error', reject))
  const deadline = AbortSignal.timeout(REPORT_MS)
  try {
    return await Promise.race([
      readReport(pipe, signal === undefined ? deadline : AbortSignal.any([deadline, signal])),
      failed,
    ])
  } catch (error) {
    signal?.throwIfAborted()
    if (!deadline.aborted) throw error
    throw new VoboxError('DEADLINE_EXCEEDED', `the agents of ${vo} took too long to start`, {
      hint: 'Is the VO directory on a file system that hangs?',
      cause: error,
    })
  } finally {
    pipe.destroy()
  }
}

async function readReport(pipe: Readable, signal: AbortSignal): Promise<Report> {
  const chunks: Buffer[] = []
  const stop = () => pipe.destroy(signal.reason)
  signal.addEventListener('abort', stop, { once: true })
  for await (const chunk of pipe) chunks.push(chunk)
  const text = Buffer.concat(chunks).toString('utf8')
  if (text !== '') return JSON.parse(text)
  throw new VoboxError('AGENT_FAILED', 'the process that starts the agents ended early')
}

function report(what: Report): void {
  try {
    writeSync(REPORT_DESCRIPTOR, JSON.stringify(what))
    closeSync(REPORT_DESCRIPTOR)
  } catch {
    // Whoever asked is gone; the agents are what matters.
  }
}
