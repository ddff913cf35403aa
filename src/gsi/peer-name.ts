/**
 * Whether a validated peer is the one we meant to reach.
 *
 * Where the certificate has a subjectAltName of the right type, that alone decides (RFC 2818 §3.1);
 * else the common name, plain or with a service before it (`CN=host/fqdn`, the Globus form). A
 * configured DN replaces both. The peer's end-entity certificate is looked at, also when it presents
 * a proxy of it.
 */
import { isIP } from 'node:net'
import { attributeType } from '../asn1/attribute-types.js'
import { printable, VoboxError } from '../errors.js'
import type { Certificate } from '../x509/certificate.js'
import { parseIp } from '../x509/ip-address.js'
import { isNameText, type Name } from '../x509/name.js'
import { decodeText } from '../x509/name-text.js'

export interface PeerExpectation {
  /** The host as the user or the configuration names it: never what a resolver made of it. */
  host: string
  /** Exact subject in either one-line form, instead of the host name check. */
  serverDn?: string | undefined
  /** What sets `serverDn`, for the hint; e.g. `MYPROXY_SERVER_DN`. */
  dnSetting?: string | undefined
  /** Services accepted in `CN=service/fqdn`; default `host` alone. */
  services?: readonly string[]
}

/** @throws `PEER_NAME_MISMATCH` with what was expected and what is there. */
export function checkPeerName(endEntity: Certificate, expectation: PeerExpectation): void {
  const subject = endEntity.subject.oneLine
  if (expectation.serverDn !== undefined) {
    if (isNameText(endEntity.subject, expectation.serverDn)) return
    const hint = `Correct ${expectation.dnSetting ?? 'the configured DN'} of the server`
    throw mismatch(expectation.serverDn, [subject], subject, hint)
  }
  const names = namesOf(endEntity, expectation)
  const matches = isIP(expectation.host)
    ? names.some((name) => sameAddress(name, expectation.host))
    : names.some((name) => matchesHost(name, expectation.host))
  if (matches) return
  throw mismatch(
    expectation.host,
    names,
    subject,
    `Name the server as its certificate does, or set ${expectation.dnSetting ?? 'the configured DN'} to ${subject}`,
  )
}

/** The names by which the certificate may be known for this kind of host. */
function namesOf(endEntity: Certificate, { host, services }: PeerExpectation): readonly string[] {
  const alternatives = endEntity.subjectAltNames
  if (isIP(host)) return alternatives?.ips ?? []
  if (alternatives !== undefined && alternatives.dns.length > 0) return alternatives.dns
  return commonNames(endEntity.subject).flatMap((name) => {
    const slash = name.indexOf('/')
    if (slash === -1) return [name]
    return (services ?? ['host']).includes(name.slice(0, slash)) ? [name.slice(slash + 1)] : []
  })
}

/** RFC 6125 §6.4: no case, and `*` only as the whole left-most label of three or more. */
export function matchesHost(pattern: string, host: string): boolean {
  const wanted = labelsOf(host)
  const labels = labelsOf(pattern)
  if (labels.length !== wanted.length || labels.some((label) => label === '')) return false
  const wildcard = labels[0] === '*' && labels.length >= 3
  return labels.every((label, at) => label === wanted[at] || (wildcard && at === 0))
}

/** ASCII case alone: `toLowerCase` would make the letter `k` of a Kelvin sign. */
function labelsOf(name: string): string[] {
  const lower = name.replace(/[A-Z]+/g, (capitals) => capitals.toLowerCase())
  return lower.replace(/\.$/, '').split('.')
}

/** Addresses in any spelling: `::1` and `0:0:0:0:0:0:0:1` are one. */
function sameAddress(one: string, other: string): boolean {
  return Buffer.compare(parseIp(one), parseIp(other.replace(/%.*$/, ''))) === 0
}

function commonNames(name: Name): string[] {
  const type = attributeType('CN')
  return name.parts
    .flat()
    .filter((attribute) => attribute.type === type)
    .map(({ tag, value }) => decodeText(tag, value))
}

function mismatch(
  expected: string,
  found: readonly string[],
  subject: string,
  hint: string,
): VoboxError {
  const names = found.map((name) => printable(name, 200))
  return new VoboxError(
    'PEER_NAME_MISMATCH',
    `its certificate is not of ${printable(expected, 300)} but of ${names.join(', ') || 'no such name'} (${subject})`,
    { data: { expected, found: names, subject }, hint },
  )
}
