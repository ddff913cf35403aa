/**
 * A VO directory with agents that are shell scripts. Where the tests are root it belongs to another
 * account, as at a site, and root runs the command; else it is of whoever runs the tests.
 */
import { chmodSync, chownSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { onTestFinished } from 'vitest'
import type { AgentResult } from '../../src/agents/agent-result.js'
import { type VoPaths, voPaths } from '../../src/config/vo-paths.js'
import { spawnSync } from './bounded.js'
import { bundleScript } from './bundled-script.js'
import { temporaryDirectory } from './temporary-directory.js'

/** An account that every system has. */
const DAEMON = 1

export const asRoot = process.getuid?.() === 0

const DEADLINE_MS = 60_000

export interface AgentsAnswer {
  status: number | null
  ms: number
  agents: AgentResult[]
  code?: string
  message?: string
}

export class AgentsBox {
  readonly vo = 'alice'
  readonly uid = asRoot ? DAEMON : userInfo().uid
  readonly paths: VoPaths
  readonly #directory: string
  readonly #script: string

  private constructor(directory: string, script: string) {
    this.#directory = directory
    this.#script = script
    this.paths = voPaths(join(directory, 'root'), this.vo)
  }

  /** @param stopSeconds `agents.stop_seconds`. */
  static async make(stopSeconds = 30): Promise<AgentsBox> {
    const directory = await temporaryDirectory()
    const box = new AgentsBox(directory, await bundleScript('vobox-agents.ts', directory))
    for (const path of [directory, join(directory, 'root')]) {
      mkdirSync(path, { recursive: true })
      chmodSync(path, 0o755)
    }
    for (const path of [box.paths.directory, box.paths.start, box.paths.stop]) box.#mkdir(path)
    const config = `[agents]\nstop_seconds = ${stopSeconds}\n`
    writeFileSync(join(directory, 'config.toml'), config, { mode: 0o644 })
    onTestFinished(() => box.#killAll())
    return box
  }

  #mkdir(path: string): void {
    mkdirSync(path, { mode: 0o750 })
    chownSync(path, this.uid, this.uid)
  }

  /** An executable of the VO admin's. */
  put(place: 'start' | 'stop', name: string, text: string, mode = 0o755): string {
    const path = join(this.paths[place], name)
    writeFileSync(path, text.startsWith('#!') ? text : `#!/bin/sh\n${text}\n`)
    chmodSync(path, mode)
    chownSync(path, this.uid, this.uid)
    return path
  }

  /** The command, to its end. */
  run(action: 'start' | 'stop', env: Readonly<Record<string, string>> = {}): AgentsAnswer {
    const began = performance.now()
    const { status, stdout, stderr, error } = spawnSync(
      process.execPath,
      [this.#script, action, `--vo=${this.vo}`],
      {
        encoding: 'utf8',
        timeout: DEADLINE_MS,
        env: {
          PATH: '/usr/bin:/bin',
          VOBOX_PROXY_ROOT: join(this.#directory, 'root'),
          VOBOX_PROXY_CONFIG: join(this.#directory, 'config.toml'),
          MARK: this.#directory,
          ...env,
        },
      },
    )
    if (stdout === '') throw new Error(`no answer: ${stderr} ${error}`)
    return { agents: [], ...JSON.parse(stdout), status, ms: performance.now() - began }
  }

  log(): string {
    try {
      return readFileSync(this.paths.agentsLog, 'utf8')
    } catch {
      return ''
    }
  }

  /** Lines of the log without their times. */
  lines(): string[] {
    return this.log()
      .split('\n')
      .slice(0, -1)
      .map((line) => line.replace(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ /, ''))
  }

  read(name: string): string {
    return readFileSync(join(this.paths.directory, name), 'utf8')
  }

  async until(holds: () => boolean, deadlineMs = 20_000): Promise<void> {
    for (const end = performance.now() + deadlineMs; !holds(); await sleep(20)) {
      if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms:\n${this.log()}`)
    }
  }

  /** Pids of all processes that descend from a command of this box, by its mark. */
  processes(): number[] {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .filter((pid) => {
        try {
          return readFileSync(`/proc/${pid}/environ`, 'latin1').includes(
            `MARK=${this.#directory}\0`,
          )
        } catch {
          return false
        }
      })
      .map(Number)
  }

  #killAll(): void {
    for (const pid of this.processes()) {
      try {
        process.kill(pid, 'SIGKILL')
      } catch {
        // It has just ended.
      }
    }
  }
}
