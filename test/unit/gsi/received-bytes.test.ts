import { describe, expect, it } from 'vitest'
import { ReceivedBytes } from '../../../src/gsi/received-bytes.js'

const filled = (...chunks: string[]) => {
  const received = new ReceivedBytes()
  for (const chunk of chunks) received.add(Buffer.from(chunk))
  return received
}

describe('bytes that a peer sent', () => {
  it('are one piece, whatever chunks they came in, and shorter by what is taken', () => {
    const received = filled('one ', 'two ', 'three')
    expect(received.view.toString()).toBe('one two three')
    expect(received.take(4).toString()).toBe('one ')
    expect(received.length).toBe(9)
    received.add(Buffer.from(' four'))
    expect(received.view.toString()).toBe('two three four')
  })

  it('leave what was taken alone, though 1,000 chunks come after it', () => {
    const received = filled('abc', 'def')
    const taken = received.take(4)
    for (let chunk = 0; chunk < 1000; chunk++) received.add(Buffer.from('xyz'))
    expect(taken.toString()).toBe('abcd')
    taken.fill(0)
    expect(received.view.subarray(0, 5).toString()).toBe('efxyz')
  })

  it('may all be taken, and begin anew with the next chunk', () => {
    const received = filled('abc')
    expect(received.take(3).toString()).toBe('abc')
    expect(received.length).toBe(0)
    received.add(Buffer.from('de'))
    expect(received.view.toString()).toBe('de')
  })

  it('are not copied anew for each chunk: 32 MB in 32,768 of them take no minutes', () => {
    const received = new ReceivedBytes()
    const chunk = Buffer.alloc(1024, 7)
    for (let count = 0; count < 32_768; count++) received.add(chunk)
    expect(received.length).toBe(32 * 1024 * 1024)
    expect(received.view.at(-1)).toBe(7)
  })
})
