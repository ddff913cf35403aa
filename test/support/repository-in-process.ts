/**
 * Works on a store of credentials in a process of its own: `node SCRIPT WORK DIRECTORY NAME COUNT`.
 *
 * `store` stores COUNT credentials NAME-1, NAME-2, … of one owner and removes every second one;
 * `fill` stores COUNT of them, at most 15 an owner, and prints how many were taken; `hold` holds the
 * lock until it is killed; `replace`, `create`, `change-key` and `remove` do one change of the
 * credential NAME and kill the process just before its COUNT-th call of the system that changes
 * something. Prints `done` when it got through.
 */
import { once } from 'node:events'
import { CredentialRepository } from '../../src/myproxy/server/store/credential-repository.js'
import { systemClock } from '../../src/node/ports/clock.js'
import { makeFiles, nodeFiles } from '../../src/node/ports/files.js'
import type { Files } from '../../src/ports/files.js'
import { silentJournal } from '../../src/ports/journal.js'
import { faultyDisk } from './faulty-disk.js'
import { type RepositoryChange, storedOf, workOn } from './repository-changes.js'

const [work = '', directory = '', name = '', count = ''] = process.argv.slice(2)

function repository(files: Files = nodeFiles): CredentialRepository {
  const owners = [process.getuid?.() ?? 0]
  const deps = { files, clock: systemClock, journal: silentJournal, directory, owners }
  return new CredentialRepository({ ...deps, maxPerOwner: work === 'fill' ? 15 : 100 })
}

/** The step before which the process dies; the lock is taken before they are counted. */
function filesThatKill(): Files {
  let left = Number(count)
  return makeFiles(
    faultyDisk(() => {
      if (--left > 0) return
      process.kill(process.pid, 'SIGKILL')
      return new Promise<void>(() => undefined)
    }),
  )
}

/** Until the test has heard of all workers and lets them go at once: it closes our input. */
async function together(): Promise<void> {
  process.stdout.write('ready ')
  process.stdin.resume()
  await once(process.stdin, 'end')
}

async function storeMany(): Promise<string> {
  const into = repository()
  await together()
  for (let i = 1; i <= Number(count); i += 1) {
    await into.store(storedOf(`${name}-${i}`), Buffer.from(`key ${name} ${i}`), () => undefined)
    if (i % 2 === 0) await into.remove(`${name}-${i}`, undefined, () => undefined)
  }
  return 'done'
}

async function fill(): Promise<string> {
  const into = repository()
  let taken = 0
  await together()
  for (let i = 1; i <= Number(count); i += 1) {
    const data = { ...storedOf(`${name}-${i}`), owner: '/DC=org/CN=greedy' }
    await into
      .store(data, Buffer.from('key'), () => undefined)
      .then(
        () => (taken += 1),
        () => undefined,
      )
  }
  return String(taken)
}

async function run(): Promise<string> {
  switch (work) {
    case 'store':
      return storeMany()
    case 'fill':
      return fill()
    case 'hold':
      await nodeFiles.lock(`${directory}/.lock`, 10_000)
      process.stdout.write('held')
      return new Promise(() => setInterval(() => undefined, 1000))
    default:
      await workOn(repository(filesThatKill()), work as RepositoryChange, name)
      return 'done'
  }
}

run().then(
  (said) => process.stdout.write(said),
  (error: unknown) => {
    process.stderr.write(`${error}\n`)
    process.exitCode = 1
  },
)
