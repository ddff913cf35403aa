/**
 * The text that callers' scripts have parsed for fifteen years. Every value is followed by one
 * space, because their patterns demand white space there; the order of the lines is part of it.
 */
import { printable } from '../errors.js'
import { showInstant } from '../ports/time-text.js'
import type { QueryBlock } from '../renewal/query/query-blocks.js'
import { attributeBlock } from './attribute-words.js'
import { showJobs } from './job-words.js'
import { behindSentence, howSeen } from './stored-words.js'

/** The bare values that a caller can ask for, by command. */
export const BARE_VALUES = {
  'query-dn': (block: QueryBlock) => block.identity,
  'query-proxy-filename': (block: QueryBlock) => block.file,
  'query-proxy-timeleft': (block: QueryBlock) => String(block.proxySeconds),
  'query-myproxy-timeleft': (block: QueryBlock) => String(block.myproxySeconds ?? 0),
} as const

export type BareValueCommand = keyof typeof BARE_VALUES

/** One value a line. */
export function showBareValues(command: BareValueCommand, blocks: readonly QueryBlock[]): string {
  return blocks.map((block) => `${BARE_VALUES[command](block)}\n`).join('')
}

/** One block a registration, separated by an empty line. */
export function showBlocks(blocks: readonly QueryBlock[]): string {
  return blocks.map(showBlock).join('\n')
}

/** Further lines come after the four, and never look like one of them. */
function showBlock(block: QueryBlock): string {
  const lines: [string, string | number][] = [
    ['DN', block.identity],
    ['File', block.file],
    ['Proxy Time Left (seconds)', block.proxySeconds],
    ['Myproxy Time Left (seconds)', block.myproxySeconds ?? 0],
  ]
  const { jobs, stored, behind, passPhraseFile } = block
  if (jobs !== undefined) lines.push(['Job Proxy Shared By', showJobs(jobs)])
  if (block.myproxySeconds === undefined) lines.push(['Myproxy Time Left Known', 'no'])
  if (stored?.kind === 'gone') {
    lines.push(['Stored Credential', `none on the MyProxy server (${showInstant(stored.since)})`])
  }
  if (stored?.kind === 'expired') {
    lines.push([
      'Stored Credential',
      `expired, says the MyProxy server (${showInstant(stored.since)})`,
    ])
  }
  if (stored?.kind === 'seen') {
    lines.push(['Stored Credential Seen', howSeen(stored, block.infoUnanswered === true)])
  }
  if (behind !== undefined) lines.push(['Renewed From Secondary', behindSentence(behind)])
  if (passPhraseFile !== undefined) {
    lines.push(['Renewed By', `the pass phrase in ${printable(passPhraseFile)}`])
  }
  if (block.attributes !== undefined) {
    lines.push(...attributeBlock(block.attributes, block.wantsAttributes === true))
  }
  return lines.map(([name, value]) => `${name}: ${value} \n`).join('')
}
