/** OBJECT IDENTIFIER content octets (X.690 §8.19) to dotted text and back. */
import { malformed } from './malformed.js'

/** Longer ones are refused: nothing in use comes near. */
const MAX_OCTETS = 64

export function decodeOid(content: Uint8Array): string {
  const last = content[content.length - 1]
  if (last === undefined || last >= 0x80 || content.length > MAX_OCTETS) {
    throw malformed('DER object identifier is malformed', { octets: content.length })
  }
  let text = ''
  let start = 0
  content.forEach((octet, index) => {
    if (octet >= 0x80) return
    if (content[start] === 0x80) throw malformed('DER object identifier is not minimal')
    text += start === 0 ? firstArcs(content, index) : `.${readArc(content, start, index)}`
    start = index + 1
  })
  return text
}

/** The first two arcs share one number (X.690 §8.19.4). */
function firstArcs(content: Uint8Array, end: number): string {
  const both = readArc(content, 0, end)
  if (both < 80) return `${Math.floor(Number(both) / 40)}.${Number(both) % 40}`
  return `2.${BigInt(both) - 80n}`
}

/** Seven octets fit into a number exactly; UUIDs as arcs need more. */
function readArc(content: Uint8Array, start: number, end: number): number | bigint {
  if (end - start >= 7) return readLargeArc(content, start, end)
  let arc = 0
  for (let at = start; at <= end; at++) arc = arc * 128 + ((content[at] ?? 0) & 0x7f)
  return arc
}

function readLargeArc(content: Uint8Array, start: number, end: number): bigint {
  let arc = 0n
  for (const octet of content.subarray(start, end + 1)) arc = (arc << 7n) | BigInt(octet & 0x7f)
  return arc
}

/** A dotted text that is no object identifier is the programmer's mistake: `TypeError`. */
export function encodeOid(dotted: string): Uint8Array {
  if (!/^[0-2](\.(0|[1-9][0-9]*))+$/.test(dotted)) {
    throw new TypeError(`not an object identifier: ${dotted}`)
  }
  const [root = 0n, second = 0n, ...rest] = dotted.split('.').map(BigInt)
  if (root < 2n && second >= 40n) throw new TypeError(`not an object identifier: ${dotted}`)
  return Uint8Array.from([root * 40n + second, ...rest].flatMap(encodeArc))
}

function encodeArc(arc: bigint): number[] {
  const octets = [Number(arc & 0x7fn)]
  for (let left = arc >> 7n; left > 0n; left >>= 7n) octets.unshift(Number(left & 0x7fn) | 0x80)
  return octets
}
