/** What `query` and its kin print of registrations that were chosen; the same on the quick path. */
import type { VoboxError } from '../../errors.js'
import { quoteShell } from '../../registry/cure-commands.js'
import {
  type Queried,
  type QueryNeeds,
  type QuerySources,
  readBlocks,
} from '../../renewal/query/query-blocks.js'
import { findNewestValid } from '../../renewal/query/query-newest.js'
import { type BareValueCommand, showBareValues, showBlocks } from '../../report/query-text.js'

const NOTHING: QueryNeeds = { proxy: false, myproxy: false, attributes: false }

/** The commands with an answer in the form that scripts parse, and the files that each reads. */
const NEEDS = {
  query: { proxy: true, myproxy: true, attributes: true },
  'query-dn': NOTHING,
  'query-proxy-filename': NOTHING,
  'query-proxy-timeleft': { ...NOTHING, proxy: true },
  'query-myproxy-timeleft': { ...NOTHING, myproxy: true },
  env: NOTHING,
} as const satisfies Record<string, QueryNeeds>

export type AnswerCommand = keyof typeof NEEDS

export function isAnswerCommand(command: string | undefined): command is AnswerCommand {
  return command !== undefined && Object.hasOwn(NEEDS, command)
}

export interface Answer {
  text: string
  /** Proxy files that cannot be read, in the order of the registrations. */
  problems: readonly VoboxError[]
}

/**
 * Text for stdout. A block is printed with 0 seconds where the file cannot be read; a bare value that
 * is not known is an error, since nothing could tell it from a proxy that has expired.
 *
 * @throws VoboxError `NO_VALID_PROXY` for `env`; for a bare value what reading its file said.
 */
export async function answer(
  sources: QuerySources,
  command: AnswerCommand,
  chosen: readonly Queried[],
): Promise<Answer> {
  if (command === 'env') {
    return { text: showExport(await findNewestValid(sources, chosen)), problems: [] }
  }
  const blocks = await readBlocks(sources, chosen, NEEDS[command])
  const problems = blocks.flatMap(({ problem }) => problem ?? [])
  if (command === 'query') return { text: showBlocks(blocks), problems }
  const [problem] = problems
  if (problem !== undefined) throw problem
  return { text: showBareValues(command satisfies BareValueCommand, blocks), problems }
}

/** The line that a service script evaluates. */
function showExport(file: string): string {
  return `export X509_USER_PROXY=${quoteShell(file)}\n`
}
