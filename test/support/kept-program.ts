/**
 * `vobox-proxy` without its start: processes that are kept for as long as the tests' own, and run
 * one command line after the other through the same entry, with an environment, a directory, an
 * output and a status of its own each. A start costs ten times what most commands do. RSA keys of
 * 2048 bits come in turn from a stock of the tests'.
 *
 * What the shell does before Node, what comes from standard input, and whatever is about processes
 * is tested with processes of their own. A command that ends its process ends the kept one, which
 * tells its status; one that never ends, because something stays under way, never ends here either.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Socket } from 'node:net'
import { join } from 'node:path'
import { testKey } from './pki.js'
import type { Finished } from './vo-box.js'

const OURS = join(import.meta.dirname, '../../bin/vobox-proxy')
const SCRIPT = join(import.meta.dirname, 'kept-program.cjs')

export interface KeptCall {
  words: readonly string[]
  env: Readonly<Record<string, string>>
  directory: string
}

/** Whom it runs as; undefined: as the tests. */
export interface Identity {
  uid: number
  gid: number
}

const kept = new Map<string, KeptProgram>()

/** Runs `vobox-proxy WORDS`; undefined: the process of that account has a command under way. */
export function callKept(
  call: KeptCall,
  identity: Identity | undefined,
  deadlineMs: number,
): Promise<Finished> | undefined {
  const name = String(identity?.uid)
  const old = kept.get(name)
  if (old?.busy) return undefined
  const program = old === undefined || old.ended ? new KeptProgram(identity) : old
  kept.set(name, program)
  return program.call(call, deadlineMs)
}

/** The same for who runs all kinds of programs, as the tests' own account; undefined for others. */
export function runKept(
  program: string,
  words: readonly string[],
  env: Readonly<Record<string, string>>,
  deadlineMs: number,
): Promise<Finished> | undefined {
  if (program !== OURS) return undefined
  return callKept({ words, env, directory: process.cwd() }, undefined, deadlineMs)
}

/** More than any one chain has. */
const KEYS = 6

function stock(): string[] {
  return Array.from({ length: KEYS }, (_, index) =>
    testKey('rsa2048', `kept ${index}`).export({ type: 'pkcs8', format: 'pem' }).toString(),
  )
}

class KeptProgram {
  busy = false
  readonly #child: ChildProcess
  readonly #out: Collected
  readonly #err: Collected
  /** How the process itself ended, or why it never began. */
  readonly #gone: Promise<number | string>

  constructor(identity: Identity | undefined) {
    // As the launcher starts Node, without what a caller's environment could make it do.
    const env = { PATH: process.env.PATH ?? '/usr/bin:/bin' }
    this.#child = spawn(process.execPath, [SCRIPT], {
      ...identity,
      env,
      cwd: '/',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    })
    this.#out = new Collected(this.#child.stdout)
    this.#err = new Collected(this.#child.stderr)
    this.#gone = new Promise((resolve, reject) => {
      this.#child.once('close', (code, signal) => resolve(code ?? signal ?? 'nothing'))
      this.#child.once('error', reject)
    })
    this.#child.send({ keys: stock() })
    // Like those of a pool: they end with the process of the tests.
    for (const one of [this.#child, this.#child.channel, this.#child.stdout, this.#child.stderr]) {
      ;(one as unknown as Socket).unref()
    }
  }

  get ended(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null
  }

  async call(call: KeptCall, deadlineMs: number): Promise<Finished> {
    this.busy = true
    const mark = `\0${call.words.length} words have ended\0`
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), deadlineMs)
    this.#child.send({ ...call, mark })
    const marked = Promise.all([this.#out.until(mark), this.#err.until(mark)])
    const status = await Promise.race([this.#gone, marked.then(([{ behind }]) => Number(behind))])
    clearTimeout(timer)
    this.busy = false
    return { status, stdout: this.#out.take(mark), stderr: this.#err.take(mark) }
  }
}

/** What a process has written, up to a mark. */
class Collected {
  #text = ''
  #look = (): void => undefined

  constructor(stream: NodeJS.ReadableStream | null) {
    stream?.setEncoding('utf8')
    stream?.on('data', (text: string) => {
      this.#text += text
      this.#look()
    })
  }

  /** Resolves with what stands behind the mark. */
  until(mark: string): Promise<{ behind: string }> {
    return new Promise((resolve) => {
      this.#look = () => {
        const at = this.#text.lastIndexOf(mark)
        if (at >= 0 && this.#text.endsWith('\n')) {
          resolve({ behind: this.#text.slice(at + mark.length) })
        }
      }
    })
  }

  /** What stands before the mark; all that there is without it. */
  take(mark: string): string {
    const text = this.#text
    this.#text = ''
    const at = text.lastIndexOf(mark)
    return at < 0 ? text : text.slice(0, at)
  }
}
