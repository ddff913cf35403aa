/**
 * A reporter that says what a run waits for: when no test file has ended for a while, the files that
 * run, each with the last test it told of, and the processes below us; after the deadline of the whole,
 * it ends them. A test that blocks its process (a child that never ends) stops no timer of vitest's.
 */
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import type { Reporter, TestCase, TestModule } from 'vitest/node'

const QUIET_MS = 180_000
const WHOLE_MS = 1_500_000

export default class StillRunning implements Reporter {
  readonly #running = new Map<string, string>()
  #timers: NodeJS.Timeout[] = []

  onTestRunStart(): void {
    this.#timers.push(setTimeout(() => this.#giveUp(), WHOLE_MS).unref())
    this.#again()
  }

  onTestModuleStart(module: TestModule): void {
    this.#running.set(module.relativeModuleId, 'no test yet')
  }

  onTestCaseReady(test: TestCase): void {
    this.#running.set(test.module.relativeModuleId, test.fullName)
  }

  onTestModuleEnd(module: TestModule): void {
    this.#running.delete(module.relativeModuleId)
    this.#again()
  }

  onTestRunEnd(): void {
    for (const timer of this.#timers.splice(0)) clearTimeout(timer)
  }

  #again(): void {
    const [whole, quiet] = this.#timers
    clearTimeout(quiet)
    if (whole === undefined) return
    this.#timers = [whole, setInterval(() => this.#tell(), QUIET_MS).unref()]
  }

  #tell(): void {
    const files = [...this.#running].map(([file, test]) => `!!   ${file}: ${test}\n`)
    process.stderr.write(`\n!! No test file has ended for a while. Running:\n${files.join('')}`)
    const words = ['-e', '-o', 'pid=,ppid=,etimes=,stat=,wchan:20=,args=', '--forest']
    const { stdout } = spawnSync('ps', words, { encoding: 'utf8', timeout: 10_000 })
    const lines = (stdout ?? '').split('\n').filter((line) => !/ \[/.test(line))
    process.stderr.write(`${lines.map((line) => line.slice(0, 240)).join('\n')}\n`)
  }

  #giveUp(): void {
    process.stderr.write(`\n!! The tests have not ended within ${WHOLE_MS / 60_000} minutes.\n`)
    this.#tell()
    for (const pid of descendants()) process.kill(pid, 'SIGKILL')
    process.exit(1)
  }
}

/** All processes below this one. */
function descendants(): number[] {
  const { stdout } = spawnSync('ps', ['-e', '-o', 'pid=,ppid='], {
    timeout: 10_000,
    encoding: 'utf8',
  })
  const pairs = stdout.split('\n').map((line) => line.trim().split(/ +/).map(Number))
  const below = [process.pid]
  for (const parent of below) {
    for (const [pid = 0, ppid] of pairs) if (ppid === parent) below.push(pid)
  }
  // The one of `ps` itself is gone by now.
  return below.slice(1).filter((pid) => existsSync(`/proc/${pid}`))
}
