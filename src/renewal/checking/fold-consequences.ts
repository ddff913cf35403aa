/**
 * One cause is told once. An expired CRL or a missing CA fails the host certificate, every server and
 * every proxy of that CA at the same time; who reads thirty sentences about it finds none of them.
 */
import { type Finding, skipped } from './finding.js'

/** What findings about trust material say, for all who depend on it. */
const TOLD_BY_CRL: ReadonlySet<string> = new Set(['CRL_EXPIRED', 'CRL_UNREADABLE'])
/** Roots that name a CA: the first finding tells it, the others are about the same. */
const TOLD_ONCE = /^(?:(?:CHAIN_UNTRUSTED|SIGNING_POLICY_\w+) \/|TRUST_ANCHORS_UNREADABLE$)/

/** The same findings, in their order; what another one explains already is `skipped`. */
export function foldConsequences(findings: readonly Finding[]): Finding[] {
  const crlTold = findings.some(({ check, verdict }) => check === 'crl' && verdict === 'bad')
  const told = new Set<string>()
  return findings.map((finding) => {
    const { root = '', verdict, check } = finding
    if (verdict !== 'bad') return finding
    if (crlTold && TOLD_BY_CRL.has(root.split(' ', 1)[0] ?? '')) {
      return fold(finding, 'not believed, because of the CRL named above')
    }
    if (!TOLD_ONCE.test(root)) return finding
    if (told.has(root)) return fold(finding, `not believed, for the reason named above`)
    told.add(root)
    return check === 'trust' ? finding : { ...finding, check: 'trust' }
  })
}

function fold({ check, identity, fileName, server }: Finding, because: string): Finding {
  const about = {
    ...(identity !== undefined && { identity }),
    ...(fileName !== undefined && { fileName }),
    ...(server !== undefined && { server }),
  }
  return skipped(check, because, about)
}
