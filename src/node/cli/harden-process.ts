/**
 * What a process does first that holds private keys and outlives its caller: nothing of its memory
 * may reach a disk or a debugger.
 */
import { writeFileSync } from 'node:fs'

/** Files that we make are nobody else's, whatever the caller's umask was. */
const UMASK = 0o077

export function hardenProcess(): void {
  process.umask(UMASK)
  // Node opens its debugger on this signal unless somebody listens.
  if (process.listenerCount('SIGUSR1') === 0) process.on('SIGUSR1', () => undefined)
  if (process.report) {
    process.report.reportOnFatalError = false
    process.report.reportOnSignal = false
    process.report.reportOnUncaughtException = false
  }
  leaveNothingToCoreDumps()
}

/**
 * The launcher sets the size limit of core dumps to 0, which a dump that is piped to a program
 * (core(5)) ignores; this makes such a dump empty as well.
 */
function leaveNothingToCoreDumps(): void {
  try {
    writeFileSync('/proc/self/coredump_filter', '0')
  } catch {
    // Without /proc there are other ways to be careful, and they are not ours.
  }
}
