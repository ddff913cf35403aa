/** OBJECT IDENTIFIER content octets (X.690 §8.19) to dotted text and back. */
import { malformed } from './malformed.js'

/** Longer ones are refused: nothing in use comes near. */
const MAX_OCTETS = 64

export function decodeOid(content: Uint8Array): string {
  const last = content[content.length - 1]
  if (last === undefined || last >= 0x80 || content.length > MAX_OCTETS) {
    throw malformed('DER object identifier is malformed', { octets: content.length })
  }
  const arcs: string[] = []
  let arc = 0n
  let startOfArc = true
  for (const octet of content) {
    if (startOfArc && octet === 0x80) throw malformed('DER object identifier is not minimal')
    arc = (arc << 7n) | BigInt(octet & 0x7f)
    startOfArc = octet < 0x80
    if (!startOfArc) continue
    if (arcs.length === 0) {
      const root = arc < 80n ? arc / 40n : 2n
      arcs.push(root.toString())
      arc -= root * 40n
    }
    arcs.push(arc.toString())
    arc = 0n
  }
  return arcs.join('.')
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
