/** `info`: what is in a proxy file, certificate by certificate. */
import { printable } from '../errors.js'
import { asUnixSeconds, type UnixSeconds } from '../ports/clock.js'
import { showDistance, showDuration, showInstant } from '../ports/time-text.js'
import type { CertificateReport, ChainReport, CredentialReport } from '../proxy/inspect.js'
import { encodeDocument } from './query-json.js'

type Lines = readonly (readonly [name: string, value: string])[]

export function showInfo(file: string, report: CredentialReport, now: UnixSeconds): string {
  const { verdict, chain, certificates, weaknesses } = report
  const head: Lines = [
    ['file', file],
    ...(chain === null ? [] : chainLines(chain)),
    ...(verdict.valid
      ? ([['valid', 'yes']] as const)
      : ([
          ['valid', `no: ${printable(verdict.message)} (${verdict.code})`],
          ...(verdict.hint === null ? [] : ([['', printable(verdict.hint)]] as const)),
        ] as const)),
    ...weaknesses.map(
      ({ subject, message }) => ['weak', `${printable(subject)}: ${message}`] as const,
    ),
  ]
  const bodies = certificates.map((certificate, index) =>
    [`certificate ${index + 1}`, ...showLines(certificateLines(certificate, now), '  ')].join('\n'),
  )
  return `${[showLines(head, '').join('\n'), ...bodies].join('\n\n')}\n`
}

export function encodeInfo(file: string, report: CredentialReport): string {
  return encodeDocument({ file, ...report })
}

function chainLines(chain: ChainReport): Lines {
  const kind = chain.kind === null ? 'end-entity certificate, no proxy' : `${chain.kind} proxy`
  const policy = chain.policy === null ? '' : `, ${chain.policy}`
  return [
    ['identity', printable(chain.identity)],
    ['subject', printable(chain.subject)],
    ['kind', `${kind}${policy}${chain.limited && chain.policy !== 'limited' ? ', limited' : ''}`],
    ['depth', String(chain.depth)],
    ['left', chain.secondsLeft === 0 ? 'expired' : showDuration(chain.secondsLeft)],
    ['ends', showInstant(asUnixSeconds(chain.effectiveEnd))],
    ['VOMS', chain.carriesAttributes ? 'carries attributes' : 'none'],
  ]
}

function certificateLines(certificate: CertificateReport, now: UnixSeconds): Lines {
  const end = asUnixSeconds(certificate.notAfter)
  const pathLength =
    certificate.pathLength === undefined ? '' : `, path length ${certificate.pathLength}`
  const kind =
    certificate.kind === undefined
      ? ''
      : ` (${certificate.kind}, ${certificate.policy}${pathLength})`
  return [
    ['subject', printable(certificate.subject)],
    ['issuer', printable(certificate.issuer)],
    ['role', `${certificate.role}${kind}`],
    ['key', `${certificate.keyType.toUpperCase()} ${certificate.keyBits} bits`],
    ['signature', certificate.signatureAlgorithm],
    ['from', showInstant(asUnixSeconds(certificate.notBefore))],
    ['until', `${showInstant(end)} (${showDistance(end, now)})`],
    ['serial', certificate.serial],
  ]
}

function showLines(lines: Lines, indent: string): string[] {
  const width = Math.max(...lines.map(([name]) => name.length))
  return lines.map(([name, value]) => `${indent}${name.padEnd(width)}  ${value}`)
}
