/** Debian's `myproxy-server` beside a server of ours: the same CA, host credential and name. */
import { spawn } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { EmbeddedGrid } from './embedded-myproxy.js'
import { withoutHostCredential } from './host-credential.js'
import { findProgram } from './programs.js'

export interface CServer {
  port: number
  storeDirectory: string
  stop(): void
}

/** Starts one with a store of its own, unless `storeDirectory` names one. */
export async function startCServer(
  grid: EmbeddedGrid,
  name: string,
  config: string,
  storeDirectory = join(grid.directory, name, 'store'),
): Promise<CServer> {
  const directory = join(grid.directory, name)
  await mkdir(directory)
  await mkdir(storeDirectory, { recursive: true, mode: 0o700 })
  const file = (word: string) => join(directory, word)
  await writeFile(file('config'), config)
  const args = ['-c', file('config'), '-l', '127.0.0.1', '-p', '0', '-z', file('port')]
  args.push('-s', storeDirectory, '-P', file('pid'))
  const { server } = grid.hosts
  const env = {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    X509_CERT_DIR: grid.trustDirectory,
    X509_USER_CERT: server.certificatePath,
    X509_USER_KEY: server.keyPath,
  }
  const program = findProgram('myproxy-server') ?? 'myproxy-server'
  const child = spawn(...withoutHostCredential(program, args), { env, stdio: 'ignore' })
  const code = await new Promise((resolve, reject) => {
    child.once('error', reject).once('exit', resolve)
  })
  if (code !== 0) throw new Error(`myproxy-server did not start: exit code ${code}`)
  const pid = await readNumber(file('pid'))
  const stop = () => {
    try {
      process.kill(pid)
    } catch {
      // It is gone already.
    }
  }
  return { port: await readNumber(file('port')), storeDirectory, stop }
}

/** It writes these shortly after it has forked. */
async function readNumber(path: string): Promise<number> {
  for (let tries = 0; tries < 500; tries += 1) {
    const text = await readFile(path, 'utf8').catch(() => '')
    if (/^\d+\s*$/.test(text)) return Number(text)
    await sleep(10)
  }
  throw new Error(`myproxy-server wrote no number into ${path}`)
}
