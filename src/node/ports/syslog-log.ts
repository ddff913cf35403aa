/**
 * The system's log by way of syslog: one `logger` for as long as we live, and a new one where that has
 * ended.
 *
 * Syslog may be restarted, or hang, under a service that runs for months, and the line of a request
 * must not be lost without a word. `logger` repeats each line on standard error once it has handed it
 * over (`--stderr`), and ends when nobody takes them (`--socket-errors=on`); so what it has not repeated
 * waits here for the next one, up to a limit. Beyond that lines are lost, counted, and said as soon as
 * lines are taken again. A line may come twice when `logger` died between the two, and never none.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { type LogEntry, type SystemLog, syslogLine } from './system-log.js'

export interface SyslogPlace {
  /** What speaks to syslog for us; default `logger`. */
  program?: string
  /** Default: where `logger` finds syslog. */
  socket?: string | undefined
  /** As whom; default `vobox-renewd`. */
  tag?: string
  /** Default `daemon`. */
  facility?: string
  /** Lines that wait for syslog at most; default 10,000. */
  maxWaiting?: number
  /** Wait before `logger` is started again, in milliseconds, doubled each time; default 1000. */
  firstRetryMs?: number
}

const PROGRAM = 'vobox-renewd'
const MOST_WAITING = 10_000
const MOST_RETRY_MS = 30_000
const CLOSE_MS = 1000
/** `logger` cuts what is longer than its `--size` into several lines. */
const MAX_LINE_BYTES = 8000
const LOGGER_BYTES = 8192

export class SyslogLog implements SystemLog {
  readonly #words: readonly string[]
  readonly #place: Required<Omit<SyslogPlace, 'socket'>>
  #child: ChildProcess | undefined
  /** In order: what `logger` has not repeated yet. */
  #waiting: string[] = []
  #lost = 0
  #retryMs: number
  #retry: NodeJS.Timeout | undefined
  #isClosing = false

  constructor(pid: number, { socket, ...place }: SyslogPlace = {}) {
    this.#place = {
      ...{ program: 'logger', tag: PROGRAM, facility: 'daemon' },
      ...{ maxWaiting: MOST_WAITING, firstRetryMs: 1000, ...place },
    }
    const { tag, facility, firstRetryMs } = this.#place
    this.#retryMs = firstRetryMs
    this.#words = [
      ...['--tag', tag, `--id=${pid}`, '--priority', `${facility}.info`, '--prio-prefix'],
      ...['--stderr', '--socket-errors=on', '--size', String(LOGGER_BYTES)],
      ...(socket === undefined ? [] : ['--socket', socket]),
    ]
  }

  send(entry: LogEntry, onLost: () => void): void {
    if (this.#waiting.length >= this.#place.maxWaiting) {
      this.#lost += 1
      onLost()
      return
    }
    const line = atMost(syslogLine(entry))
    this.#waiting.push(line)
    if (this.#child !== undefined) this.#child.stdin?.write(line)
    else if (this.#retry === undefined) this.#start()
  }

  async close(): Promise<void> {
    this.#isClosing = true
    clearTimeout(this.#retry)
    // Between its `exit` and its `close`, which what it left behind may put off for ever.
    if (this.#child !== undefined && hasExited(this.#child)) this.#child = undefined
    if (this.#child === undefined && this.#waiting.length > 0) this.#start()
    const child = this.#child
    // Without a pid it never ran, and never exits.
    if (child?.pid === undefined) return
    const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
    const overdue = setTimeout(() => child.kill('SIGKILL'), CLOSE_MS)
    child.stdin?.end()
    await ended
    clearTimeout(overdue)
  }

  /** Hands over all that waits. */
  #start(): void {
    this.#retry = undefined
    const child = start(this.#place.program, this.#words)
    this.#child = child
    const ended = () => this.#ended(child)
    child.once('error', ended)
    // What it repeated last comes before.
    child.once('close', ended)
    child.stdin?.on('error', () => undefined)
    let partial = ''
    child.stderr?.setEncoding('latin1').on('data', (text: string) => {
      const lines = (partial + text).split('\n')
      partial = lines.pop() ?? ''
      if (this.#child === child) this.#heard(lines)
    })
    child.stdin?.write(this.#waiting.join(''))
  }

  /** @param lines repeated ones begin with `<`, as on the wire; before it stands what went wrong. */
  #heard(lines: readonly string[]): void {
    const repeated = lines.filter((line) => line.startsWith('<')).length
    // Only what it says itself: a repeated line may have anything in it.
    this.#lost += lines.filter((line) => /^[^<].*: send message failed/.test(line)).length
    if (repeated === 0) return
    this.#waiting.splice(0, repeated)
    this.#retryMs = this.#place.firstRetryMs
    if (this.#lost === 0 || this.#waiting.length > this.#place.maxWaiting / 2) return
    const fields = { lost: this.#lost }
    this.#lost = 0
    const message = 'syslog took no lines for a while, and not all of them could be kept'
    this.send({ level: 'warn', event: 'log-lines-lost', message, fields }, () => undefined)
  }

  #ended(child: ChildProcess): void {
    if (this.#child !== child) return
    this.#child = undefined
    if (this.#isClosing) return
    this.#retry = setTimeout(() => {
      this.#retry = undefined
      if (this.#waiting.length > 0) this.#start()
    }, this.#retryMs).unref()
    this.#retryMs = Math.min(MOST_RETRY_MS, 2 * this.#retryMs)
  }
}

function hasExited({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode !== null || signalCode !== null
}

function atMost(line: string): string {
  if (Buffer.byteLength(line) <= MAX_LINE_BYTES) return line
  return `${Buffer.from(line).subarray(0, MAX_LINE_BYTES).toString('utf8')}\n`
}

function start(program: string, words: readonly string[]): ChildProcess {
  return spawn(program, words, {
    env: { PATH: '/usr/bin:/bin' },
    cwd: '/',
    stdio: ['pipe', 'ignore', 'pipe'],
  })
}
