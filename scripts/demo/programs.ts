/** The real programs, started as anybody would start them. */
import { type ChildProcess, spawn } from 'node:child_process'
import { join } from 'node:path'
import type { Narrator } from './narrator.js'
import type { Stage } from './stage.js'

export interface ProgramsOptions {
  /** Root of the project: `bin/` is in it. */
  home: string
  environment: Readonly<Record<string, string>>
}

export interface Finished {
  status: number | null
  stdout: string
  stderr: string
}

/** How long one command may take, in milliseconds. */
const COMMAND_DEADLINE_MS = 20_000

/** How long the service may take to end after SIGTERM, in milliseconds. */
const SERVICE_DEADLINE_MS = 8000

export class Programs {
  readonly #stage: Stage
  readonly #narrator: Narrator
  readonly #options: ProgramsOptions

  constructor(stage: Stage, narrator: Narrator, options: ProgramsOptions) {
    this.#stage = stage
    this.#narrator = narrator
    this.#options = options
  }

  /**
   * Runs `vobox-proxy` to its end, showing the command and what it says. Must end with status 0.
   */
  async voboxProxy(...args: string[]): Promise<Finished> {
    this.#narrator.command(`vobox-proxy ${args.map(quoted).join(' ')}`)
    const child = this.#spawn('vobox-proxy', args)
    const finished = await this.#endOf(child)
    const said = finished.stdout + finished.stderr
    if (said.trim() !== '') this.#narrator.quote(said)
    if (finished.status !== 0) {
      throw new Error(`vobox-proxy ${args.join(' ')} ended with status ${finished.status}`)
    }
    return finished
  }

  /** Waits for the end of a command, and brings it about when it takes too long or on ^C. */
  async #endOf(child: ChildProcess): Promise<Finished> {
    const { signal } = this.#stage
    const stop = () => child.kill('SIGTERM')
    const timer = setTimeout(() => child.kill('SIGKILL'), COMMAND_DEADLINE_MS)
    signal.addEventListener('abort', stop, { once: true })
    try {
      return await ended(child)
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', stop)
    }
  }

  /** Starts `vobox-renewd` in the foreground of its own. */
  startService(...args: string[]): Service {
    this.#narrator.command(`vobox-renewd ${args.map(quoted).join(' ')} &`)
    const child = this.#spawn('vobox-renewd', args)
    const finished = ended(child)
    const service: Service = {
      get running() {
        return child.exitCode === null && child.signalCode === null
      },
      finished,
      async stop() {
        child.kill('SIGTERM')
        const timer = setTimeout(() => child.kill('SIGKILL'), SERVICE_DEADLINE_MS)
        const result = await finished
        clearTimeout(timer)
        return result
      },
    }
    this.#stage.onEnd(() => service.stop())
    return service
  }

  #spawn(program: string, args: readonly string[]): ChildProcess {
    this.#stage.signal.throwIfAborted()
    return spawn(join(this.#options.home, 'bin', program), args, {
      cwd: this.#stage.directory,
      env: { PATH: process.env.PATH ?? '/usr/bin:/bin', ...this.#options.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      // Not in our process group: on ^C we end it ourselves, in order.
      detached: true,
    })
  }
}

export interface Service {
  readonly running: boolean
  finished: Promise<Finished>
  /** SIGTERM, and SIGKILL if that does not help. */
  stop(): Promise<Finished>
}

function ended(child: ChildProcess): Promise<Finished> {
  let stdout = ''
  let stderr = ''
  child.stdout?.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr?.on('data', (chunk) => {
    stderr += chunk
  })
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (status) => resolve({ status, stdout, stderr }))
  })
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`
}
