/** What `agents start` and `agents stop` did. */
import type { AgentAction, AgentResult } from '../agents/agent-result.js'
import { printable, VoboxError } from '../errors.js'
import { encodeDocument } from './query-json.js'

export interface AgentsFacts {
  vo: string
  action: AgentAction
  agents: readonly AgentResult[]
}

/** A line for each. */
export function showAgents({ agents }: AgentsFacts): string {
  return agents.map((agent) => `${printable(agent.name)}: ${wordsOf(agent)}\n`).join('')
}

function wordsOf(agent: AgentResult): string {
  switch (agent.outcome) {
    case 'started':
      return `started in pid ${agent.pid}`
    case 'ended':
      return 'done'
    case 'skipped':
      return `not run: ${agent.reason}`
    case 'failed':
    case 'killed':
      return agent.reason
  }
}

export function encodeAgents({ vo, action, agents }: AgentsFacts): string {
  return encodeDocument({ vo, action, agents })
}

/** That some failed, in one sentence; undefined when none did. */
export function failureOfAgents({ vo, agents }: AgentsFacts): VoboxError | undefined {
  const failed = agents.filter(({ outcome }) => outcome === 'failed' || outcome === 'killed')
  if (failed.length === 0) return undefined
  const named = failed.map((agent) => `${printable(agent.name)} ${wordsOf(agent)}`)
  return new VoboxError('AGENT_FAILED', `of the agents of ${vo}, ${named.join('; ')}`, {
    data: { vo, agents: failed },
  })
}
