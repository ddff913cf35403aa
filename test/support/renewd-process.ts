/** The real service as a process of its own, on a VO directory of its own. */
import { type ChildProcess, spawn } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type VoPaths, voPaths } from '../../src/config/vo-paths.js'
import { systemClock } from '../../src/node/ports/clock.js'
import { nodeFiles } from '../../src/node/ports/files.js'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { type Credential, encodeCredential } from '../../src/proxy/credential.js'
import { JsonRegistry } from '../../src/registry/json-registry.js'
import type { Registration } from '../../src/registry/registration.js'
import { ProxyRepository } from '../../src/repository/proxy-repository.js'
import { bundleScript } from './bundled-script.js'
import { realNow } from './pki.js'
import { registration } from './registry.js'

export interface RunningRenewd {
  child: ChildProcess
  /** What it wrote to standard output, and to standard error. */
  output(): string
  errors(): string
  /** Resolves with the exit status, or with the name of the signal that ended it. */
  ended: Promise<number | string>
}

export interface RunOptions {
  /** `status` or `stop`. */
  action?: string[]
  /** Default: whoever runs the tests. */
  admin?: string
  /** Who runs it; default: whoever runs the tests. */
  uid?: number
  env?: Readonly<Record<string, string>>
}

export class RenewdVo {
  readonly vo: string
  readonly admin = userInfo().username
  readonly paths: VoPaths
  readonly registry: JsonRegistry
  readonly repository: ProxyRepository
  readonly #directory: string
  readonly #script: string

  private constructor(directory: string, script: string, vo: string) {
    this.vo = vo
    this.#directory = directory
    this.#script = script
    const root = join(directory, 'root')
    this.paths = voPaths(root, vo)
    for (const path of [root, this.paths.directory, this.paths.state, this.paths.locks]) {
      mkdirSync(path, { mode: 0o750 })
    }
    mkdirSync(this.paths.repository, { mode: 0o700 })
    const files = nodeFiles
    this.registry = new JsonRegistry({ files, clock: systemClock, paths: this.paths })
    const owners = [userInfo().uid]
    this.repository = new ProxyRepository({ files, directory: this.paths.repository, owners })
  }

  /**
   * A VO below `directory` (0700, removed by the caller). `name` must be of this test alone, since
   * root's pid files lie in one place.
   */
  static async make(directory: string, name: string, config: string): Promise<RenewdVo> {
    const script = await bundleScript('vobox-renewd.ts', directory)
    writeFileSync(join(directory, 'config.toml'), config, { mode: 0o600 })
    return new RenewdVo(directory, script, `${name}-${process.pid}`)
  }

  configure(config: string): void {
    writeFileSync(join(this.#directory, 'config.toml'), config, { mode: 0o600 })
  }

  putMachineProxy(credential: Credential): Promise<void> {
    const bytes = encodeCredential(credential)
    return nodeFiles.replace(this.paths.machineProxy, bytes, { mode: 0o400 })
  }

  /** Registers a proxy, unchecked. */
  async register(
    fileName: string,
    login: Credential,
    settings: Partial<Registration>,
  ): Promise<Registration> {
    const { identity } = describeChain(login.chain)
    const now = realNow()
    const wanted = registration(fileName, {
      identity: identity.oneLine,
      identityDer: Buffer.from(identity.der).toString('base64'),
      voms: [],
      registeredAt: now,
      updatedAt: now,
      ...settings,
    })
    await this.repository.replace(fileName, login)
    await this.registry.update(fileName, () => wanted)
    return wanted
  }

  /** Starts the program; with an action it ends by itself. */
  run({ action = [], admin = this.admin, env = {}, uid }: RunOptions = {}): RunningRenewd {
    const root = join(this.#directory, 'root')
    const args = [this.#script, this.vo, admin, root, ...action]
    const child = spawn(process.execPath, args, {
      env: {
        PATH: '/usr/bin:/bin',
        VOBOX_PROXY_CONFIG: join(this.#directory, 'config.toml'),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
      ...(uid !== undefined && { uid }),
    })
    let output = ''
    let errors = ''
    child.stdout?.on('data', (chunk) => {
      output += chunk
    })
    child.stderr?.on('data', (chunk) => {
      errors += chunk
    })
    const ended = new Promise<number | string>((resolve) => {
      child.once('close', (code, signal) => resolve(code ?? signal ?? 'nothing'))
    })
    return { child, output: () => output, errors: () => errors, ended }
  }

  /** Starts the service and waits until it serves. */
  async start(options: RunOptions = {}): Promise<RunningRenewd> {
    const before = this.events('service-started').length
    const running = this.run(options)
    await this.until(() => {
      if (running.child.exitCode !== null) throw new Error(running.errors() || running.output())
      return this.events('service-started').length > before
    })
    return running
  }

  /** Lines of `events.log` with this word, without the time. */
  events(word: string): string[] {
    let text = ''
    try {
      text = readFileSync(this.paths.eventsLog, 'utf8')
    } catch {
      return []
    }
    const lines = text.split('\n').map((line) => line.slice(line.indexOf(' ') + 1))
    return lines.filter((line) => line.split(' ')[0] === word)
  }

  /** Files below the VO directory that a writer left half-way. */
  leftovers(): string[] {
    const names = readdirSync(this.paths.directory, { recursive: true, encoding: 'utf8' })
    return names.filter((name) => /temporary|\.new$|\.tmp$/.test(name))
  }

  /** The pid file that root writes. */
  get systemPidFile(): string {
    return `/var/run/vobox_${this.vo}_renewd.pid`
  }

  /** Removes what lies outside the directory. */
  cleanUp(): void {
    rmSync(this.systemPidFile, { force: true })
  }

  mode(fileName: string): number {
    return statSync(this.repository.path(fileName)).mode & 0o777
  }

  async until(holds: () => boolean | Promise<boolean>, deadlineMs = 90_000): Promise<void> {
    const end = performance.now() + deadlineMs
    while (!(await holds())) {
      if (performance.now() > end) throw new Error(`nothing happened within ${deadlineMs} ms`)
      await sleep(20)
    }
  }
}
