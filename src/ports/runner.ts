/** Programs of the VO's or of the site's, each the leader of a session and process group of its own. */

export interface ProgramRequest {
  /** Absolute path; no shell looks at it. */
  file: string
  arguments: readonly string[]
  /** Working directory. */
  directory: string
  /** All of its environment. */
  environment: Readonly<Record<string, string>>
}

/** How a program ended: its exit status, a signal, or `reason` when it could not be started. */
export type ProgramEnd =
  | { kind: 'exited'; status: number }
  | { kind: 'signalled'; signal: string }
  | { kind: 'not-started'; reason: string }

export interface RunningProgram {
  /** Undefined: it could not be started. */
  readonly pid: number | undefined
  /** When its own process has ended, whatever it leaves behind. Never rejects. */
  readonly ended: Promise<ProgramEnd>
  /**
   * What it writes to standard output and standard error; ends when nobody has these open any more.
   * Whoever does not read it makes the program wait.
   */
  readonly output: AsyncIterable<Uint8Array>
  /** Ends `output`; who writes afterwards gets `SIGPIPE`. */
  closeOutput(): void
  /** Whether any process of its group lives, itself included. */
  groupLives(): boolean
  /** Signals its whole process group; nothing happens when that is gone. */
  signalGroup(signal: 'SIGTERM' | 'SIGKILL'): void
}

/** It inherits no descriptor but the three standard ones; standard input is empty. */
export interface Runner {
  start(request: ProgramRequest): RunningProgram
}
