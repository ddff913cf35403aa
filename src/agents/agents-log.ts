/**
 * `log/agents.log`: what agents and hooks write, each line with its time and who wrote it.
 *
 *     2026-11-22T07:00:00Z monitor started in pid 4711
 *     2026-11-22T07:00:01Z monitor: listening on port 8884
 *     2026-11-22T07:00:09Z monitor ended with status 3
 *
 * A colon behind the name: its own words. Without one: ours about it.
 */
import { printable, toVoboxError } from '../errors.js'
import type { Clock } from '../ports/clock.js'
import type { Files } from '../ports/files.js'
import type { Journal } from '../ports/journal.js'
import { isoInstant } from '../ports/time-text.js'
import { OutputLines } from './output-lines.js'

export interface AgentsLogDependencies {
  files: Files
  clock: Clock
  journal: Journal
  path: string
  /**
   * A log this large, in bytes, takes nothing more until it was moved away: the disk holds proxies
   * too. Default 64 MiB.
   */
  maxBytes?: number
}

/** The VO admin's group may read along. */
const MODE = 0o640
const MAX_BYTES = 64 * 1024 * 1024

/** Never rejects and never throws: what it cannot write is lost, and said as soon as it can. */
export class AgentsLog {
  readonly #deps: AgentsLogDependencies
  #lost = 0

  constructor(deps: AgentsLogDependencies) {
    this.#deps = deps
  }

  /** Ours about an agent: `started in pid 4711`. */
  note(name: string, text: string): Promise<void> {
    return this.#append([`${printable(name)} ${printable(text)}`])
  }

  /**
   * Writes all of a program's output, line by line, until nobody can write to it any more.
   *
   * @param maxBytes of its output; what comes after that is read and dropped. Default: no limit.
   */
  async record(
    name: string,
    output: AsyncIterable<Uint8Array>,
    maxBytes = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    const lines = new OutputLines()
    let left = maxBytes
    for await (const chunk of output) {
      if (left <= 0) continue
      await this.#say(name, lines.push(chunk.subarray(0, left)))
      left -= chunk.length
      if (left <= 0) {
        await this.#say(name, lines.end())
        await this.note(name, `wrote more than ${maxBytes} bytes; the rest is not kept`)
      }
    }
    await this.#say(name, lines.end())
  }

  #say(name: string, lines: readonly string[]): Promise<void> {
    return this.#append(lines.map((line) => `${printable(name)}: ${line}`))
  }

  async #append(lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return
    const { files, clock, journal, path, maxBytes = MAX_BYTES } = this.#deps
    const time = isoInstant(clock.now())
    const lost = this.#lost
    const said = lost === 0 ? lines : [`agents.log lost ${lost} lines before this`, ...lines]
    const bytes = Buffer.from(said.map((line) => `${time} ${line}\n`).join(''))
    try {
      const size = (await files.facts(path))?.sizeBytes ?? 0
      if (size < maxBytes) {
        await files.append(path, bytes, MODE)
        this.#lost -= lost
        return
      }
    } catch (error) {
      const { code, message } = toVoboxError(error)
      if (this.#lost === 0) journal.write('warn', 'agents-log-unwritable', message, { code })
    }
    this.#lost += lines.length
  }
}
