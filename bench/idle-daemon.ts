/** What the service costs while nothing is due: memory and processor of a thousand quiet registrations. */
import { type ChildProcess, spawn } from 'node:child_process'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { makeTemporaryDirectory } from '../test/support/temporary-directory.js'
import { costOf, type TreeCost } from './support/process-tree.js'
import type { Section } from './support/report.js'
import { makeBenchVo } from './support/vo-directory.js'

const REGISTRATIONS = 1000
/** Until the key pool is full and the first round of looking is over. */
const SETTLE_SECONDS = 30
const MEASURE_SECONDS = 60

export async function measureIdleDaemon(): Promise<Section[]> {
  const temporary = await makeTemporaryDirectory()
  const { env, root, vo } = await makeBenchVo(temporary.path, REGISTRATIONS)
  const program = join(process.cwd(), 'bin', 'vobox-renewd')
  const daemon = spawn(program, [vo, userInfo().username, root], { env, stdio: 'ignore' })
  try {
    await sleep(SETTLE_SECONDS * 1000)
    const before = cost(daemon)
    await sleep(MEASURE_SECONDS * 1000)
    const after = cost(daemon)
    const share = (after.cpuSeconds - before.cpuSeconds) / MEASURE_SECONDS
    const megabytes = after.residentBytes / 1e6
    return [
      {
        title: 'The idle service',
        how: `\`vobox-renewd\` with ${REGISTRATIONS} registrations, none due, ${MEASURE_SECONDS} s after ${SETTLE_SECONDS} s to settle.`,
        rows: [
          {
            what: 'resident memory',
            ours: `${megabytes.toFixed(0)} MB`,
            peer: 'limit 120 MB',
            ratio: megabytes / 120,
            limit: { atMost: 1 },
          },
          {
            what: 'processor',
            ours: `${(share * 100).toFixed(2)} % of a core`,
            peer: 'limit 0.5 %',
            ratio: share / 0.005,
            limit: { atMost: 1 },
          },
        ],
      },
    ]
  } finally {
    await stopped(daemon)
    await temporary.remove()
  }
}

function cost(child: ChildProcess): TreeCost {
  if (child.exitCode !== null) throw new Error(`the service ended with ${child.exitCode}`)
  return costOf(child.pid as number)
}

async function stopped(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return
  const exit = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGTERM')
  await exit
}
