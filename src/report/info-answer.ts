/** What `info` prints and ends with, for everything that can be asked of it. */
import { printable, VoboxError } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import { EXIT } from './exit-status.js'
import { encodeInfo, type InfoParts, showInfo } from './info-text.js'
import type { Inspected } from './info-types.js'
import {
  type InfoValue,
  type LifeWanted,
  requireAttributesOf,
  requireProxy,
  showInfoValues,
} from './info-values.js'

export interface InfoQuestion {
  json: boolean
  /** `--all`, `--chain`, `--text`: parts of the text; none of them and nothing else asked: all. */
  all: boolean
  chain: boolean
  text: boolean
  /** Bare values. */
  values: ReadonlySet<InfoValue>
  /** A valid proxy is demanded; so it is where `seconds` or `bits` are there. */
  exists: boolean
  life: LifeWanted
  /** A VO of which attributes are demanded. */
  attributesOf?: string | undefined
  /** Attributes are taken unverified. */
  unverified: boolean
}

export interface InfoAnswer {
  /** For stdout. */
  text: string
  /** What the person should know besides. */
  warnings: string[]
  /** 1 where what was shown is not valid; what is demanded or asked for and not there is thrown. */
  status: number
}

/** @throws VoboxError for what is demanded and not so, and for values that are not there. */
export function answerInfo(
  inspected: Inspected,
  question: InfoQuestion,
  now: UnixSeconds,
): InfoAnswer {
  const { values, life, attributesOf, unverified } = question
  const demandsLife = question.exists || life.seconds !== undefined || life.bits !== undefined
  if (demandsLife) requireProxy(inspected, life)
  if (attributesOf !== undefined) requireAttributesOf(inspected, attributesOf, { unverified })

  const quiet = demandsLife || attributesOf !== undefined || values.size > 0
  const shown = question.json ? encodeInfo(inspected) : partsText(inspected, question, quiet, now)
  const bare = values.size === 0 ? '' : showInfoValues(inspected, values, { unverified })
  return {
    text: shown + bare,
    warnings: unverified ? unverifiedWarnings(inspected) : [],
    status: shown === '' || inspected.report.verdict.valid ? EXIT.ok : EXIT.failed,
  }
}

function partsText(
  inspected: Inspected,
  { all, chain, text }: InfoQuestion,
  quiet: boolean,
  now: UnixSeconds,
): string {
  if (!all && !chain && !text) return quiet ? '' : showInfo(inspected, now)
  const parts: InfoParts = {
    attributes: all,
    certificates: chain ? 'all' : text ? 'leaf' : 'none',
  }
  return showInfo(inspected, now, parts)
}

function unverifiedWarnings({ attributes }: Inspected): string[] {
  return attributes.flatMap(({ vo, problem }) =>
    problem === null
      ? []
      : [
          `attributes${vo === null ? '' : ` of VO ${vo}`} are not verified: ${printable(problem.message)}`,
        ],
  )
}

/** Bits as a number. @throws VoboxError `USAGE` */
export function parseBits(text: string): number {
  if (/^[0-9]{1,5}$/.test(text)) return Number(text)
  throw new VoboxError('USAGE', `--bits: '${printable(text, 100)}' is not a number of bits`, {
    data: { text },
  })
}
