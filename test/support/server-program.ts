/** What the program `myproxy-server` of ours needs to run: a CA, a host, a person, and a configuration. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { spawnSync } from './bounded.js'
import { withoutHostCredential } from './host-credential.js'
import { TestAuthority } from './pki.js'
import { writeCredentialPair, writeTrustDirectory } from './pki-files.js'
import { findProgram } from './programs.js'
import { makeTemporaryDirectory } from './temporary-directory.js'

const HOME = join(import.meta.dirname, '..', '..')

export const C_NAME = join(HOME, 'compat', 'myproxy-server')
export const OUR_NAME = [join(HOME, 'bin', 'vobox-proxy'), 'myproxy-server'] as const

/** As sites have it: whoever is known stores; hosts renew. */
export const CONFIG = `accepted_credentials "/DC=org/DC=example/*"
authorized_retrievers "*"
authorized_renewers "*"
default_renewers "none"
`

export type ServerScene = Awaited<ReturnType<typeof makeServerScene>>

export async function makeServerScene() {
  const { path: directory, remove } = await makeTemporaryDirectory()
  const ca = new TestAuthority({ key: 'rsa2048' })
  const trustDirectory = await writeTrustDirectory(directory, ca)
  const hostCredential = ca.issueHost('localhost', { key: 'rsa2048', ips: ['127.0.0.1'] })
  const host = await writeCredentialPair(directory, 'host', hostCredential)
  const aliceCredential = ca.issueUser('alice', { key: 'rsa2048' })
  const alice = await writeCredentialPair(directory, 'alice', aliceCredential)
  const file = (name: string) => join(directory, name)
  writeFileSync(file('config'), CONFIG)
  mkdirSync(file('store'), { mode: 0o700 })
  const base = { PATH: process.env.PATH ?? '/usr/bin:/bin', HOME: directory }
  const environment = {
    ...{ ...base, X509_CERT_DIR: trustDirectory },
    ...{ X509_USER_CERT: host.cert, X509_USER_KEY: host.key },
    VOBOX_PROXY_CONFIG: file('vobox.toml'),
  }
  // Keys that are made for nobody would cost each server a second of processor.
  writeFileSync(file('vobox.toml'), '[keys]\npool = 0\n')
  const words = ['-c', file('config'), '-s', file('store'), '-l', '127.0.0.1', '-p', '0']
  const files = ['-z', file('port'), '-P', file('pid')]
  const numberIn = (name: string) => Number(readFileSync(file(name), 'utf8'))
  return {
    ...{ directory, ca, trustDirectory, host, hostCredential, alice, aliceCredential, environment },
    ...{ file, numberIn, remove },
    /** Words that every server here needs, and what else is given. */
    words: (...more: string[]) => [...words, ...files, ...more],
    /** Runs a program to its end. */
    call(program: string, args: readonly string[], env: Record<string, string> = {}) {
      const options = { env: { ...environment, ...env }, cwd: directory, encoding: 'utf8' } as const
      const { status, stdout, stderr } = spawnSync(program, [...args], options)
      return { status, stdout: String(stdout), stderr: String(stderr) }
    },
    /** A C client as alice, against the server whose port the file has. */
    client(program: string, args: readonly string[], input = '') {
      const env = {
        ...{ ...base, X509_CERT_DIR: trustDirectory, X509_USER_PROXY: file('none') },
        ...{ X509_USER_CERT: alice.cert, X509_USER_KEY: alice.key },
        ...{ MYPROXY_SERVER: 'localhost', MYPROXY_SERVER_PORT: String(numberIn('port')) },
      }
      const command = withoutHostCredential(findProgram(program) ?? program, args)
      const { status, stdout, stderr } = spawnSync(...command, { env, input, encoding: 'utf8' })
      return { status, said: `${stdout}${stderr}` }
    },
    /** Starts one in the foreground, and resolves when it listens. */
    async foreground(command: readonly string[], more: readonly string[] = []) {
      const [program = '', ...first] = command
      const args = [...first, ...words, ...files, '-d', ...more]
      const child = spawn(program, args, {
        ...{ env: environment, cwd: directory },
        stdio: ['ignore', 'ignore', 'pipe'],
      })
      return listening(child)
    },
  }
}

export interface ForegroundServer {
  child: ChildProcess
  /** What it has written so far. */
  log(): string
  /** Its exit status, or the signal that ended it. */
  ended: Promise<number | string | null>
}

async function listening(child: ChildProcess): Promise<ForegroundServer> {
  let text = ''
  const ended = new Promise<number | string | null>((resolve) => {
    child.once('close', (status, signal) => resolve(status ?? signal))
  })
  const deadline = setTimeout(() => child.kill('SIGKILL'), 90_000)
  void ended.then(() => clearTimeout(deadline))
  await new Promise<void>((resolve, reject) => {
    child.stderr?.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk
      if (text.includes(' started: ')) resolve()
    })
    void ended.then((how) => reject(new Error(`the server ended with ${how}:\n${text}`)))
  })
  return { child, log: () => text, ended }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
