/**
 * Measuring: medians of repeated runs and ratios within one run, since seconds do not travel from
 * machine to machine and ratios do.
 */
import { execFile, spawn } from 'node:child_process'
import { performance } from 'node:perf_hooks'

/** The middle value; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle]
  if (upper === undefined) throw new TypeError('no values to take the median of')
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] as number) + upper) / 2
}

/** Wall time of `work` in milliseconds. */
export async function wallMs(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now()
  await work()
  return performance.now() - start
}

/**
 * Runs each of `contestants` `rounds` times, alternating so that a slow minute of the machine hits
 * all alike, and returns the median wall time of each in milliseconds.
 */
export async function race<K extends string>(
  contestants: Readonly<Record<K, () => Promise<unknown>>>,
  rounds: number,
): Promise<Record<K, number>> {
  const names = Object.keys(contestants) as K[]
  const times = new Map<K, number[]>(names.map((name) => [name, []]))
  for (let round = 0; round < rounds; round++) {
    for (const name of names) times.get(name)?.push(await wallMs(contestants[name]))
  }
  return Object.fromEntries(names.map((n) => [n, median(times.get(n) as number[])])) as Record<
    K,
    number
  >
}

/** Runs `worker` until `total` jobs are done, at most `width` at once; returns jobs a second. */
export async function throughput(
  total: number,
  width: number,
  worker: (index: number) => Promise<unknown>,
): Promise<number> {
  let next = 0
  const lane = async () => {
    while (next < total) await worker(next++)
  }
  const ms = await wallMs(() => Promise.all(Array.from({ length: width }, lane)))
  return (total * 1000) / ms
}

/** Runs a program without a shell and resolves with its stdout; rejects with its stderr in the message. */
export function runProgram(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      file,
      [...args],
      { env, maxBuffer: 64 << 20, timeout: 120_000 },
      (error, stdout, stderr) => {
        if (error) reject(new Error(`${file} ${args.join(' ')}: ${stderr || error.message}`))
        else resolve(stdout)
      },
    )
  })
}

/** Runs a program for its time alone: cheaper than {@link runProgram}, its output is thrown away. */
export function runSilently(
  file: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
  account: { uid?: number; gid?: number } = {},
): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(file, [...args], { env, stdio: 'ignore', ...account })
    child.once('error', reject)
    child.once('exit', (status) => {
      if (status === 0) resolve()
      else reject(new Error(`${file} ${args.join(' ')} ended with ${status}`))
    })
  })
}
