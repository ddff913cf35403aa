/** The database of Debian's VOMS server, and who is granted what in it: see `real-voms.ts`. */
import { access, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { endGroup, startForLife, until } from './life-process.js'
import { findProgram } from './programs.js'
import type { RealGrid } from './real-peers.js'

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

export const VOS = Object.keys(GRANTS) as RealVo[]
const SCHEMA = '/usr/share/voms/voms-mysql.data'

/** A MariaDB on a Unix socket, with the tables of Debian's VOMS server for each VO. */
export interface Database {
  socket: string
  sql(statements: string, database?: string): Promise<string>
  stop(): Promise<void>
}

/** An empty directory is all that InnoDB needs; without grant tables there are no passwords to set up. */
export async function startDatabase(directory: string): Promise<Database> {
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

export async function fillDatabases(grid: RealGrid, database: Database): Promise<void> {
  const schema = await readFile(SCHEMA, 'utf8')
  const statements = VOS.map((vo) => {
    const name = databaseOf(vo)
    return `CREATE DATABASE ${name};\nUSE ${name};\n${schema}\n${contentOf(grid, GRANTS[vo])}`
  })
  await database.sql(statements.join('\n'))
}

export const databaseOf = (vo: RealVo) => `voms_${vo.replace(/\W/g, '_')}`

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

export function membership(userId: number, group: string, role?: string): string {
  const rid = role === undefined ? 'NULL' : `(SELECT rid FROM roles WHERE role = '${role}')`
  const gid = `(SELECT gid FROM \`groups\` WHERE dn = '${group}')`
  return `INSERT INTO m (userid, gid, rid, cid) VALUES (${userId}, ${gid}, ${rid}, NULL)`
}
