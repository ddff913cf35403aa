/** A syslog for tests: a datagram socket, and what came to it. Needs `perl`. */
import { spawn } from 'node:child_process'
import { rm } from 'node:fs/promises'
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
  /** Ends it, and its socket is gone. */
  stop(): Promise<void>
}

/** Lives as long as the running test, with its socket `log` in a directory of its own or the given one. */
export async function syslogSink(directory?: string): Promise<SyslogSink> {
  const socket = join(directory ?? (await temporaryDirectory()), 'log')
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
    async stop() {
      const ended = new Promise((resolve) => syslogd.once('close', resolve))
      syslogd.kill()
      await ended
      await rm(socket)
    },
  }
}
