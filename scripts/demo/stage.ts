/**
 * What the demo takes from the machine, and gives back whatever happens: a temporary directory,
 * child processes, servers.
 */
import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

export class Stage {
  readonly directory: string
  /** Aborts when the demo is interrupted or has taken too long. */
  readonly signal: AbortSignal
  readonly #ended = new AbortController()
  readonly #undo: (() => Promise<unknown>)[] = []

  private constructor(directory: string) {
    this.directory = directory
    this.signal = this.#ended.signal
  }

  static async build(): Promise<Stage> {
    const stage = new Stage(await realpath(await mkdtemp(join(tmpdir(), 'vobox-demo-'))))
    stage.onEnd(() => rm(stage.directory, { recursive: true, force: true, maxRetries: 5 }))
    return stage
  }

  path(...names: string[]): string {
    return join(this.directory, ...names)
  }

  /** Runs at the end, last one first. */
  onEnd(undo: () => Promise<unknown>): void {
    this.#undo.push(undo)
  }

  /** Ends all waiting. */
  interrupt(reason: Error): void {
    this.#ended.abort(reason)
  }

  /** Polls until `look` finds something; rejects after `deadlineMs` or when interrupted. */
  async until<T>(what: string, deadlineMs: number, look: () => Promise<T | undefined>): Promise<T> {
    const end = performance.now() + deadlineMs
    for (;;) {
      this.signal.throwIfAborted()
      const found = await look()
      if (found !== undefined) return found
      if (performance.now() > end) {
        throw new Error(`waited ${deadlineMs / 1000} s in vain for ${what}`)
      }
      await sleep(50, undefined, { signal: this.signal }).catch(() => undefined)
    }
  }

  /** Gives everything back; one failure does not keep the rest from being undone. */
  async clear(): Promise<void> {
    for (const undo of this.#undo.splice(0).reverse()) await undo().catch(() => undefined)
  }
}
