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
import { type ChildProcess, spawn } from 'node:child_process'
import { access, chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { execa } from 'execa'
import { findProgram } from './programs.js'
import type { GridIdentity, ProgramResult, RealGrid, RunOptions } from './real-peers.js'
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

/** The VOs that are served, and what is granted in them at the start. */
export type RealVo = 'alice' | 'bob.example.org'

interface Grants {
  groups: readonly string[]
  roles: readonly string[]
  /** Whom, by user: group, or group and role. `eve` is in no VO. */
  members: Readonly<Record<'alice', readonly (readonly [group: string, role?: string])[]>>
  /** Generic attributes of alice. */
  attributes: Readonly<Record<string, string>>
}

const GRANTS: Readonly<Record<RealVo, Grants>> = {
  alice: {
    groups: ['/alice', '/alice/team', '/alice/other'],
    // There is a role that nobody has.
    roles: ['lcgadmin', 'production'],
    members: { alice: [['/alice'], ['/alice', 'lcgadmin'], ['/alice/team']] },
    attributes: { nickname: 'alice' },
  },
  'bob.example.org': {
    groups: ['/bob.example.org'],
    roles: ['pilot'],
    members: { alice: [['/bob.example.org'], ['/bob.example.org', 'pilot']] },
    attributes: {},
  },
}

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

const VOS = Object.keys(GRANTS) as RealVo[]
const SCHEMA = '/usr/share/voms/voms-mysql.data'
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

interface Database {
  socket: string
  sql(statements: string, database?: string): Promise<string>
  stop(): Promise<void>
}

/** An empty directory is all that InnoDB needs; without grant tables there are no passwords to set up. */
async function startDatabase(directory: string): Promise<Database> {
  const socket = join(directory, 'db.sock')
  const data = join(directory, 'db')
  await mkdir(data, { mode: 0o700 })
  const child = startForLife('mariadbd', [
    '--no-defaults',
    ...(process.getuid?.() === 0 ? ['--user=root'] : []),
    `--datadir=${data}`,
    `--socket=${socket}`,
    `--pid-file=${join(directory, 'db.pid')}`,
    '--skip-networking',
    '--skip-grant-tables',
    '--performance-schema=OFF',
    '--innodb-buffer-pool-size=8M',
    '--innodb-log-file-size=4M',
    // What is in it need not outlive the test.
    '--innodb-flush-method=nosync',
    '--innodb-flush-log-at-trx-commit=0',
    '--innodb-doublewrite=0',
    '--innodb-file-per-table=0',
    '--innodb-use-native-aio=0',
    '--innodb-fast-shutdown=2',
  ])
  const client = findProgram('mariadb') ?? 'mariadb'
  const sql: Database['sql'] = async (statements, database) => {
    const args = ['--no-defaults', '-S', socket, '-N', ...(database ? ['-D', database] : [])]
    return (await execa(client, args, { input: statements, timeout: 30_000 })).stdout
  }
  const stop = () => endGroup(child)
  try {
    await until('mariadbd', child, () => access(socket))
    await until('mariadbd', child, () => sql('SELECT 1'))
    return { socket, sql, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function fillDatabases(grid: RealGrid, database: Database): Promise<void> {
  const schema = await readFile(SCHEMA, 'utf8')
  const statements = VOS.map((vo) => {
    const name = databaseOf(vo)
    return `CREATE DATABASE ${name};\nUSE ${name};\n${schema}\n${contentOf(grid, GRANTS[vo])}`
  })
  await database.sql(statements.join('\n'))
}

const databaseOf = (vo: RealVo) => `voms_${vo.replace(/\W/g, '_')}`

/** Version 3 of the schema has, beside the packaged tables, one of certificates: who is suspended stands there. */
function contentOf(grid: RealGrid, grants: Grants): string {
  const ca = grid.ca.name.oneLine
  const { dn } = grid.users.alice
  return [
    'ALTER TABLE ca ADD subject_string varchar(255)',
    `CREATE TABLE certificate (usr_id bigint, subject_string varchar(255), ca_id smallint,
       suspended bit NOT NULL DEFAULT 0, suspended_reason varchar(255))`,
    'INSERT INTO version VALUES (3)',
    "INSERT INTO seqnumber VALUES ('00')",
    `INSERT INTO ca VALUES (1, '${ca}', 'test', '${ca}')`,
    `INSERT INTO usr VALUES (1, '${dn}', 1, 'alice', 'alice@example.org', '')`,
    `INSERT INTO certificate VALUES (1, '${dn}', 1, 0, NULL)`,
    ...grants.groups.map(
      (group, at) =>
        `INSERT INTO \`groups\` VALUES (${at + 1}, '${group}', 1, ${at === 0 ? 1 : 0})`,
    ),
    ...grants.roles.map((role, at) => `INSERT INTO roles VALUES (${at + 1}, '${role}')`),
    ...grants.members.alice.map(([group, role]) => membership(1, group, role)),
    ...Object.entries(grants.attributes).flatMap(([name, value], at) => [
      `INSERT INTO attributes VALUES (${at + 1}, '${name}', '', 0)`,
      `INSERT INTO usr_attrs VALUES (${at + 1}, 1, '${value}')`,
    ]),
    '',
  ].join(';\n')
}

function membership(userId: number, group: string, role?: string): string {
  const rid = role === undefined ? 'NULL' : `(SELECT rid FROM roles WHERE role = '${role}')`
  const gid = `(SELECT gid FROM \`groups\` WHERE dn = '${group}')`
  return `INSERT INTO m (userid, gid, rid, cid) VALUES (${userId}, ${gid}, ${rid}, NULL)`
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

/**
 * Starts a program as the leader of a process group, so that what it forks ends with it, and with an
 * order to the kernel to end it when we die, however that happens.
 */
function startForLife(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = process.env,
): ChildProcess {
  const path = findProgram(program)
  if (path === undefined) throw new Error(`${program} is not installed`)
  const setpriv = findProgram('setpriv') ?? 'setpriv'
  return spawn(setpriv, ['--pdeathsig', 'TERM', path, ...args], {
    env,
    stdio: 'ignore',
    detached: true,
  })
}

async function endGroup(child: ChildProcess): Promise<void> {
  const { pid } = child
  if (pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const ended = new Promise((resolve) => child.once('exit', resolve))
  const signalGroup = (signal: NodeJS.Signals) => {
    try {
      process.kill(-pid, signal)
    } catch {
      // It is gone already.
    }
  }
  signalGroup('SIGTERM')
  const inTime = await Promise.race([ended.then(() => true), sleep(5000, false)])
  signalGroup('SIGKILL')
  if (!inTime) await ended
}

/** Tries until it works, for at most 20 seconds. */
async function until(
  program: string,
  child: ChildProcess,
  attempt: () => Promise<unknown>,
): Promise<void> {
  let last: unknown
  for (let tries = 0; tries < 1000; tries++) {
    if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}`)
    try {
      await attempt()
      return
    } catch (error) {
      last = error
      await sleep(20)
    }
  }
  throw new Error(`${program} did not start`, { cause: last })
}

function canConnect(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
  })
}
