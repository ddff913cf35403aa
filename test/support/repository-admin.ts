/** Debian's `myproxy-admin-*` programs on a store that a server of ours uses. */
import { chmod, chown, readdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { spawnSync } from './bounded.js'
import { findProgram } from './programs.js'

/** For `describeWithPrograms`. */
export const ADMIN_PROGRAMS = [
  'myproxy-admin-query',
  'myproxy-admin-load-credential',
  'myproxy-admin-change-pass',
]

export interface AdminResult {
  exitCode: number | null
  /** What it printed, to both. */
  said: string
}

/** Runs one of them on `store`. */
export function admin(
  program: string,
  store: string,
  args: readonly string[],
  { input = '', trustDirectory = '/nonexistent' } = {},
): AdminResult {
  const { status, stdout, stderr } = spawnSync(
    findProgram(program) ?? program,
    ['-s', store, ...args],
    { input, encoding: 'utf8', env: { PATH: process.env.PATH, X509_CERT_DIR: trustDirectory } },
  ) as { status: number | null; stdout: string; stderr: string }
  return { exitCode: status, said: `${stdout}${stderr}` }
}

/**
 * `myproxy-admin-load-credential`. Run by root it becomes the user `myproxy` of Debian's package and
 * wants the store to be that user's; for root the store is lent to it.
 */
export async function adminLoad(store: string, args: readonly string[]): Promise<AdminResult> {
  const load = () => admin('myproxy-admin-load-credential', store, args)
  if (process.getuid?.() !== 0) return load()
  const { stdout } = spawnSync('id', ['-u', 'myproxy'], { encoding: 'utf8' }) as { stdout: string }
  const uid = Number.parseInt(stdout, 10)
  if (Number.isNaN(uid)) return load()
  await chmod(dirname(store), 0o711)
  await chown(store, uid, 0)
  try {
    return load()
  } finally {
    for (const name of await readdir(store)) await chown(join(store, name), 0, 0)
    await chown(store, 0, 0)
  }
}
