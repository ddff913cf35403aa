/** What the demo says: numbered steps, commands as they are typed, what came of them. */
import { VoboxError } from '../../src/errors.js'

const coloured = process.stdout.isTTY === true && !process.env.NO_COLOR

const paint = (code: string) => (text: string) =>
  coloured ? `\u001b[${code}m${text}\u001b[0m` : text
const bold = paint('1')
const dim = paint('2')
const green = paint('32')
const red = paint('31')
const cyan = paint('36')

export class Narrator {
  #step = 0
  readonly #startedMs = performance.now()
  readonly #shorten: readonly [text: string, by: string][]

  /** @param shorten long texts and what is printed instead, such as the temporary directory. */
  constructor(shorten: readonly [text: string, by: string][] = []) {
    this.#shorten = shorten
  }

  /** Begins a step. */
  step(title: string): void {
    this.#step += 1
    this.#write(`\n${bold(`${this.#step}. ${title}`)} ${dim(`[${this.#seconds()} s]`)}\n`)
  }

  say(text: string): void {
    this.#write(`   ${text}\n`)
  }

  /** A command as somebody would type it. */
  command(line: string): void {
    this.#write(`   ${cyan(`$ ${line}`)}\n`)
  }

  /** Output of a program, or a mail, set apart from our own words. */
  quote(text: string): void {
    for (const line of text.trimEnd().split('\n')) this.#write(`   ${dim('│')} ${line}\n`)
  }

  /** States a fact that was looked at; throws when it is none. */
  verify(holds: boolean, fact: string): void {
    if (!holds) throw new DemoFailure(`this does not hold: ${fact}`)
    this.#write(`   ${green('✓')} ${fact}\n`)
  }

  done(): void {
    this.#write(`\n${green(bold(`All of it really happened, in ${this.#seconds()} s.`))}\n`)
  }

  failed(error: unknown): void {
    const hint = error instanceof VoboxError && error.hint ? `\n   ${error.hint}` : ''
    const text = error instanceof Error ? error.message : String(error)
    process.stderr.write(`\n${red(bold('The demo failed:'))} ${this.#short(text + hint)}\n`)
    if (error instanceof Error && !(error instanceof DemoFailure)) {
      process.stderr.write(`${dim(this.#short(error.stack ?? ''))}\n`)
    }
  }

  #write(text: string): void {
    process.stdout.write(this.#short(text))
  }

  #short(text: string): string {
    return this.#shorten.reduce((so, [long, short]) => so.replaceAll(long, short), text)
  }

  #seconds(): string {
    return ((performance.now() - this.#startedMs) / 1000).toFixed(1)
  }
}

/** Something that should have happened did not; the sentence says all there is to say. */
export class DemoFailure extends Error {}
