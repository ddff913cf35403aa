import { describe, expect, it } from 'vitest'
import { HookQueue } from '../../../src/agents/hook-queue.js'

interface Job {
  about: string
  value: number
}

function slowQueue(limit = 10) {
  const done: string[] = []
  const dropped: string[] = []
  let atOnce = 0
  let most = 0
  let finish: () => void = () => undefined
  const show = ({ about, value }: Job) => `${about}=${value}`
  const queue = new HookQueue<Job>({
    limit,
    onDropped: (job) => dropped.push(show(job)),
    async run(job) {
      most = Math.max(most, ++atOnce)
      await new Promise<void>((resolve) => {
        finish = resolve
      })
      done.push(show(job))
      atOnce--
    },
  })
  const next = async () => {
    await new Promise<void>((resolve) => setImmediate(resolve))
    finish()
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
  return { queue, done, dropped, next, most: () => most }
}

describe('HookQueue', () => {
  it('runs one at a time, in order, and the last news about what waits', async () => {
    const { queue, done, next, most } = slowQueue()
    queue.add({ about: 'a', value: 1 })
    await new Promise<void>((resolve) => setImmediate(resolve))
    for (const value of [2, 3, 4]) queue.add({ about: 'a', value })
    queue.add({ about: 'b', value: 1 })
    queue.add({ about: 'a', value: 5 })
    expect(queue.waiting).toBe(2)
    for (let turn = 0; turn < 3; turn++) await next()
    await queue.settled()
    expect(done).toEqual(['a=1', 'a=5', 'b=1'])
    expect(most()).toBe(1)
  })

  it('drops what a queue of 2 has no room for, and still takes news about what waits in it', () => {
    const { queue, dropped } = slowQueue(2)
    for (const [value, about] of ['a', 'b', 'c', 'b'].entries()) queue.add({ about, value })
    expect(dropped).toEqual(['c=2'])
    expect(queue.waiting).toBe(2)
  })

  it('works again after it was empty', async () => {
    const { queue, done, next } = slowQueue()
    queue.add({ about: 'a', value: 1 })
    await next()
    await queue.settled()
    queue.add({ about: 'a', value: 2 })
    await next()
    await queue.settled()
    expect(done).toEqual(['a=1', 'a=2'])
  })

  it('forgets 2 that wait when it is closed, finishes the one that runs, and takes no more', async () => {
    const { queue, done, next } = slowQueue()
    queue.add({ about: 'a', value: 1 })
    await new Promise<void>((resolve) => setImmediate(resolve))
    queue.add({ about: 'b', value: 1 })
    queue.add({ about: 'c', value: 1 })
    expect(queue.close()).toBe(2)
    queue.add({ about: 'd', value: 1 })
    await next()
    await queue.settled()
    expect(done).toEqual(['a=1'])
  })
})
