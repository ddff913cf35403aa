/** What `proxy-init` does and made, in words that users know from the tools before it. */
import { printable } from '../errors.js'
import { asUnixSeconds, type UnixSeconds } from '../ports/clock.js'
import { showDistance, showInstant } from '../ports/time-text.js'
import type { ProxyWarning } from '../proxy/judge-signer.js'
import type { AttributeReport } from '../voms/attribute-report.js'
import { encodeDocument } from './query-json.js'

export interface ProxyInitFacts {
  file: string
  identity: string
  subject: string
  end: UnixSeconds
  /** When it was made. */
  now: UnixSeconds
  policy: string
  keyBits: number
  attributes: readonly AttributeReport[]
  /** Whether it was validated as a service would. */
  chainVerified: boolean
  warnings: readonly ProxyWarning[]
}

/** One step, said while it is being done. */
export type ProxyInitStep =
  | { step: 'identity'; identity: string }
  | { step: 'attributes'; requests: readonly string[] }

export function showProxyInitStep(step: ProxyInitStep): string {
  return step.step === 'identity'
    ? `Your identity: ${printable(step.identity)}\n`
    : `Asking for ${step.requests.map((request) => printable(request)).join(', ')}\n`
}

export function showProxyInit(facts: ProxyInitFacts): string {
  const { file, end, now, attributes, chainVerified } = facts
  const lines = [
    ...attributes.flatMap(attributeLines),
    ...(chainVerified ? ['Proxy verified: services that trust these CAs accept it'] : []),
    `Created proxy in ${printable(file)}`,
    `Your proxy is valid until ${showInstant(end)} (${showDistance(end, now)})`,
  ]
  return `${lines.join('\n')}\n`
}

/** What a new proxy carries, for people. */
export function attributeLines({ vo, uri, fqans, notAfter, verified }: AttributeReport): string[] {
  const until = notAfter === null ? '' : `, until ${showInstant(asUnixSeconds(notAfter))}`
  const believed = verified ? '' : ', NOT VERIFIED'
  return [
    `Attributes of VO ${printable(vo ?? '')} from ${printable(uri ?? '')}${until}${believed}:`,
    ...fqans.map((fqan) => `  ${printable(fqan)}`),
  ]
}

export function encodeProxyInit({ now: _now, ...facts }: ProxyInitFacts): string {
  return encodeDocument({ ...facts })
}
