/** Numeric addresses between text and the octets of an iPAddress (RFC 5280 §4.2.1.6). */
import { isIPv4, isIPv6 } from 'node:net'

/** `192.0.2.1`, or IPv6 in the canonical form of RFC 5952; undefined for another length. */
export function formatIp(octets: Uint8Array): string | undefined {
  if (octets.length === 4) return octets.join('.')
  return octets.length === 16 ? canonicalIpv6(groupsOf(octets)) : undefined
}

/** Octets of a numeric address. Anything else is a `TypeError`. */
export function parseIp(text: string): Uint8Array {
  if (isIPv4(text)) return Uint8Array.from(text.split('.').map(Number))
  if (!isIPv6(text) || text.includes('%')) throw new TypeError(`not a numeric address: ${text}`)
  const groups = new URL(`http://[${text}]/`).hostname.slice(1, -1)
  const [head = '', tail] = groups.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === undefined || tail === '' ? [] : tail.split(':')
  const zeros = new Array<string>(8 - left.length - right.length).fill('0')
  const bytes = Buffer.alloc(16)
  ;[...left, ...zeros, ...right].forEach((group, index) => {
    bytes.writeUInt16BE(Number.parseInt(group, 16), index * 2)
  })
  return bytes
}

function groupsOf(octets: Uint8Array): string {
  return Array.from({ length: 8 }, (_, group) =>
    (((octets[group * 2] ?? 0) << 8) | (octets[group * 2 + 1] ?? 0)).toString(16),
  ).join(':')
}

/** The URL parser writes IPv6 as RFC 5952 wants it. */
function canonicalIpv6(groups: string): string {
  return new URL(`http://[${groups}]/`).hostname.slice(1, -1)
}
