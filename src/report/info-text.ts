/**
 * `info`: what is in a proxy file, in the layout of `voms-proxy-info -all`, which scripts take apart
 * at the colon; lines of ours have names of their own. Below it, certificate by certificate.
 */
import { printable } from '../errors.js'
import { asUnixSeconds, type UnixSeconds } from '../ports/clock.js'
import { showDistance, showInstant } from '../ports/time-text.js'
import type { CertificateReport, ChainReport, CredentialReport } from '../proxy/inspect.js'
import type { KeyUsage } from '../x509/certificate.js'
import { attributeLines, innerLines } from './info-attributes.js'
import { cureLines, type Lines, showClock, showLines } from './info-lines.js'
import type { Inspected } from './info-types.js'
import { encodeDocument } from './query-json.js'

/** Which parts are shown. Default: all of them. */
export interface InfoParts {
  /** The proxy as a whole with its attributes. */
  attributes: boolean
  /** Certificates one by one: every one, the leaf alone, or none. */
  certificates: 'all' | 'leaf' | 'none'
}

const EVERYTHING: InfoParts = { attributes: true, certificates: 'all' }

export function showInfo(
  inspected: Inspected,
  now: UnixSeconds,
  { attributes, certificates }: InfoParts = EVERYTHING,
): string {
  const shown = { all: undefined, leaf: 1, none: 0 }[certificates]
  const head = [
    ...showLines(headLines(inspected)),
    ...(attributes ? inspected.attributes.flatMap(attributeLines) : []),
    ...(attributes ? innerLines(inspected.innerAttributes) : []),
  ]
  const bodies = inspected.report.certificates
    .slice(0, shown)
    .map((certificate, index) =>
      [`=== Certificate ${index + 1} ===`, ...showLines(certificateLines(certificate, now))].join(
        '\n',
      ),
    )
  return `${[head.join('\n'), ...bodies].join('\n\n')}\n`
}

export function encodeInfo(inspected: Inspected): string {
  const { file, mode, report, attributes, innerAttributes } = inspected
  return encodeDocument({ file, mode, ...report, attributes, innerAttributes })
}

function headLines({ file, report }: Inspected): Lines {
  const { chain, certificates, weaknesses } = report
  const [leaf] = certificates
  return [
    ...(chain === null || leaf === undefined ? [] : chainLines(chain, leaf, file)),
    ...(chain === null ? ([['path', printable(file)]] as const) : []),
    ...verdictLines(report.verdict),
    ...weaknesses.map(
      ({ subject, message }) => ['weak', `${printable(subject)}: ${message}`] as const,
    ),
  ]
}

function verdictLines(verdict: CredentialReport['verdict']): Lines {
  if (verdict.valid) return [['valid', 'yes']]
  const { message, code, hint } = verdict
  return [['valid', `no: ${printable(message)} (${code})`], ...cureLines(hint)]
}

function chainLines(chain: ChainReport, leaf: CertificateReport, file: string): Lines {
  const usage = showKeyUsage(leaf.keyUsage)
  return [
    ['subject', printable(chain.subject)],
    ['issuer', printable(leaf.issuer)],
    ['identity', printable(chain.identity)],
    ['type', showProxyType(chain)],
    ['strength', `${leaf.keyBits} bits`],
    ['path', printable(file)],
    ['timeleft', showClock(chain.secondsLeft)],
    ...(usage === undefined ? [] : ([['key usage', usage]] as const)),
    ['ends', showInstant(asUnixSeconds(chain.effectiveEnd))],
    ['depth', String(chain.depth)],
  ]
}

const KIND_WORDS: Readonly<Record<NonNullable<ChainReport['kind']>, string>> = {
  rfc3820: 'RFC 3820 compliant',
  draft: 'Proxy draft (pre-RFC) compliant',
  legacy: '',
}

/** In the words of `grid-proxy-info -type`. What is limited anywhere in the chain is limited. */
export function showProxyType({ kind, policy, limited }: ChainReport): string {
  if (kind === null) return 'end-entity certificate, no proxy'
  if (kind === 'legacy') return `${limited ? 'limited' : 'full'} legacy globus proxy`
  const word = policy === 'inherit-all' ? 'impersonation' : policy
  return `${KIND_WORDS[kind]} ${word} proxy`
}

const USAGE_WORDS: Readonly<Record<KeyUsage, string>> = {
  digitalSignature: 'Digital Signature',
  nonRepudiation: 'Non Repudiation',
  keyEncipherment: 'Key Encipherment',
  dataEncipherment: 'Data Encipherment',
  keyAgreement: 'Key Agreement',
  keyCertSign: 'Certificate Sign',
  cRLSign: 'CRL Sign',
  encipherOnly: 'Encipher Only',
  decipherOnly: 'Decipher Only',
}

/** As OpenSSL names them; undefined: the certificate does not restrict its key. */
export function showKeyUsage(usage: CertificateReport['keyUsage']): string | undefined {
  return usage?.map((one) => USAGE_WORDS[one]).join(', ')
}

function certificateLines(certificate: CertificateReport, now: UnixSeconds): Lines {
  const { kind, policy, pathLength, keyType, keyBits } = certificate
  const end = asUnixSeconds(certificate.notAfter)
  const path = pathLength === undefined ? '' : `, path length ${pathLength}`
  const usage = showKeyUsage(certificate.keyUsage)
  return [
    ['subject', printable(certificate.subject)],
    ['issuer', printable(certificate.issuer)],
    ['role', `${certificate.role}${kind === undefined ? '' : ` (${kind}, ${policy}${path})`}`],
    ['key', `${keyType.toUpperCase()} ${keyBits} bits`],
    ...(usage === undefined ? [] : ([['key usage', usage]] as const)),
    ['signature', certificate.signatureAlgorithm],
    ['from', showInstant(asUnixSeconds(certificate.notBefore))],
    ['until', `${showInstant(end)} (${showDistance(end, now)})`],
    ['serial', certificate.serial],
    ...(certificate.carriesAttributes ? ([['VOMS', 'carries attributes']] as const) : []),
  ]
}
