/**
 * Registers and ends a job on a real disk, and kills its own process just before the n-th call of the
 * system that changes something: `node SCRIPT DIRECTORY PROXY N`. Says what is durable, line by line.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { JobProxies } from '../../src/jobs/job-proxies.js'
import { JobStore } from '../../src/jobs/job-store.js'
import { systemClock } from '../../src/node/ports/clock.js'
import { makeFiles } from '../../src/node/ports/files.js'
import { parseCredential } from '../../src/proxy/credential.js'
import { ProxyRepository } from '../../src/repository/proxy-repository.js'
import { faultyDisk } from './faulty-disk.js'
import { jobProxy } from './jobs.js'

const [directory = '', proxy = '', count = ''] = process.argv.slice(2)
let left = Number(count)

const files = makeFiles(
  faultyDisk(() => {
    if (--left > 0) return
    process.kill(process.pid, 'SIGKILL')
    return new Promise<void>(() => undefined)
  }),
)

async function run(): Promise<void> {
  const owners = [process.getuid?.() ?? 0]
  const journal = { write: () => undefined }
  const store = new JobStore({ files, clock: systemClock, journal, directory, owners })
  await store.open()
  const repository = new ProxyRepository({ files, directory: `${directory}/jobs`, owners })
  const proxies = new JobProxies({ files, journal, repository, store })
  await proxies.removeStrays()
  const credential = parseCredential(readFileSync(proxy))
  const file = `job-${randomBytes(16).toString('hex')}`
  await store.change(() => ({
    record: { op: 'register', job: 'new', file, proxy: jobProxy(0, { fileName: file }) },
    before: { file, write: () => proxies.create(file, credential) },
    result: undefined,
  }))
  process.stdout.write(`registered ${file}\n`)
  await store.change((book) => {
    const old = book.ofJob('old')?.proxy.fileName
    if (old === undefined) return { result: undefined }
    return {
      record: { op: 'unregister', job: 'old', file: old },
      after: () => proxies.remove(old),
      result: undefined,
    }
  })
  process.stdout.write('ended old\n')
  await store.settled()
  process.stdout.write('done\n')
}

run().catch((error: unknown) => {
  process.stderr.write(`${error}\n`)
  process.exitCode = 1
})
