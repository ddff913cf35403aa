/**
 * Debian's VOMS server on loopback, with its database, beside a {@link RealGrid}.
 *
 *     const grid = await startRealGrid()
 *     const voms = await startRealVoms(grid)       // in beforeAll; the caller calls voms.stop(), then grid.stop()
 *     await voms.run('voms-proxy-init2', ['-voms', 'alice:/alice/Role=lcgadmin'], { as: grid.users.alice })
 *
 * The database listens on a Unix socket alone and checks no passwords: its directory is 0700. The
 * server would listen on every address; a preloaded `bind` (`loopback-bind.c`) keeps it on loopback.
 */
import type { ChildProcess } from 'node:child_process'
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { canConnect, endGroup, startForLife, until } from './life-process.js'
import type { GridIdentity, ProgramResult, RealGrid, RunOptions } from './real-peers.js'
import {
  type Database,
  databaseOf,
  fillDatabases,
  membership,
  type RealVo,
  startDatabase,
  VOS,
} from './real-voms-database.js'
import { deadPort } from './scripted-peer.js'

/** What {@link startRealVoms} needs, besides what the grid needs; for `describeWithPrograms`. */
export const VOMS_PROGRAMS = [
  'voms',
  'mariadbd',
  'mariadb',
  'gcc',
  'setpriv',
  'voms-proxy-init2',
  'voms-proxy-info2',
  'voms-proxy-init3',
  'voms-proxy-info3',
  'arcproxy',
] as const

export type { RealVo } from './real-voms-database.js'

export interface RealVoms {
  /** Directory of `vomses` files; in both, `$VOMS_USERCONF` and `$X509_VOMS_DIR` of {@link run}. */
  vomses: string
  /** Directory of `VO/HOST.lsc` files. */
  vomsdir: string
  /** Port of a VO's server, on `localhost`. */
  ports: Readonly<Record<RealVo, number>>
  /** Subject DN of the servers, in one-line form: that of `grid.hosts.server`. */
  serverDn: string
  /** `VOMS_USERCONF` and `X509_VOMS_DIR`. */
  env: Readonly<Record<string, string>>
  /** `grid.run` with {@link env}. */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<ProgramResult>
  /** Runs SQL in the database of a VO and returns what it printed. */
  sql(vo: RealVo, statement: string): Promise<string>
  /** Takes a role, or without one the membership of a group, away from alice. */
  revoke(vo: RealVo, group: string, role?: string): Promise<void>
  /** Gives it (back). */
  grant(vo: RealVo, group: string, role?: string): Promise<void>
  /** Suspends alice; undefined: no longer. */
  suspend(vo: RealVo, reason: string | undefined): Promise<void>
  /** Stops the server of one VO, or starts it again on the same port. */
  stopServer(vo: RealVo): Promise<void>
  startServer(vo: RealVo): Promise<void>
  /** The log of a VO's server. */
  log(vo: RealVo): Promise<string>
  /** Ends servers and database. Their files go with the grid's directory. */
  stop(): Promise<void>
}

const PLUGIN = '/usr/lib/voms/libvomsmysql.so'

/** Starts database and servers: about two seconds. */
export async function startRealVoms(grid: RealGrid): Promise<RealVoms> {
  const directory = join(grid.directory, 'voms')
  await mkdir(directory, { mode: 0o700 })
  const database = await startDatabase(directory)
  try {
    const [bind] = await Promise.all([compileBind(directory), fillDatabases(grid, database)])
    const ports = {} as Record<RealVo, number>
    for (const vo of VOS) ports[vo] = await deadPort()
    const servers = new VomsServers(grid, directory, database.socket, bind, ports)
    try {
      await Promise.all(VOS.map((vo) => servers.start(vo)))
      return await describeVoms(grid, directory, database, servers)
    } catch (error) {
      await servers.stopAll()
      throw error
    }
  } catch (error) {
    await database.stop()
    throw error
  }
}

async function describeVoms(
  grid: RealGrid,
  directory: string,
  database: Database,
  servers: VomsServers,
): Promise<RealVoms> {
  const { ports } = servers
  const { vomses, vomsdir } = await writeClientFiles(grid, directory, ports)
  const env = { VOMS_USERCONF: vomses, X509_VOMS_DIR: vomsdir }
  const member = (group: string, role?: string) =>
    `userid = 1 AND gid = (SELECT gid FROM \`groups\` WHERE dn = '${group}') AND ` +
    (role === undefined ? 'rid IS NULL' : `rid = (SELECT rid FROM roles WHERE role = '${role}')`)
  return {
    vomses,
    vomsdir,
    ports,
    serverDn: grid.hosts.server.dn,
    env,
    run: (program, args, options = {}) =>
      grid.run(program, args, { ...options, env: { ...env, ...options.env } }),
    sql: (vo, statement) => database.sql(statement, databaseOf(vo)),
    async revoke(vo, group, role) {
      await database.sql(`DELETE FROM m WHERE ${member(group, role)}`, databaseOf(vo))
    },
    async grant(vo, group, role) {
      await database.sql(membership(1, group, role), databaseOf(vo))
    },
    async suspend(vo, reason) {
      const value =
        reason === undefined ? '0, suspended_reason = NULL' : `1, suspended_reason = '${reason}'`
      await database.sql(
        `UPDATE certificate SET suspended = ${value} WHERE usr_id = 1`,
        databaseOf(vo),
      )
    },
    stopServer: (vo) => servers.stop(vo),
    startServer: (vo) => servers.start(vo),
    log: (vo) => readFile(servers.logOf(vo), 'utf8'),
    async stop() {
      await servers.stopAll()
      await database.stop()
    },
  }
}

/** `vomses` and `vomsdir` as a client's machine has them. */
async function writeClientFiles(
  grid: RealGrid,
  directory: string,
  ports: Readonly<Record<RealVo, number>>,
): Promise<{ vomses: string; vomsdir: string }> {
  const vomses = join(directory, 'vomses')
  const vomsdir = join(directory, 'vomsdir')
  const { dn } = grid.hosts.server
  await mkdir(vomses, { mode: 0o755 })
  for (const vo of VOS) {
    const line = [vo, 'localhost', ports[vo], dn, vo].map((field) => `"${field}"`).join(' ')
    await writeFile(join(vomses, `${vo}-localhost`), `${line}\n`, { mode: 0o644 })
    await mkdir(join(vomsdir, vo), { recursive: true, mode: 0o755 })
    const lsc = `${dn}\n${grid.ca.name.oneLine}\n`
    await writeFile(join(vomsdir, vo, 'localhost.lsc'), lsc, { mode: 0o644 })
  }
  return { vomses, vomsdir }
}

async function compileBind(directory: string): Promise<string> {
  const library = join(directory, 'loopback-bind.so')
  const source = join(process.cwd(), 'test', 'support', 'loopback-bind.c')
  await execa('gcc', ['-shared', '-fPIC', '-o', library, source, '-ldl'], { timeout: 60_000 })
  return library
}

/** One process a VO, as on a real VOMS host. */
class VomsServers {
  readonly ports: Readonly<Record<RealVo, number>>
  readonly #identity: GridIdentity
  readonly #trustDirectory: string
  readonly #directory: string
  readonly #socket: string
  readonly #bind: string
  readonly #running = new Map<RealVo, ChildProcess>()

  constructor(
    grid: RealGrid,
    directory: string,
    socket: string,
    bind: string,
    ports: Readonly<Record<RealVo, number>>,
  ) {
    this.#identity = grid.hosts.server
    this.#trustDirectory = grid.trustDirectory
    this.#directory = directory
    this.#socket = socket
    this.#bind = bind
    this.ports = ports
  }

  logOf(vo: RealVo): string {
    return join(this.#directory, `${vo}.log`)
  }

  async start(vo: RealVo): Promise<void> {
    const passFile = join(this.#directory, 'voms.pass')
    // It insists on this mode.
    await writeFile(passFile, 'unused\n')
    await chmod(passFile, 0o640)
    const port = this.ports[vo]
    const child = startForLife('voms', this.#arguments(vo, passFile), {
      PATH: process.env.PATH ?? '/usr/bin:/bin',
      LD_PRELOAD: this.#bind,
      // For attributes that a client carries already: they narrow what it gets.
      X509_VOMS_DIR: join(this.#directory, 'vomsdir'),
    })
    this.#running.set(vo, child)
    await until('voms', child, () => canConnect(port))
  }

  async stop(vo: RealVo): Promise<void> {
    const child = this.#running.get(vo)
    this.#running.delete(vo)
    if (child !== undefined) await endGroup(child)
  }

  async stopAll(): Promise<void> {
    await Promise.all(VOS.map((vo) => this.stop(vo)))
  }

  #arguments(vo: RealVo, passFile: string): string[] {
    const { certificatePath, keyPath } = this.#identity
    const port = String(this.ports[vo])
    return Object.entries({
      vo,
      port,
      uri: `localhost:${port}`,
      logfile: this.logOf(vo),
      loglevel: '4',
      passfile: passFile,
      dbname: databaseOf(vo),
      username: 'voms',
      'mysql-socket': this.#socket,
      sqlloc: PLUGIN,
      timeout: '604800',
      x509_cert_dir: this.#trustDirectory,
      x509_user_cert: certificatePath,
      x509_user_key: keyPath,
      socktimeout: '30',
    })
      .flatMap(([name, value]) => [`-${name}`, value])
      .concat('-debug')
  }
}
