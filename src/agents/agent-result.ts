/** What became of each file in `start/` or `stop/`. */
import type { ProgramEnd } from '../ports/runner.js'
import type { SkippedAgent } from './find-agents.js'

export type AgentAction = 'start' | 'stop'

export type AgentResult =
  /** Runs now; when and how it ends stands in `agents.log`. */
  | { name: string; outcome: 'started'; pid: number }
  /** Ended well. */
  | { name: string; outcome: 'ended' }
  /** Could not be started, or ended otherwise. */
  | { name: string; outcome: 'failed'; reason: string }
  /** Did not end in time. */
  | { name: string; outcome: 'killed'; reason: string }
  /** Not run, for a reason that is nobody's failure. */
  | { name: string; outcome: 'skipped'; reason: string }

export const skippedResult = ({ name, reason }: SkippedAgent): AgentResult => ({
  name,
  outcome: 'skipped',
  reason,
})

/** How a program ended, as it is said of it: `ended with status 3`. */
export function describeEnd(end: ProgramEnd): string {
  switch (end.kind) {
    case 'exited':
      return `ended with status ${end.status}`
    case 'signalled':
      return `was ended by ${end.signal}`
    case 'not-started':
      return `could not be started: ${end.reason}`
  }
}

export const endedWell = (end: ProgramEnd): boolean => end.kind === 'exited' && end.status === 0
