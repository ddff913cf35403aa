/** `check` for people: a line for each finding, its cure below it, and a count at the end. */
import { printable } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import type { CheckVerdict, Finding } from '../renewal/checking/finding.js'
import { encodeDocument } from './query-json.js'

/** What a terminal can show. */
export interface Look {
  /** Else the marks are ASCII. */
  utf8: boolean
  colour: boolean
}

export interface CheckText {
  vo: string
  at: UnixSeconds
  findings: readonly Finding[]
}

const MARKS: Readonly<Record<CheckVerdict, { utf8: string; ascii: string; colour: string }>> = {
  good: { utf8: '✓', ascii: 'ok', colour: '32' },
  doubtful: { utf8: '!', ascii: '! ', colour: '33' },
  bad: { utf8: '✗', ascii: 'x ', colour: '31' },
  skipped: { utf8: '-', ascii: '- ', colour: '2' },
}

export interface CheckTextOptions extends Look {
  /** Only what is wrong, and nothing at all when nothing is. */
  quiet: boolean
  /** Also what was not looked at. */
  verbose: boolean
}

export function showCheck({ findings, vo }: CheckText, options: CheckTextOptions): string {
  const { quiet, verbose } = options
  const shown = findings.filter(
    ({ verdict }) =>
      isTrouble(verdict) || (!quiet && (verdict === 'good' || (verbose && verdict === 'skipped'))),
  )
  const lines: string[] = []
  let owner: string | undefined | null = null
  for (const finding of shown) {
    if (finding.identity !== owner) {
      owner = finding.identity
      lines.push(owner === undefined ? `VO ${vo}` : printable(owner))
    }
    lines.push(...showFinding(finding, options))
  }
  if (!quiet) lines.push(countsOf(findings))
  return lines.map((line) => `${line}\n`).join('')
}

const isTrouble = (verdict: CheckVerdict) => verdict === 'bad' || verdict === 'doubtful'

function showFinding({ verdict, sentence, cure }: Finding, { utf8, colour }: Look): string[] {
  const mark = MARKS[verdict]
  const bare = utf8 ? mark.utf8 : mark.ascii
  const shown = colour ? `\x1b[${mark.colour}m${bare}\x1b[0m` : bare
  const indent = ' '.repeat(3 + bare.length)
  const cured = cure !== undefined && isTrouble(verdict)
  return [`  ${shown} ${printable(sentence)}`, ...(cured ? [`${indent}${printable(cure)}`] : [])]
}

function countsOf(findings: readonly Finding[]): string {
  const number = (verdict: CheckVerdict) =>
    findings.filter((finding) => finding.verdict === verdict).length
  return `${number('good')} good, ${number('doubtful')} to look at, ${number('bad')} failed`
}

/** One document; `docs/json.md` lists the fields. */
export function encodeCheck({ vo, at, findings }: CheckText): string {
  return encodeDocument({
    vo,
    at,
    ok: !findings.some(({ verdict }) => verdict === 'bad'),
    findings: findings.map(({ root: _ours, ...finding }) => finding),
  })
}

/** Whether anything failed: what is only doubtful works. */
export function hasFailed(findings: readonly Finding[]): boolean {
  return findings.some(({ verdict }) => verdict === 'bad')
}
