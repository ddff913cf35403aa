/**
 * A VO-Box in a directory: the programs that `npm run build` made, as processes of their own, called
 * as its administrator, cron and root would call them.
 *
 * Where the tests are root, the VO admin is another account, so that giving up root's rights is part
 * of every test; where they are not, it is whoever runs them.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type VoPaths, voPaths } from '../../src/config/vo-paths.js'
import { systemClock } from '../../src/node/ports/clock.js'
import { nodeFiles } from '../../src/node/ports/files.js'
import { type Credential, encodeCredential } from '../../src/proxy/credential.js'
import { JsonRegistry } from '../../src/registry/json-registry.js'
import { ProxyRepository } from '../../src/repository/proxy-repository.js'
import { spawnSync } from './bounded.js'
import { callKept } from './kept-program.js'

const HOME = join(import.meta.dirname, '..', '..')

/** No program of ours takes longer on a busy machine, in milliseconds. */
const DEADLINE_MS = 90_000

export interface Finished {
  /** Exit status, or the signal that ended it. */
  status: number | string
  stdout: string
  stderr: string
}

export interface CallOptions {
  env?: Readonly<Record<string, string>>
  input?: string | Buffer
  /** Run as root where the tests are; default: as the VO admin. */
  asRoot?: boolean
  /** A command line that runs the one behind it. */
  under?: readonly string[]
}

export interface RunningService {
  child: ChildProcess
  finished: Promise<Finished>
  /** SIGTERM; resolves when it has ended. */
  stop(): Promise<Finished>
}

interface Account {
  name: string
  uid: number
  gid: number
}

export interface VoBoxOptions {
  vo: string
  /** Contents of the configuration file. */
  config: string
  /** In the environment of every program. */
  env?: Readonly<Record<string, string>>
  /** Whether calls may share a process that is kept (`kept-program.ts`): where none is about processes. */
  kept?: boolean
}

export class VoBox {
  readonly vo: string
  readonly root: string
  readonly paths: VoPaths
  readonly admin: Account
  readonly registry: JsonRegistry
  readonly repository: ProxyRepository
  readonly configFile: string
  /** Holds the root of the VO directory, the configuration and whatever is put. */
  readonly directory: string
  readonly #env: Readonly<Record<string, string>>
  readonly #kept: boolean
  readonly #children = new Set<ChildProcess>()

  /** Makes a VO directory below `directory`, which the caller removes. */
  constructor(directory: string, { vo, config, env = {}, kept = false }: VoBoxOptions) {
    this.vo = vo
    this.#kept = kept
    this.admin = voAdmin()
    this.directory = directory
    this.root = join(directory, `root-of-${vo}`)
    this.paths = voPaths(this.root, vo)
    this.configFile = join(directory, `${vo}.toml`)
    // The VO admin must get through, and see nothing.
    chmodSync(directory, 0o711)
    mkdirSync(this.root, { mode: 0o755 })
    mkdirSync(this.paths.directory, { mode: 0o750 })
    this.#give(this.paths.directory)
    writeFileSync(this.configFile, config, { mode: 0o644 })
    const owners = [this.admin.uid]
    const files = nodeFiles
    this.registry = new JsonRegistry({ files, clock: systemClock, paths: this.paths })
    this.repository = new ProxyRepository({ files, directory: this.paths.repository, owners })
    this.#env = {
      PATH: process.env.PATH ?? '/usr/bin:/bin',
      HOME: directory,
      VOBOX_PROXY_CONFIG: this.configFile,
      VOBOX_PROXY_ROOT: this.root,
      // So that no test looks at whatever proxy lies in /tmp.
      X509_USER_PROXY: join(directory, 'no-proxy'),
      ...env,
    }
  }

  configure(config: string): void {
    writeFileSync(this.configFile, config, { mode: 0o644 })
  }

  /** Puts a file of the VO admin's beside the VO directory; returns its path. */
  put(name: string, content: string | Uint8Array, mode = 0o600): string {
    const path = join(this.directory, name)
    rmSync(path, { force: true })
    writeFileSync(path, content, { mode })
    chmodSync(path, mode)
    this.#give(path)
    return path
  }

  /** A login proxy of the VO admin's; returns its path. */
  putLogin(name: string, credential: Credential): string {
    return this.put(name, encodeCredential(credential))
  }

  /** Registers a login proxy that was {@link putLogin put}, unchecked; throws when that fails. */
  async register(login: string, ...options: string[]): Promise<void> {
    const args = ['register', '--proxy', login, '--no-check', '--no-voms', ...options]
    const { status, stderr } = await this.call(args)
    if (status !== 0) throw new Error(`register ended with ${status}: ${stderr}`)
  }

  /** Runs `vobox-proxy --vo VO …` to its end. */
  call(args: readonly string[], options: CallOptions = {}): Promise<Finished> {
    return this.callBare(['--vo', this.vo, ...args], options)
  }

  /** The same without `--vo`. */
  callBare(args: readonly string[], options: CallOptions = {}): Promise<Finished> {
    const kept = this.#kept && mayBeKept(options) ? this.#callKept(args, options) : undefined
    return kept ?? this.#finish(this.#spawn('vobox-proxy', args, options), options.input)
  }

  #callKept(words: readonly string[], { env = {} }: CallOptions): Promise<Finished> | undefined {
    const { uid, gid } = this.admin
    const call = { words, env: { ...this.#env, ...env }, directory: this.directory }
    return callKept(call, isRoot() ? { uid, gid } : undefined, DEADLINE_MS)
  }

  /** Runs `vobox-renewd VO ADMIN ROOT ACTION` to its end. */
  askService(action: 'status' | 'stop'): Promise<Finished> {
    return this.#finish(this.#spawn('vobox-renewd', [...this.#serviceWords, action], {}))
  }

  /** Starts the service, as root where that can be, and waits until it serves. */
  async startService(options: CallOptions = { asRoot: true }): Promise<RunningService> {
    const before = this.events('service-started').length
    const child = this.#spawn('vobox-renewd', this.#serviceWords, options)
    const finished = this.#finish(child, '', Number.POSITIVE_INFINITY)
    const gone = finished.then(({ status, stdout, stderr }) => {
      throw new Error(`the service ended with ${status}: ${stderr || stdout}`)
    })
    gone.catch(() => undefined)
    const served = this.until(() => this.events('service-started').length > before)
    await Promise.race([served, gone])
    return {
      child,
      finished,
      stop() {
        child.kill('SIGTERM')
        return finished
      },
    }
  }

  /** Lines of `events.log` with this word, without the time. */
  events(word: string): string[] {
    const lines = readOrEmpty(this.paths.eventsLog).split('\n')
    return lines
      .map((line) => line.slice(line.indexOf(' ') + 1))
      .filter((line) => line.split(' ')[0] === word)
  }

  /**
   * Every file below the VO directory with its mode and its bytes, by its path from there; without
   * logs and locks, and without those that `apart` names. Two such pictures tell what was touched.
   */
  picture(...apart: readonly RegExp[]): Record<string, string> {
    const left = [/^log\//, /\.lock$/, /^state\/locks\//, ...apart]
    const names = readdirSync(this.paths.directory, { recursive: true, encoding: 'utf8' })
    const found: Record<string, string> = {}
    for (const name of names.sort()) {
      const path = join(this.paths.directory, name)
      const facts = lstatSync(path)
      if (facts.isDirectory() || left.some((pattern) => pattern.test(name))) continue
      const bytes = facts.isFile() ? readFileSync(path, 'latin1') : 'no regular file'
      found[name] = `${(facts.mode & 0o7777).toString(8)} ${bytes}`
    }
    return found
  }

  async until(holds: () => boolean | Promise<boolean>, deadlineMs = DEADLINE_MS): Promise<void> {
    const end = performance.now() + deadlineMs
    while (!(await holds())) {
      if (performance.now() > end) throw new Error(`nothing happened within ${deadlineMs} ms`)
      await sleep(30)
    }
  }

  /** Ends what still runs; removes what lies outside the directory. */
  async close(): Promise<void> {
    for (const child of this.#children) child.kill('SIGKILL')
    await Promise.all(
      [...this.#children].map((child) => new Promise((end) => child.once('close', end))),
    )
    rmSync(`/var/run/vobox_${this.vo}_renewd.pid`, { force: true })
  }

  get #serviceWords(): string[] {
    return [this.vo, this.admin.name, this.root]
  }

  #give(path: string): void {
    if (isRoot()) chownSync(path, this.admin.uid, this.admin.gid)
  }

  #spawn(
    program: string,
    args: readonly string[],
    { env = {}, asRoot = false, under = [] }: CallOptions,
  ): ChildProcess {
    const [first = '', ...words] = [...under, join(HOME, 'bin', program), ...args]
    const { uid, gid } = this.admin
    const child = spawn(first, words, {
      env: { ...this.#env, ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      cwd: this.directory,
      ...(isRoot() && !asRoot && { uid, gid }),
    })
    this.#children.add(child)
    child.once('close', () => this.#children.delete(child))
    return child
  }

  #finish(
    child: ChildProcess,
    input: string | Buffer = '',
    deadlineMs = DEADLINE_MS,
  ): Promise<Finished> {
    let stdout = ''
    let stderr = ''
    child.stdout?.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr?.on('data', (chunk) => {
      stderr += chunk
    })
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(input)
    const limited = Number.isFinite(deadlineMs)
    const timer = limited ? setTimeout(() => child.kill('SIGKILL'), deadlineMs) : undefined
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => {
        clearTimeout(timer)
        resolve({ status: code ?? signal ?? 'nothing', stdout, stderr })
      })
    })
  }
}

/** The stable code that a command with `--json` left on stderr; undefined: it left none. */
export function codeOf({ stderr }: Finished): string | undefined {
  const line = stderr.split('\n').find((text) => text.startsWith('{'))
  return line === undefined ? undefined : JSON.parse(line).error?.code
}

/** Not what reads its input, runs as root or below another program, or what the launcher keeps from Node. */
function mayBeKept({ env = {}, input, asRoot = false, under = [] }: CallOptions): boolean {
  const cleaned = Object.keys(env).some((name) => /^(NODE|LD|SSL|OPENSSL|GLIBC)_/.test(name))
  return input === undefined && !asRoot && under.length === 0 && !cleaned
}

const isRoot = () => process.getuid?.() === 0

/** An account that every system has. */
const OTHER_ACCOUNT: Account = { name: 'daemon', uid: 1, gid: 1 }

let known: Account | undefined

/** Another account than root's, where root runs the tests and that account can read our programs. */
function voAdmin(): Account {
  known ??= findAdmin()
  return known
}

function findAdmin(): Account {
  const { username: name, uid, gid } = userInfo()
  const own = { name, uid, gid }
  if (!isRoot()) return own
  const identity = { uid: OTHER_ACCOUNT.uid, gid: OTHER_ACCOUNT.gid }
  const options = { ...identity, stdio: 'ignore', cwd: '/' } as const
  const { status } = spawnSync(join(HOME, 'bin', 'vobox-proxy'), ['--version'], options)
  return status === 0 ? OTHER_ACCOUNT : own
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}
