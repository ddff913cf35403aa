import { expect, it } from 'vitest'
import { generatePassPhrase } from '../../../src/myproxy/generate-pass-phrase.js'
import { systemRandom } from '../../../src/node/ports/random.js'

const fixed = (octet: (at: number) => number) => ({
  bytes: (length: number) => Uint8Array.from({ length }, (_, at) => octet(at)),
  fraction: () => 0,
})

it('has 25 letters in five groups, five bits of each byte', () => {
  expect(generatePassPhrase(fixed((at) => at)).toString()).toBe('abcde-fghij-kmnpq-rstuv-wxyz2')
  expect(generatePassPhrase(fixed((at) => 255 - at)).toString()).toMatch(/^98765-/)
})

it('uses each of 32 letters equally often: none is taken for another one', () => {
  const counts = new Map<string, number>()
  for (let octet = 0; octet < 256; octet++) {
    const letter = generatePassPhrase(fixed(() => octet))
      .toString()
      .charAt(0)
    counts.set(letter, (counts.get(letter) ?? 0) + 1)
  }
  expect([...counts.keys()].sort().join('')).toBe('23456789abcdefghijkmnpqrstuvwxyz')
  expect(new Set(counts.values())).toEqual(new Set([8]))
})

it('differs from time to time', () => {
  const made = Array.from({ length: 20 }, () => generatePassPhrase(systemRandom).toString())
  expect(new Set(made).size).toBe(20)
})
