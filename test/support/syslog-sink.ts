/** A syslog for tests: a datagram socket, and what came to it. Needs `perl`. */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, onTestFinished } from 'vitest'
import { isSyslogThere } from '../../src/node/ports/system-log.js'
import { temporaryDirectory } from './temporary-directory.js'

/** Binds a datagram socket and prints what comes. */
const SYSLOGD = `use Socket; socket(my $s, AF_UNIX, SOCK_DGRAM, 0); bind($s, pack_sockaddr_un($ARGV[0]));
$| = 1; while (defined recv($s, my $m, 65536, 0)) { print "$m\\n" }`

export interface SyslogSink {
  socket: string
  /** Waits until so many lines have come. */
  lines(count: number): Promise<string[]>
}

/** Lives as long as the running test. */
export async function syslogSink(): Promise<SyslogSink> {
  const socket = join(await temporaryDirectory(), 'log')
  const syslogd = spawn('perl', ['-e', SYSLOGD, socket])
  onTestFinished(() => void syslogd.kill())
  let got = ''
  syslogd.stdout.on('data', (chunk) => {
    got += chunk
  })
  await expect.poll(() => isSyslogThere(socket)).toBe(true)
  const lines = () => got.split('\n').slice(0, -1)
  return {
    socket,
    async lines(count) {
      await expect.poll(() => lines().length, { timeout: 10_000 }).toBeGreaterThanOrEqual(count)
      return lines()
    },
  }
}
