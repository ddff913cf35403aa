/**
 * A grid on loopback: a CA, users, hosts and Debian's own `myproxy-server`, for tests against the
 * real thing.
 *
 *     const grid = await startRealGrid()          // in beforeAll; the caller calls grid.stop()
 *     await grid.upload({ as: grid.users.alice })  // myproxy-init -d -n …
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import type { Credential } from '../../src/proxy/credential.js'
import { buildName } from '../../src/x509/name.js'
import { withoutHostCredential } from './host-credential.js'
import { javaStart } from './java.js'
import { runKept } from './kept-program.js'
import { hostName, TestAuthority, userName } from './pki.js'
import { writeCredentialPair, writeProxyFile, writeTrustDirectory } from './pki-files.js'
import { findProgram } from './programs.js'
import { makeTemporaryDirectory } from './temporary-directory.js'

/** What {@link startRealGrid} needs; for `describeWithPrograms`. */
export const MYPROXY_PROGRAMS = [
  'myproxy-server',
  'myproxy-init',
  'myproxy-info',
  'myproxy-logon',
  'myproxy-destroy',
] as const

/** Somebody with an end-entity credential, in memory and on disk. */
export interface GridIdentity {
  /** Subject DN in one-line form. */
  dn: string
  credential: Credential
  /** Certificate and key as C tools read them. */
  certificatePath: string
  keyPath: string
}

export interface ProgramResult {
  exitCode: number | undefined
  stdout: string
  stderr: string
}

export interface RunOptions {
  /** End-entity credential the program uses. */
  as?: GridIdentity
  /** Proxy file the program uses. */
  proxy?: string
  input?: string
  env?: Readonly<Record<string, string>>
}

export interface UploadOptions {
  as: GridIdentity
  /** Default `-d -n -A -c 168 -t 48`: under the DN, no pass phrase, any renewer that the server allows. */
  options?: readonly string[]
  /** Given to `-S` on standard input. */
  passPhrase?: string
}

export interface RealGridOptions {
  /** Lines of the server's configuration that replace the default ones, by their first word. */
  policy?: Readonly<Record<string, string>>
  /** Credential of the server instead of the host's: a proxy of it, one of an unknown CA, … */
  serverCredential?: (grid: { ca: TestAuthority; host: Credential }) => Credential
  /** In the server's environment, e.g. which versions of TLS it speaks. */
  serverEnvironment?: Readonly<Record<string, string>>
}

export interface AnotherServer {
  server: { host: string; port: number }
  storeDirectory: string
  stop(): Promise<void>
}

export interface RealGrid {
  /** Everything lives below; removed by `stop`. */
  directory: string
  ca: TestAuthority
  trustDirectory: string
  users: Record<'alice' | 'eve', GridIdentity>
  /** `server` is `localhost`; `vobox` (RSA) and `voboxEc` (P-256) may renew. */
  hosts: Record<'server' | 'vobox' | 'voboxEc', GridIdentity>
  server: { host: string; port: number }
  /** The server's store: a directory of `.creds` and `.data` files. */
  storeDirectory: string
  /** Runs a C program against the server and returns what it said, whatever it was. */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<ProgramResult>
  /**
   * Stores a credential with `myproxy-init`, or as that stored it for another grid of this process;
   * throws when that fails.
   */
  upload(options: UploadOptions): Promise<void>
  /**
   * One more server of the same grid and name, on a port and with a store of its own; it ends with
   * the grid.
   */
  another(options?: RealGridOptions): Promise<AnotherServer>
  /** Writes a proxy file (0600) into the grid's directory. */
  writeProxy(name: string, credential: Credential): Promise<string>
  stop(): Promise<void>
}

/** No program takes longer on a busy machine, in milliseconds. */
const DEADLINE_MS = 60_000

/** As sites configure it: hosts may renew what users allow; whoever knows the pass phrase retrieves. */
const POLICY: Readonly<Record<string, string>> = {
  accepted_credentials: '"/DC=org/DC=example/*"',
  authorized_retrievers: '"*"',
  default_retrievers: '"none"',
  authorized_renewers: '"/DC=org/DC=example/OU=Hosts/*"',
  default_renewers: '"none"',
  authorized_key_retrievers: '"none"',
  default_key_retrievers: '"none"',
  trusted_retrievers: '"none"',
  default_trusted_retrievers: '"none"',
  max_proxy_lifetime: '720',
}

export async function startRealGrid(options: RealGridOptions = {}): Promise<RealGrid> {
  const { path: directory, remove } = await makeTemporaryDirectory()
  const ca = new TestAuthority({
    name: buildName([
      ['DC', 'org'],
      ['DC', 'example'],
      ['CN', 'Real Grid CA'],
    ]),
    key: 'rsa2048',
  })
  const trustDirectory = await writeTrustDirectory(directory, ca)
  const identity = async (name: string, credential: Credential): Promise<GridIdentity> => {
    const { cert, key } = await writeCredentialPair(directory, name, credential)
    const dn = credential.chain[0]?.subject.oneLine ?? ''
    return { dn, credential, certificatePath: cert, keyPath: key }
  }
  // Stored credentials must be RSA: the C server cannot delegate from an EC one.
  const rsa = { key: 'rsa2048' } as const
  const users = {
    alice: await identity('alice', ca.issueUser(userName('alice'), rsa)),
    eve: await identity('eve', ca.issueUser(userName('eve'), rsa)),
  }
  const hosts = {
    server: await identity('server', ca.issueHost('localhost', { ...rsa, ips: ['127.0.0.1'] })),
    vobox: await identity('vobox', ca.issueHost('vobox.example.org', rsa)),
    voboxEc: await identity(
      'voboxec',
      ca.issueHost('voboxec.example.org', { name: hostName('voboxec.example.org') }),
    ),
  }
  const baseEnvironment = {
    PATH: process.env.PATH ?? '/usr/bin:/bin',
    HOME: directory,
    X509_CERT_DIR: trustDirectory,
  }
  const identities = { ca, host: hosts.server.credential }
  const server = await startServer(directory, options, baseEnvironment, identities)
  const others: RunningServer[] = []

  const run: RealGrid['run'] = async (program, args, { as, proxy, input, env } = {}) => {
    const java = javaStart(program)
    const environment = {
      ...baseEnvironment,
      MYPROXY_SERVER: 'localhost',
      MYPROXY_SERVER_PORT: String(server.port),
      // What somebody left in /tmp/x509up_u<uid> is none of a test's.
      X509_USER_PROXY: join(directory, 'no-proxy'),
      ...(as && { X509_USER_CERT: as.certificatePath, X509_USER_KEY: as.keyPath }),
      ...(proxy && { X509_USER_PROXY: proxy }),
      ...java.env,
      ...env,
    }
    const kept =
      input === undefined ? await runKept(program, args, environment, DEADLINE_MS) : undefined
    if (kept !== undefined) {
      const [stdout, stderr] = [kept.stdout, kept.stderr].map((text) => text.replace(/\n$/, ''))
      return { exitCode: Number(kept.status), stdout: stdout ?? '', stderr: stderr ?? '' }
    }
    const command = withoutHostCredential(findProgram(program) ?? program, args)
    const { exitCode, stdout, stderr } = await execa(...command, {
      reject: false,
      input: input ?? '',
      extendEnv: false,
      timeout: DEADLINE_MS,
      env: environment,
    })
    java.ended()
    return { exitCode, stdout, stderr }
  }
  return {
    directory,
    ca,
    trustDirectory,
    users,
    hosts,
    // By address the Globus tools refuse the certificate.
    server: { host: 'localhost', port: server.port },
    storeDirectory: server.storeDirectory,
    run,
    async upload({ as, options: given, passPhrase }) {
      const { storeDirectory } = server
      const usual = given === undefined && passPhrase === undefined
      if (usual && (await putStored(storeDirectory, as.dn))) return
      const args = [...(given ?? UPLOAD), ...(passPhrase === undefined ? [] : ['-S'])]
      const before = new Set(await readdir(storeDirectory))
      const result = await run('myproxy-init', args, { as, input: passPhrase ?? '' })
      if (result.exitCode !== 0) {
        throw new Error(`myproxy-init ${args.join(' ')}: ${result.stdout}${result.stderr}`)
      }
      if (usual && before.size === 0) await keepStored(storeDirectory, as.dn)
    },
    async another(given = {}) {
      const place = join(directory, `another-${others.length}`)
      await mkdir(place)
      const one = await startServer(place, given, baseEnvironment, identities)
      others.push(one)
      return { ...one, server: { host: 'localhost', port: one.port } }
    },
    writeProxy: (name, credential) => writeProxyFile(directory, name, credential),
    async stop() {
      for (const one of [server, ...others]) await one.stop()
      await remove()
    },
  }
}

const UPLOAD = ['-d', '-n', '-A', '-c', '168', '-t', '48']

/**
 * What the C server stored for somebody who uploaded as usual. The keys of all are those of every grid
 * of the process, so that the next grid can be given the same files: the C client makes two RSA keys.
 */
const uploaded = new Map<string, ReadonlyMap<string, Buffer>>()

async function keepStored(directory: string, dn: string): Promise<void> {
  const files = new Map<string, Buffer>()
  for (const name of await readdir(directory)) {
    files.set(name, await readFile(join(directory, name)))
  }
  uploaded.set(dn, files)
}

async function putStored(directory: string, dn: string): Promise<boolean> {
  const files = uploaded.get(dn) ?? new Map<string, Buffer>()
  for (const [name, bytes] of files) await writeFile(join(directory, name), bytes, { mode: 0o600 })
  return files.size > 0
}

interface RunningServer {
  port: number
  storeDirectory: string
  stop(): Promise<void>
}

/** Starts `myproxy-server` on a free port of 127.0.0.1. It forks away, so its pid file is the handle. */
async function startServer(
  directory: string,
  { policy = {}, serverCredential, serverEnvironment = {} }: RealGridOptions,
  environment: Readonly<Record<string, string>>,
  identities: { ca: TestAuthority; host: Credential },
): Promise<RunningServer> {
  const configuration = join(directory, 'myproxy-server.config')
  const pidFile = join(directory, 'myproxy.pid')
  const portFile = join(directory, 'myproxy.port')
  const storeDirectory = join(directory, 'store')
  const lines = Object.entries({ ...POLICY, ...policy }).map(([word, rest]) => `${word} ${rest}`)
  lines.push(`cert_dir ${environment.X509_CERT_DIR}`, '')
  await writeFile(configuration, lines.join('\n'))
  const credential = serverCredential?.(identities) ?? identities.host
  const { cert, key } = await writeCredentialPair(directory, 'myproxy-server', credential)
  await mkdir(storeDirectory, { mode: 0o700 })
  const program = findProgram('myproxy-server')
  if (program === undefined) throw new Error('myproxy-server is not installed')
  const args = ['-c', configuration, '-l', '127.0.0.1', '-p', '0', '-z', portFile]
  args.push('-s', storeDirectory, '-P', pidFile)
  const env = { ...environment, ...serverEnvironment, X509_USER_CERT: cert, X509_USER_KEY: key }
  const command = withoutHostCredential(program, args)
  await ended(spawn(...command, { env, stdio: 'ignore', cwd: directory }))
  const pid = await readNumber(pidFile)
  return {
    port: await readNumber(portFile),
    storeDirectory,
    async stop() {
      try {
        process.kill(pid)
      } catch {
        // It is gone already.
      }
    },
  }
}

async function ended(child: ChildProcess): Promise<void> {
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', resolve)
  })
  if (code !== 0) throw new Error(`myproxy-server did not start: exit code ${code}`)
}

/** A number that the server writes into a file shortly after it has forked. */
async function readNumber(path: string): Promise<number> {
  for (let tries = 0; tries < 500; tries++) {
    const text = await readFile(path, 'utf8').catch(() => '')
    if (/^\d+\s*$/.test(text)) return Number(text)
    await sleep(10)
  }
  throw new Error(`myproxy-server wrote no number into ${path}`)
}
