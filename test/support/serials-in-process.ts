/**
 * Takes serial numbers from a file and prints each once it could be used; kills its own process just
 * before the n-th call of the system that changes something, if n is not 0:
 * `node SCRIPT PATH COUNT SKIP N`. At its end it says on standard error how many calls there were.
 */
import { writeSync } from 'node:fs'
import { FileSerials } from '../../src/myproxy/server/authority/serial-numbers.js'
import { makeFiles } from '../../src/node/ports/files.js'
import { faultyDisk } from './faulty-disk.js'

const [path = '', count = '', skip = '', killAt = ''] = process.argv.slice(2)
let calls = 0

const files = makeFiles(
  faultyDisk(() => {
    calls += 1
    if (calls !== Number(killAt)) return
    process.kill(process.pid, 'SIGKILL')
    return new Promise<void>(() => undefined)
  }),
)

async function run(): Promise<void> {
  const owners = [process.getuid?.() ?? 0]
  const serials = new FileSerials({ files, path, skip: Number(skip), owners })
  const { signal } = new AbortController()
  for (let i = 0; i < Number(count); i++) {
    const serial = await serials.next(signal)
    writeSync(1, `${Buffer.from(serial).toString('hex').toUpperCase()}\n`)
  }
  process.stderr.write(String(calls))
}

run().catch((error: unknown) => {
  process.stderr.write(`${error}\n`)
  process.exitCode = 1
})
