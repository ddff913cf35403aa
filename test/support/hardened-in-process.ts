/** A process that hardens itself, is sent Node's debugger signal, and says how it is. */
import { readFileSync } from 'node:fs'
import { url } from 'node:inspector'
import { setTimeout as sleep } from 'node:timers/promises'
import { hardenProcess } from '../../src/node/cli/harden-process.js'

async function main(): Promise<void> {
  hardenProcess()
  process.kill(process.pid, 'SIGUSR1')
  await sleep(200)
  const { reportOnFatalError, reportOnSignal, reportOnUncaughtException } = process.report
  const reports = [reportOnFatalError, reportOnSignal, reportOnUncaughtException]
  const coreFilter = readFileSync('/proc/self/coredump_filter', 'utf8').trim()
  const found = { reports, coreFilter, umask: process.umask(), debugger: url() ?? null }
  process.stdout.write(JSON.stringify(found))
}

void main()
