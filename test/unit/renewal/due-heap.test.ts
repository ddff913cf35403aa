import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { DueHeap } from '../../../src/renewal/due-heap.js'

const drain = (heap: DueHeap<string>) => {
  const order: [string, number][] = []
  for (let first = heap.first(); first; first = heap.first()) {
    order.push([first.key, first.dueAt])
    heap.delete(first.key)
  }
  return order
}

describe('DueHeap', () => {
  it('hands out three keys in the order of their times', () => {
    const heap = new DueHeap<string>()
    heap.set('b', 20)
    heap.set('c', 30)
    heap.set('a', 10)
    expect(drain(heap)).toEqual([
      ['a', 10],
      ['b', 20],
      ['c', 30],
    ])
  })

  it('moves a key from last to first, and holds it once', () => {
    const heap = new DueHeap<string>()
    heap.set('a', 10)
    heap.set('b', 20)
    heap.set('b', 5)
    expect(heap.size).toBe(2)
    expect(heap.dueAt('b')).toBe(5)
    expect(heap.first()).toEqual({ key: 'b', dueAt: 5 })
  })

  it('says that a key which it does not hold was not deleted', () => {
    expect(new DueHeap<string>().delete('a')).toBe(false)
  })

  it('agrees with a sorted list after any sequence of changes', () => {
    const change = fc.record({
      key: fc.constantFrom(...'abcdefghijklmnop'),
      dueAt: fc.option(fc.integer({ min: 0, max: 50 })),
    })
    fc.assert(
      fc.property(fc.array(change, { maxLength: 200 }), (changes) => {
        const heap = new DueHeap<string>()
        const model = new Map<string, number>()
        for (const { key, dueAt } of changes) {
          if (dueAt === null) expect(heap.delete(key)).toBe(model.delete(key))
          else {
            heap.set(key, dueAt)
            model.set(key, dueAt)
          }
        }
        const drained = drain(heap)
        expect(new Map(drained)).toEqual(model)
        expect(drained.map(([, at]) => at)).toEqual([...model.values()].sort((x, y) => x - y))
      }),
    )
  })
})
