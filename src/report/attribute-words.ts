/** What `query` says of the attributes that a proxy carries. */
import { printable } from '../errors.js'
import type { AttributeProblem, AttributeReport } from '../voms/attribute-report.js'

type Reports = readonly AttributeReport[]

/** FQANs of all VOs in their order, the primary one first. */
export const carriedFqans = (reports: Reports): string[] => reports.flatMap(({ fqans }) => fqans)

/** Seconds until the first of them expires; 0: none, or one has. */
export function attributesLeft(reports: Reports): number {
  return reports.length === 0 ? 0 : Math.min(...reports.map(({ secondsLeft }) => secondsLeft))
}

/** Why they are not all verified; undefined: they are. */
export function doubtAbout(reports: Reports): AttributeProblem | undefined {
  return reports.flatMap(({ problem }) => problem ?? [])[0]
}

/**
 * Lines for scripts.
 *
 * @param wanted whether it was registered with attributes.
 */
export function attributeBlock(reports: Reports, wanted: boolean): [string, string | number][] {
  if (reports.length === 0 && !wanted) return []
  const doubt = doubtAbout(reports)
  const verified =
    reports.length === 0
      ? 'no, it carries none'
      : doubt === undefined
        ? 'yes'
        : `no, ${printable(doubt.message)} (${doubt.code})`
  return [
    ['Attributes', carriedFqans(reports).join(',') || 'none'],
    ['Attributes Time Left (seconds)', attributesLeft(reports)],
    ['Attributes Verified', verified],
  ]
}
