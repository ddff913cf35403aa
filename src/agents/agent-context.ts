/** What running agents needs from outside. */
import type { Clock } from '../ports/clock.js'
import type { Files } from '../ports/files.js'
import type { Runner } from '../ports/runner.js'
import type { AgentsLog } from './agents-log.js'

export interface AgentContext {
  files: Files
  clock: Clock
  runner: Runner
  log: AgentsLog
  /** Holds the agents: `start/` or `stop/` of the VO directory. */
  directory: string
  /** Who may have put an agent there. */
  owners: readonly number[]
  /** Working directory of the agents: the VO directory. */
  workingDirectory: string
  environment: Readonly<Record<string, string>>
}
