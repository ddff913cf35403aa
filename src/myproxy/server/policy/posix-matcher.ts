/**
 * Runs a regular expression over a text in time that grows with the product of both lengths and never
 * faster: all ways through the expression are followed at once, one character after the other. Whoever
 * stores a credential chooses its patterns, and a backtracking engine on a stranger's expression can
 * be made to run for years.
 */
import type { CharacterTest } from './posix-bracket.js'
import type { Expression } from './posix-expression.js'

/** Largest program, in steps; what needs more (`(a{255}){255}`) is refused. */
const MAX_STEPS = 4096

type Step =
  | { kind: 'character'; test: CharacterTest; next: number }
  | { kind: 'begin' | 'end'; next: number }
  | { kind: 'fork'; next: number; other: number }
  | { kind: 'found' }

export interface Matcher {
  /** Whether the expression matches anywhere in `text`. */
  search(text: string): boolean
}

/** @returns undefined for an expression that is too large. */
export function compileMatcher(expression: Expression): Matcher | undefined {
  const compiler = new Compiler()
  const start = compiler.compile(expression)
  if (start === undefined) return undefined
  return { search: (text) => new Run(compiler.steps, text).search(start) }
}

/** From the end to the begin: each part is told where to go on. */
class Compiler {
  readonly steps: Step[] = []
  /** Visits count too: `(){9999}{9999}` has no steps at all. */
  #budget = 2 * MAX_STEPS

  compile(expression: Expression): number | undefined {
    const found = this.#push({ kind: 'found' })
    try {
      return this.#emit(expression, found)
    } catch (error) {
      if (error === TOO_LARGE) return undefined
      throw error
    }
  }

  #push(step: Step): number {
    if (this.steps.length >= MAX_STEPS) throw TOO_LARGE
    return this.steps.push(step) - 1
  }

  #emit(expression: Expression, next: number): number {
    this.#budget -= 1
    if (this.#budget < 0) throw TOO_LARGE
    switch (expression.kind) {
      case 'character':
        return this.#push({ kind: 'character', test: expression.test, next })
      case 'begin':
      case 'end':
        return this.#push({ kind: expression.kind, next })
      case 'sequence':
        return expression.parts.reduceRight((after, part) => this.#emit(part, after), next)
      case 'alternatives':
        return expression.parts
          .map((part) => this.#emit(part, next))
          .reduceRight((other, start) => this.#push({ kind: 'fork', next: start, other }))
      case 'repeat':
        return this.#emitRepeat(expression, next)
    }
  }

  #emitRepeat({ part, min, max }: Extract<Expression, { kind: 'repeat' }>, next: number): number {
    let start = next
    let required = min
    if (max === Number.POSITIVE_INFINITY) {
      const fork: Step = { kind: 'fork', next, other: next }
      const loop = this.#push(fork)
      fork.next = this.#emit(part, loop)
      start = min > 0 ? fork.next : loop
      required = Math.max(0, min - 1)
    } else {
      for (let count = min; count < max; count += 1) {
        start = this.#push({ kind: 'fork', next: this.#emit(part, start), other: next })
      }
    }
    for (let count = 0; count < required; count += 1) start = this.#emit(part, start)
    return start
  }
}

const TOO_LARGE = new Error('a regular expression is too large')

/** One text against one program. */
class Run {
  readonly #steps: readonly Step[]
  readonly #codes: readonly number[]
  /** At which position a step was reached last, so that none is followed twice there. */
  readonly #reachedAt: Int32Array

  constructor(steps: readonly Step[], text: string) {
    this.#steps = steps
    this.#codes = Array.from(text, (character) => character.codePointAt(0) as number)
    this.#reachedAt = new Int32Array(steps.length).fill(-1)
  }

  search(start: number): boolean {
    let reached: number[] = []
    // What must begin with the text does not begin anew further on.
    const beginsOnce = this.#steps[start]?.kind === 'begin'
    for (let at = 0; at <= this.#codes.length; at += 1) {
      const waiting = this.#follow([start, ...reached], at)
      if (waiting === 'found') return true
      if (waiting.length === 0 && beginsOnce) return false
      const code = this.#codes[at]
      if (code === undefined) return false
      reached = waiting.filter(({ test }) => test(code)).map(({ next }) => next)
    }
    return false
  }

  /** All steps that wait for the character at `at`, from those in `pending`. */
  #follow(pending: number[], at: number): Extract<Step, { kind: 'character' }>[] | 'found' {
    const waiting: Extract<Step, { kind: 'character' }>[] = []
    for (let index = pending.pop(); index !== undefined; index = pending.pop()) {
      if (this.#reachedAt[index] === at) continue
      this.#reachedAt[index] = at
      const step = this.#steps[index] as Step
      if (step.kind === 'found') return 'found'
      if (step.kind === 'character') waiting.push(step)
      else if (step.kind === 'fork') pending.push(step.other, step.next)
      else if (step.kind === 'begin' ? at === 0 : at === this.#codes.length) pending.push(step.next)
    }
    return waiting
  }
}
