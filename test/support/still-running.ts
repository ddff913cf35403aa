/**
 * A reporter that looks after files whose process stands still. No timer of a test's fires in a process
 * that is blocked, and the run would wait for it for ever. Such a process is named, with the processes
 * below it, and killed; vitest then calls its file failed.
 *
 * When nothing else failed, their names are written to the file that `VOBOX_TESTS_BLOCKED` names.
 */
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import type { Reporter, TestCase, TestModule, TestSpecification } from 'vitest/node'

/** Longer than any one test, its second chance included, leaves a process without a word. */
const QUIET_MS = 300_000
const LOOK_MS = 10_000

interface Running {
  test: string
  lastWordMs: number
}

export default class StillRunning implements Reporter {
  readonly #running = new Map<string, Running>()
  readonly #killed: string[] = []
  #all = 0
  #timer: NodeJS.Timeout | undefined

  onTestRunStart(specifications: readonly TestSpecification[]): void {
    this.#all = specifications.length
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref()
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    clearInterval(this.#timer)
    const list = process.env.VOBOX_TESTS_BLOCKED
    const others = modules.filter((one) => !this.#killed.includes(one.relativeModuleId))
    const good = others.filter((one) => /^(passed|skipped)$/.test(one.state())).length
    if (!list || this.#killed.length === 0 || good + this.#killed.length !== this.#all) return
    writeFileSync(list, this.#killed.join('\n'))
  }

  onTestModuleStart(module: TestModule): void {
    this.#heard(module, 'no test yet')
  }

  onTestCaseReady(test: TestCase): void {
    this.#heard(test.module, test.fullName)
  }

  onTestCaseResult(test: TestCase): void {
    this.#heard(test.module, test.fullName)
  }

  onTestModuleEnd(module: TestModule): void {
    this.#running.delete(module.relativeModuleId)
  }

  #heard(module: TestModule, test: string): void {
    this.#running.set(module.relativeModuleId, { test, lastWordMs: performance.now() })
  }

  #look(): void {
    const blocked = [...this.#running].filter(
      ([, { lastWordMs }]) => performance.now() - lastWordMs > QUIET_MS,
    )
    // While another file runs, which process is the blocked one is anybody's guess.
    if (blocked.length === 0 || blocked.length < this.#running.size) return
    const files = blocked.map(([file, { test }]) => `!!   ${file}: ${test}\n`)
    process.stderr.write(`\n!! Blocked, and killed:\n${files.join('')}${processTree()}\n`)
    for (const [file] of blocked) {
      this.#running.delete(file)
      this.#killed.push(file)
    }
    for (const pid of workers()) process.kill(pid, 'SIGKILL')
  }
}

/** Everything that runs here but the kernel's own, with what it waits for. */
function processTree(): string {
  return ps('pid=,ppid=,etimes=,stat=,wchan:20=,args=', '--forest')
    .filter((line) => !/ \[/.test(line))
    .map((line) => line.slice(0, 200))
    .join('\n')
}

/** The processes of vitest's that run test files. */
function workers(): number[] {
  return ps('pid=,ppid=,args=')
    .map((line) => /^ *(\d+) +(\d+) .*vitest/.exec(line))
    .filter((found) => Number(found?.[2]) === process.pid)
    .map((found) => Number(found?.[1]))
}

function ps(columns: string, ...options: string[]): string[] {
  const words = ['-e', '-o', columns, ...options]
  return spawnSync('ps', words, { encoding: 'utf8', timeout: 10_000 }).stdout.split('\n')
}
