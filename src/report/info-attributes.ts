/** The VOMS part of `info`: each attribute certificate, and whether what it says may be believed. */
import { printable } from '../errors.js'
import type { AttributeReport, InnerAttributeReport } from '../voms/attribute-report.js'
import { cureLines, type Lines, showClock, showLines } from './info-lines.js'

/**
 * FQANs stand here as the server wrote them, with `/Role=NULL/Capability=NULL` or without: so do the
 * tools whose output scripts take apart.
 */
export function attributeLines(report: AttributeReport): string[] {
  const vo = report.vo === null ? 'VO' : `VO ${report.vo}`
  return [`=== ${vo} extension information ===`, ...showLines(linesOf(report))]
}

function linesOf(report: AttributeReport): Lines {
  const { vo, holder, issuer, uri, serial } = report
  const attributes = [...report.fqansAsWritten, ...report.genericAttributes.map(showGeneric)]
  const content: Lines =
    vo === null
      ? []
      : [
          ['VO', vo],
          ['subject', printable(holder ?? '')],
          ['issuer', printable(issuer ?? '')],
          ...attributes.map((text) => ['attribute', text] as const),
          ...(report.targets?.length === 0 ? ([['target', 'no host']] as const) : []),
          ...(report.targets ?? []).map((host) => ['target', host] as const),
          ['timeleft', showClock(report.secondsLeft)],
          ['uri', uri ?? ''],
          ['serial', serial ?? ''],
        ]
  return [...content, ...verdictLines(report)]
}

/** As `voms-proxy-info` writes them. */
function showGeneric({
  name,
  value,
  qualifier,
}: AttributeReport['genericAttributes'][number]): string {
  return `${name} = ${value} (${qualifier})`
}

const VOUCHERS: Readonly<Record<NonNullable<AttributeReport['verifiedBy']>, string>> = {
  lsc: 'yes, by a server that a .lsc file names',
  certificate: 'yes, by a server whose certificate is trusted',
}

function verdictLines({ verifiedBy, problem }: AttributeReport): Lines {
  if (verifiedBy !== null) return [['verified', VOUCHERS[verifiedBy]]]
  if (problem === null) return [['verified', 'no']]
  const { message, code, hint } = problem
  return [['verified', `no: ${printable(message)} (${code})`], ...cureLines(hint)]
}

const INNER_NOTE =
  'they do not count; those of a stored credential narrow what is granted: store it without VOMS'

/** Attributes that proxies further inside carry, each named. */
export function innerLines(inner: readonly InnerAttributeReport[]): string[] {
  if (inner.length === 0) return []
  const lines = inner.flatMap(({ proxy, vo, fqans, secondsLeft }): Lines => {
    const content: Lines =
      vo === null
        ? [['attribute', 'cannot be read']]
        : [
            ...fqans.map((fqan) => ['attribute', fqan] as const),
            ['timeleft', showClock(secondsLeft)],
          ]
    return [['carrier', printable(proxy)], ...content]
  })
  return ['=== Attributes further inside ===', ...showLines([...lines, ['note', INNER_NOTE]])]
}
