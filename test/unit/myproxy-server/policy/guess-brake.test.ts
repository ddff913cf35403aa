import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../../../src/errors.js'
import { GuessBrake } from '../../../../src/myproxy/server/policy/guess-brake.js'
import { type Journal, silentJournal } from '../../../../src/ports/journal.js'
import { rejectionOf } from '../../../support/failure.js'
import { FakeClock } from '../../../support/fake-clock.js'

const alice = { username: 'alice', address: '192.0.2.1' }
const bob = { ...alice, username: 'bob' }
const wrong = () => Promise.reject(new VoboxError('KEY_ENCRYPTED', 'wrong'))
const right = () => Promise.resolve('right')
const never = new AbortController().signal

/** A brake that doubles 1 s up to 8 s, and tells when each guess was made. */
function brakeWithLog() {
  const clock = new FakeClock()
  const log: unknown[] = []
  const journal: Journal = { write: (...entry) => void log.push(entry) }
  const brake = new GuessBrake(clock, journal, { firstDelayMs: 1000, maxDelayMs: 8000 })
  const guessedAt: number[] = []
  const guess = (who: typeof alice, answer: () => Promise<string>, signal = never) => {
    const attempt = brake.attempt(
      who,
      signal,
      () => {
        guessedAt.push(clock.monotonicMs())
        return answer()
      },
      (error) => error instanceof VoboxError && error.code === 'KEY_ENCRYPTED',
    )
    attempt.catch(() => undefined)
    return attempt
  }
  const failTimes = async (count: number) => {
    for (let failed = 0; failed < count; failed += 1) {
      const attempt = rejectionOf(guess(alice, wrong))
      await clock.advance(8000)
      await attempt
    }
  }
  return { clock, guess, guessedAt, failTimes, log }
}

describe('GuessBrake', () => {
  it('makes the first guess at once, and waits 1, 2, 4, 8 and again 8 s before the next', async () => {
    const { clock, guess, guessedAt } = brakeWithLog()
    const waits: number[] = []
    for (let failed = 0; failed < 6; failed += 1) {
      const askedAt = clock.monotonicMs()
      const attempt = rejectionOf(guess(alice, wrong))
      await clock.advance(8000)
      expect((await attempt).code).toBe('KEY_ENCRYPTED')
      waits.push((guessedAt.at(-1) as number) - askedAt)
    }
    expect(waits).toEqual([0, 1000, 2000, 4000, 8000, 8000])
  })

  it('forgets failures when the right pass phrase comes', async () => {
    const { clock, guess, guessedAt, failTimes } = brakeWithLog()
    await failTimes(3)
    const attempt = guess(alice, right)
    await clock.advance(8000)
    expect(await attempt).toBe('right')
    const askedAt = clock.monotonicMs()
    await rejectionOf(guess(alice, wrong))
    expect(guessedAt.at(-1)).toBe(askedAt)
  })

  it('forgets failures after fifteen minutes', async () => {
    const { clock, guess, guessedAt, failTimes } = brakeWithLog()
    await failTimes(3)
    await clock.advance(15 * 60_000)
    const askedAt = clock.monotonicMs()
    await rejectionOf(guess(alice, wrong))
    expect(guessedAt.at(-1)).toBe(askedAt)
  })

  it('holds up neither another name nor another address', async () => {
    const { guess, failTimes } = brakeWithLog()
    await failTimes(4)
    expect(await guess({ ...alice, username: 'bob' }, right)).toBe('right')
    expect(await guess({ ...alice, address: '192.0.2.2' }, right)).toBe('right')
  })

  it('counts the addresses of one IPv6 network, and IPv4 in IPv6 clothes, as one', async () => {
    const { clock, guess, guessedAt } = brakeWithLog()
    for (const [one, other] of [
      ['2001:db8:1:2::1', '2001:db8:1:2:ffff:ffff:ffff:ffff'],
      ['::ffff:192.0.2.7', '192.0.2.7'],
    ] as const) {
      await rejectionOf(guess({ username: 'alice', address: one }, wrong))
      const askedAt = clock.monotonicMs()
      const second = rejectionOf(guess({ username: 'alice', address: other }, wrong))
      await clock.advance(1000)
      await second
      expect((guessedAt.at(-1) as number) - askedAt).toBe(1000)
    }
  })

  it('makes guesses that come together one after the other, and refuses the fifth', async () => {
    const { clock, guess, guessedAt } = brakeWithLog()
    const attempts = [1, 2, 3, 4].map(() => rejectionOf(guess(alice, wrong)))
    const fifth = await rejectionOf(guess(alice, right))
    expect(fifth.code).toBe('MYPROXY_REFUSED')
    expect(fifth.persistence).toBe('transient')
    await clock.advance(7000)
    await Promise.all(attempts)
    expect(guessedAt).toEqual([0, 1000, 3000, 7000])
  })

  it('stops waiting when its connection is gone, and lets the next one pass', async () => {
    const { clock, guess, failTimes } = brakeWithLog()
    await failTimes(4)
    const gone = new AbortController()
    const abandoned = guess(alice, right, gone.signal)
    const next = guess(alice, right)
    await clock.settle()
    gone.abort(new VoboxError('CANCELLED', 'gone'))
    expect((await rejectionOf(abandoned)).code).toBe('CANCELLED')
    await clock.advance(8000)
    expect(await next).toBe('right')
  })

  it('says nothing of 2 wrong pass phrases, and from the third on who is guessed at, from where', async () => {
    const { failTimes, guess, log } = brakeWithLog()
    await failTimes(2)
    expect(log).toEqual([])
    await failTimes(2)
    const told = (failures: number, nextAfterMs: number) => [
      ...['warn', 'pass-phrase-guessed', 'Wrong pass phrases one after the other'],
      { username: 'alice', network: '192.0.2.1', failures, nextAfterMs },
    ]
    expect(log).toEqual([told(3, 4000), told(4, 8000)])
    await guess({ ...alice, address: '192.0.2.9' }, right)
    expect(log).toHaveLength(2)
  })

  it('makes no guess for a request that has ended while it waited for its turn', async () => {
    const { clock, guess, guessedAt } = brakeWithLog()
    const gone = new AbortController()
    let end: (answer: string) => void = () => undefined
    const answer = new Promise<string>((resolve) => {
      end = resolve
    })
    const first = guess(alice, () => answer)
    const waiting = [guess(alice, right, gone.signal), guess(bob, right, gone.signal)]
    await clock.settle()
    gone.abort(new VoboxError('DEADLINE_EXCEEDED', 'gone'))
    end('right')
    await first
    for (const attempt of waiting) {
      expect((await rejectionOf(attempt)).code).toBe('DEADLINE_EXCEEDED')
    }
    expect(guessedAt).toHaveLength(1)
  })

  it('remembers no more than it is told to, oldest first', async () => {
    const clock = new FakeClock()
    const brake = new GuessBrake(clock, silentJournal, { firstDelayMs: 1000, maxRemembered: 2 })
    const guess = (username: string) =>
      rejectionOf(brake.attempt({ username, address: 'x' }, never, wrong, () => true))
    for (const username of ['a', 'b', 'c']) await guess(username)
    await guess('a')
    const held = guess('c')
    expect(clock.sleeping).toBe(0)
    await clock.settle()
    expect(clock.sleeping).toBe(1)
    await clock.advance(1000)
    await held
  })
})

describe('guesses at many names', () => {
  /** From one network, each at a name of its own. */
  const invented = (count: number, address = alice.address) =>
    Array.from({ length: count }, (_, at) => ({ username: `user-${at}`, address }))

  it('are made one at a time for each network, 64 from one and 2 from others', async () => {
    const { clock, guess } = brakeWithLog()
    const begun: string[] = []
    const ends: (() => void)[] = []
    const guessers = [
      ...invented(64, '2001:db8:1:2::1'),
      ...invented(1, '2001:db8:1:2:ffff::1'),
      ...invented(2, '192.0.2.2'),
      ...invented(2, '192.0.2.3'),
    ]
    const attempts = guessers.map((who) =>
      guess(who, () => {
        begun.push(who.address)
        return new Promise((resolve) => ends.push(() => resolve('right')))
      }),
    )
    await clock.settle()
    expect(begun).toEqual(['2001:db8:1:2::1', '192.0.2.2', '192.0.2.3'])
    for (const end of ends.splice(0)) end()
    await clock.settle()
    expect(begun.slice(3)).toEqual(['2001:db8:1:2::1', '192.0.2.2', '192.0.2.3'])
    while (ends.length > 0) {
      ends.shift()?.()
      await clock.settle()
    }
    expect(await Promise.all(attempts)).toHaveLength(69)
  })

  it('wait 0.1, 0.2, 0.4, 0.8, 1 and again 1 s from the eleventh failure of a network on', async () => {
    const { clock, guess, guessedAt } = brakeWithLog()
    const attempts = invented(17).map((who) => rejectionOf(guess(who, wrong)))
    await clock.advance(3500)
    await Promise.all(attempts)
    expect(guessedAt.slice(0, 11)).toEqual(Array.from({ length: 11 }, () => 0))
    expect(guessedAt.slice(11)).toEqual([100, 300, 700, 1500, 2500, 3500])
  })

  it('wait no more when one is right, which halves the count', async () => {
    const { clock, guess, guessedAt } = brakeWithLog()
    const [, ...others] = invented(17)
    const attempts = others.map((who) => rejectionOf(guess(who, wrong)))
    await clock.advance(2500)
    await Promise.all(attempts)
    const first = guess(bob, right)
    await clock.advance(1000)
    await first
    const askedAt = clock.monotonicMs()
    await rejectionOf(guess({ ...alice, username: 'carol' }, wrong))
    expect(guessedAt.at(-1)).toBe(askedAt)
  })

  it('are told of from the eleventh failure on, without a name', async () => {
    const { clock, guess, log } = brakeWithLog()
    for (const who of invented(10)) await rejectionOf(guess(who, wrong))
    expect(log).toEqual([])
    await rejectionOf(guess(bob, wrong))
    const second = rejectionOf(guess(alice, wrong))
    await clock.advance(100)
    await second
    const told = (failures: number, nextAfterMs: number) => [
      ...[
        'warn',
        'pass-phrase-guessed',
        'Wrong pass phrases one after the other, for several names',
      ],
      { network: '192.0.2.1', failures, nextAfterMs },
    ]
    expect(log).toEqual([told(11, 100), told(12, 200)])
  })

  it('leave a network free again after 15 minutes', async () => {
    const { clock, guess, guessedAt } = brakeWithLog()
    for (const who of invented(11)) await rejectionOf(guess(who, wrong))
    await clock.advance(15 * 60_000 + 1)
    const askedAt = clock.monotonicMs()
    await rejectionOf(guess(bob, wrong))
    expect(guessedAt.at(-1)).toBe(askedAt)
  })
})
