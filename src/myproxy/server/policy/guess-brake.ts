/**
 * Slows down guessing at pass phrases.
 *
 * Guesses at one name from one network go one after the other, each failure doubling the wait
 * before the next. The owner, who comes from elsewhere, is not held up: a brake on the name alone
 * would let anybody lock anybody out.
 *
 * Guesses of one network go one after the other whatever the name, or who invents names would take
 * every derivation that there is time for (`key-scheme.ts`). Its failures are held against it
 * gently, as behind one address may be a portal and all of its users. What many networks can do
 * together is bounded by what one guess costs (`key-protection.ts`).
 */
import { printable } from '../../../errors.js'
import type { Clock } from '../../../ports/clock.js'
import type { Journal } from '../../../ports/journal.js'
import { clientNetwork } from '../client-network.js'
import { GuessTurns } from './guess-turns.js'

export interface GuessBrakeOptions {
  /** Wait after the first failure at one name, in milliseconds; default 500. */
  firstDelayMs?: number
  /** Longest wait, in milliseconds; default 16,000. */
  maxDelayMs?: number
  /** After this time without a failure all is forgotten, in milliseconds; default 15 minutes. */
  forgetAfterMs?: number
  /** Guesses that may wait for one name from one network; default 4. */
  maxWaiting?: number
  /** Names, and networks, remembered; default 10,000 of each. */
  maxRemembered?: number
}

/** From this many wrong guesses in a row on somebody is guessing, and did not just mistype. */
const SUSPICIOUS_FAILURES = 3

/**
 * Of a network, whatever the names: ten people may mistype; from then on it waits 0.1 s, and at
 * most 1 s. Each guess that is right halves the count.
 */
const NETWORK = {
  sparedFailures: 10,
  firstDelayMs: 100,
  maxDelayMs: 1000,
  // As many as have connections.
  maxWaiting: Number.POSITIVE_INFINITY,
  forgiven: (failures: number) => Math.floor(failures / 2),
}

interface Guesser {
  username: string
  address: string
}

export class GuessBrake {
  readonly #journal: Journal
  readonly #names: GuessTurns
  readonly #networks: GuessTurns

  /** @param journal is told of names that are guessed at, and of networks that guess. */
  constructor(clock: Clock, journal: Journal, options: GuessBrakeOptions = {}) {
    this.#journal = journal
    const ofNames = {
      firstDelayMs: 500,
      maxDelayMs: 16_000,
      forgetAfterMs: 15 * 60_000,
      maxWaiting: 4,
      maxRemembered: 10_000,
      ...options,
    }
    this.#names = new GuessTurns(clock, { ...ofNames, sparedFailures: 0, forgiven: () => 0 })
    this.#networks = new GuessTurns(clock, {
      ...ofNames,
      ...NETWORK,
      firstDelayMs: Math.min(ofNames.firstDelayMs, NETWORK.firstDelayMs),
      maxDelayMs: Math.min(ofNames.maxDelayMs, NETWORK.maxDelayMs),
    })
  }

  /**
   * Runs one guess when its time has come.
   *
   * @param guess throws what `isWrongGuess` recognises when the pass phrase was wrong.
   * @throws a transient refusal when too many wait already; `signal.reason`, before the guess.
   */
  async attempt<T>(
    who: Guesser,
    signal: AbortSignal,
    guess: () => Promise<T>,
    isWrongGuess: (error: unknown) => boolean,
  ): Promise<T> {
    const network = clientNetwork(who.address)
    const name = JSON.stringify([who.username, network])
    // The longer wait first: a network waits for none of its names.
    const inTurn = () => this.#networks.take(network, signal, guess, isWrongGuess)
    try {
      return await this.#names.take(name, signal, inTurn, isWrongGuess)
    } catch (error) {
      if (isWrongGuess(error)) this.#tell(who.username, name, network)
      throw error
    }
  }

  /** One line at most, of the name where that says more. */
  #tell(username: string, name: string, network: string): void {
    const [ofName, ofNetwork] = [this.#names.stateOf(name), this.#networks.stateOf(network)]
    const message = 'Wrong pass phrases one after the other'
    if (ofName.failures >= SUSPICIOUS_FAILURES) {
      const facts = { username: printable(username, 500), network, ...ofName }
      this.#journal.write('warn', 'pass-phrase-guessed', message, facts)
    } else if (ofNetwork.failures > NETWORK.sparedFailures) {
      const text = `${message}, for several names`
      this.#journal.write('warn', 'pass-phrase-guessed', text, { network, ...ofNetwork })
    }
  }
}
