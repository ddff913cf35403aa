/** What `proxy-init` does and made, in words that users know from the tools before it. */
import { printable } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import { showDistance, showInstant } from '../ports/time-text.js'
import type { ProxyWarning } from '../proxy/judge-signer.js'
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
  verified: boolean
  warnings: readonly ProxyWarning[]
}

/** One step, said while it is being done. */
export function showProxyInitStep({ identity }: { identity: string }): string {
  return `Your identity: ${printable(identity)}\n`
}

export function showProxyInit({ file, end, now, verified }: ProxyInitFacts): string {
  const lines = [
    ...(verified ? ['Proxy verified: services that trust these CAs accept it'] : []),
    `Created proxy in ${printable(file)}`,
    `Your proxy is valid until ${showInstant(end)} (${showDistance(end, now)})`,
  ]
  return `${lines.join('\n')}\n`
}

export function encodeProxyInit({ now: _now, ...facts }: ProxyInitFacts): string {
  return encodeDocument({ ...facts })
}
