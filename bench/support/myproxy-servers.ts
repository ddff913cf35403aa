/** MyProxy servers, ours and Debian's, started alike: same options, same configuration, same files. */
import { spawn } from 'node:child_process'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { withoutHostCredential } from '../../test/support/host-credential.js'
import type { RealGrid } from '../../test/support/real-peers.js'

/** Ours takes the C server's options. */
const OURS = join(process.cwd(), 'compat', 'myproxy-server')

export interface BenchServer {
  pid: number
  port: number
  storeDirectory: string
  stop(): Promise<void>
}

/**
 * Starts our server beside the one of a grid, with the same configuration and a copy of what is
 * stored there.
 *
 * @param place a directory of its own below the grid's, made here.
 */
export async function startOurs(grid: RealGrid, place: string): Promise<BenchServer> {
  const directory = join(grid.directory, place)
  await mkdir(directory, { mode: 0o700 })
  const storeDirectory = join(directory, 'store')
  await cp(grid.storeDirectory, storeDirectory, { recursive: true })
  const [portFile, pidFile] = [join(directory, 'port'), join(directory, 'pid')]
  const configuration = join(grid.directory, 'myproxy-server.config')
  const args = ['-c', configuration, '-l', '127.0.0.1', '-p', '0', '-z', portFile]
  args.push('-s', storeDirectory, '-P', pidFile)
  const env = {
    PATH: process.env.PATH,
    HOME: directory,
    X509_CERT_DIR: grid.trustDirectory,
    X509_USER_CERT: grid.hosts.server.certificatePath,
    X509_USER_KEY: grid.hosts.server.keyPath,
  }
  await detached(OURS, args, env)
  const pid = await readNumber(pidFile)
  return {
    pid,
    port: await readNumber(portFile),
    storeDirectory,
    stop: () => stopped(pid),
  }
}

/** The server of the grid, which `startRealGrid` keeps. */
export async function theirs(grid: RealGrid): Promise<Omit<BenchServer, 'stop'>> {
  const pid = await readNumber(join(grid.directory, 'myproxy.pid'))
  return { pid, port: grid.server.port, storeDirectory: grid.storeDirectory }
}

/** Stores `count` more of what is stored under `username`, as `user-0` and so on. */
export async function multiply(
  storeDirectory: string,
  { stem, username, count }: { stem: string; username: string; count: number },
): Promise<void> {
  const creds = await readFile(join(storeDirectory, `${stem}.creds`))
  const data = await readFile(join(storeDirectory, `${stem}.data`), 'latin1')
  for (let index = 0; index < count; index++) {
    const copy = join(storeDirectory, `user-${index}`)
    const own = data.replace(`USERNAME=${username}\n`, `USERNAME=user-${index}\n`)
    await writeFile(`${copy}.creds`, creds, { mode: 0o600 })
    await writeFile(`${copy}.data`, own, { mode: 0o600 })
  }
}

async function detached(program: string, args: string[], env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(...withoutHostCredential(program, args), { env, stdio: 'inherit' })
  const status = await new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  })
  if (status !== 0) throw new Error(`${program} did not start: exit code ${status}`)
}

async function stopped(pid: number): Promise<void> {
  process.kill(pid, 'SIGTERM')
  for (let tries = 0; tries < 200; tries++) {
    try {
      process.kill(pid, 0)
    } catch {
      return
    }
    await sleep(50)
  }
  process.kill(pid, 'SIGKILL')
}

/** The C server writes its files shortly after it has forked. */
async function readNumber(path: string): Promise<number> {
  for (let tries = 0; tries < 500; tries++) {
    const text = await readFile(path, 'utf8').catch(() => '')
    if (/^\d+\s*$/.test(text)) return Number(text)
    await sleep(10)
  }
  throw new Error(`no number in ${path}`)
}
