/** A pass phrase that nobody guesses and everybody can type. Pure. */
import type { Random } from '../ports/random.js'

/** No letter that is taken for another one, or for a digit; 32 of them, so that five bits are one. */
const ALPHABET = 'abcdefghijkmnpqrstuvwxyz23456789'

const GROUPS = 5
const GROUP_LENGTH = 5

/** 125 bits in five groups of five: `k7mqa-x2rfz-…`. */
export function generatePassPhrase(random: Random): Buffer {
  const bytes = random.bytes(GROUPS * GROUP_LENGTH)
  const letters = [...bytes].map((octet) => ALPHABET.charAt(octet % ALPHABET.length))
  const groups = Array.from({ length: GROUPS }, (_, at) =>
    letters.slice(at * GROUP_LENGTH, (at + 1) * GROUP_LENGTH).join(''),
  )
  return Buffer.from(groups.join('-'), 'latin1')
}
