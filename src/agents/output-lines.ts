/** Lines out of whatever a program writes, which may be binary and without end. */
import { printable } from '../errors.js'

/** Characters of a line; what is longer goes on in the next one. */
const LONGEST_LINE = 2000

export class OutputLines {
  readonly #decoder = new TextDecoder('utf-8')
  #rest = ''

  /** The lines that are complete now, printable. */
  push(chunk: Uint8Array): string[] {
    return this.#cut(this.#decoder.decode(chunk, { stream: true }))
  }

  /** What is left when nothing more comes. */
  end(): string[] {
    const lines = this.#cut(this.#decoder.decode())
    const last = this.#rest
    this.#rest = ''
    return last === '' ? lines : [...lines, showLine(last)]
  }

  #cut(text: string): string[] {
    const lines = `${this.#rest}${text}`.split('\n')
    const rest = lines.pop() ?? ''
    const parts = piecesOf(rest)
    this.#rest = parts.pop() ?? ''
    return [...lines.flatMap((line) => piecesOf(line)), ...parts].map(showLine)
  }
}

/** At least one, each of at most {@link LONGEST_LINE} characters. */
function piecesOf(line: string): string[] {
  const pieces: string[] = []
  for (let at = 0; at === 0 || at < line.length; at += LONGEST_LINE) {
    pieces.push(line.slice(at, at + LONGEST_LINE))
  }
  return pieces
}

function showLine(line: string): string {
  return printable(line.replace(/\t/g, ' '), LONGEST_LINE).trimEnd()
}
