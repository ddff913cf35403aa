/**
 * Does one piece of work and kills its own process just before the n-th call of the system that
 * changes something: `node SCRIPT replace|register DIRECTORY N`. Prints `done` when it got through.
 */
import { join } from 'node:path'
import { makeFiles } from '../../src/node/ports/files.js'
import { faultyDisk } from './faulty-disk.js'
import { registration, registryBelow } from './registry.js'

const [work, directory = '', count = ''] = process.argv.slice(2)
let left = Number(count)

const files = makeFiles(
  faultyDisk(() => {
    if (--left > 0) return
    process.kill(process.pid, 'SIGKILL')
    return new Promise<void>(() => undefined)
  }),
)

async function run(): Promise<void> {
  if (work === 'replace') {
    const path = join(directory, 'proxy')
    const keepPreviousAs = join(directory, 'previous')
    await files.replace(path, Buffer.from('new content'), { mode: 0o600, keepPreviousAs })
  } else {
    await registryBelow(directory, files).registry.update('new', () => registration('new'))
  }
  process.stdout.write('done')
}

run().catch((error: unknown) => {
  process.stderr.write(`${error}\n`)
  process.exitCode = 1
})
