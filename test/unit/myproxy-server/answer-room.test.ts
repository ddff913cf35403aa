import { describe, expect, it } from 'vitest'
import { AnswerRoom } from '../../../src/myproxy/server/answer-room.js'
import { rejectionOf } from '../../support/failure.js'
import { FakeClock } from '../../support/fake-clock.js'

const KB = 1024

/** Room for 1,000 kB, of which one network may have 500. */
function scene() {
  const clock = new FakeClock()
  const room = new AnswerRoom(clock, { maxBytes: 1000 * KB })
  const stop = new AbortController()
  const entered: string[] = []
  const enter = async (who: string, kilobytes: number) => {
    const leave = await room.enter(who, kilobytes * KB, stop.signal)
    entered.push(who)
    return leave
  }
  return { clock, enter, entered, stop }
}

describe('room for 1,000 kB of answers', () => {
  it('lets answers of up to 64 kB pass, however many there are', async () => {
    const { enter, entered } = scene()
    await Promise.all(Array.from({ length: 100 }, () => enter('192.0.2.1', 64)))
    expect(entered).toHaveLength(100)
  })

  it('gives one network 500 of them, counted by address or IPv6 /64, and others the rest', async () => {
    const { clock, enter, entered } = scene()
    for (const who of ['2001:db8::1', '2001:db8::2', '2001:db8::3']) void enter(who, 200)
    void enter('192.0.2.1', 400)
    await clock.settle()
    expect(entered).toEqual(['2001:db8::1', '2001:db8::2', '192.0.2.1'])
  })

  it('lets in who waits in the order of their coming, as soon as there is room', async () => {
    const { clock, enter, entered } = scene()
    const [leave] = await Promise.all([enter('a', 500), enter('b', 500)])
    void enter('c', 400)
    void enter('d', 100)
    await clock.settle()
    expect(entered).toEqual(['a', 'b'])
    leave()
    leave()
    await clock.settle()
    expect(entered).toEqual(['a', 'b', 'c', 'd'])
  })

  it('is not overtaken by small ones: a large one that waits for room gets it', async () => {
    const { clock, enter, entered } = scene()
    const leaves = await Promise.all([enter('a', 400), enter('b', 400)])
    void enter('large', 500)
    void enter('c', 100)
    await clock.settle()
    expect(entered).toEqual(['a', 'b'])
    leaves[0]?.()
    await clock.settle()
    expect(entered).toEqual(['a', 'b', 'large', 'c'])
  })

  it('is not kept by two that hold all of it: who holds nothing is let in before their next ones', async () => {
    const { clock, enter, entered } = scene()
    const held = ['a', 'a', 'a', 'b', 'b', 'b'].map((who) => enter(who, 160))
    const [first, ...others] = await Promise.all(held)
    for (const who of ['a', 'b', 'a', 'c', 'c', 'd']) void enter(who, 160)
    await clock.settle()
    expect(entered).toEqual(['a', 'a', 'a', 'b', 'b', 'b'])
    first?.()
    await clock.settle()
    expect(entered.slice(6)).toEqual(['c'])
    others[0]?.()
    await clock.settle()
    expect(entered.slice(6)).toEqual(['c', 'd'])
    others[2]?.()
    await clock.settle()
    expect(entered.slice(6)).toEqual(['c', 'd', 'a'])
  })

  it('lets one through that is larger than all of it, when nothing else is on its way', async () => {
    const { clock, enter, entered } = scene()
    const leave = await enter('a', 100)
    void enter('huge', 5000)
    await clock.settle()
    expect(entered).toEqual(['a'])
    leave()
    await clock.settle()
    expect(entered).toEqual(['a', 'huge'])
  })

  it('refuses after 30 s, for now, and is free for the next then', async () => {
    const { clock, enter, entered } = scene()
    const leave = await enter('a', 500)
    const refused = rejectionOf(enter('a', 500))
    await clock.advance(29_999)
    void enter('b', 500)
    await clock.advance(1)
    const error = await refused
    expect(error).toMatchObject({ code: 'MYPROXY_REFUSED', persistence: 'transient' })
    expect(error.message).toContain('too many large answers are on their way')
    leave()
    await enter('a', 500)
    expect(entered).toEqual(['a', 'b', 'a'])
  })

  it('is left by who gives up waiting, with the reason of the signal', async () => {
    const { clock, enter, entered, stop } = scene()
    const leave = await enter('a', 500)
    const waiting = enter('a', 500)
    await clock.settle()
    const reason = new Error('stopped')
    stop.abort(reason)
    await expect(waiting).rejects.toBe(reason)
    leave()
    await clock.settle()
    expect(entered).toEqual(['a'])
    expect(clock.sleeping).toBe(0)
  })
})
