/** What `setup` did, or would do. */
import { printable } from '../errors.js'
import { encodeDocument } from './query-json.js'

export interface SetupStepFacts {
  action: 'make' | 'change' | 'remove' | 'run'
  /** A path or a command line. */
  target: string
  detail?: string | undefined
}

export interface SetupFacts {
  vo: string
  admin: string | null
  directory: string
  dryRun: boolean
  steps: readonly SetupStepFacts[]
  advice: readonly string[]
}

const DONE = { make: 'made', change: 'changed', remove: 'removed', run: 'ran' } as const

/** One line a step; one that says so when there was none. */
export function showSetup({ vo, dryRun, steps }: SetupFacts): string {
  if (steps.length === 0) return `${vo}: nothing to change\n`
  return steps.map((step) => showSetupStep(step, dryRun)).join('')
}

export function showSetupStep({ action, target, detail }: SetupStepFacts, dryRun = false): string {
  const word = dryRun ? `would ${action}` : DONE[action]
  return `${word} ${printable(target)}${detail === undefined ? '' : ` (${printable(detail)})`}\n`
}

export function encodeSetup({ steps, ...facts }: SetupFacts): string {
  return encodeDocument({
    ...facts,
    steps: steps.map(({ action, target, detail }) => ({ action, target, detail: detail ?? null })),
  })
}
