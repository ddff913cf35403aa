/** An open VO whose registrations are all alice's, and are renewed by a real `myproxy-server`. */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { voPaths } from '../../src/config/vo-paths.js'
import { openVo, type VoContext } from '../../src/node/compose/compose.js'
import { type Credential, encodeCredential } from '../../src/proxy/credential.js'
import type { Registration } from '../../src/registry/registration.js'
import { encodeRegistry } from '../../src/registry/registry-codec.js'
import { renewOne } from '../../src/renewal/renew-one.js'
import type { RealGrid } from '../../test/support/real-peers.js'
import { benchRegistration } from './vo-directory.js'

const LIFETIME_SECONDS = 43_200

export interface RenewalVoOptions {
  count: number
  current: Credential
  machine: Credential
  /** Tried before the grid's own by that registration; default none. */
  serversBefore?: (index: number) => readonly string[]
  /** Make keys in advance and remember dead servers; default false. */
  asService?: boolean
}

const fileNameOf = (index: number) => `user-${index}`

export async function openRenewalVo(grid: RealGrid, options: RenewalVoOptions): Promise<VoContext> {
  const { count, current, machine, serversBefore = () => [] } = options
  const root = join(grid.directory, 'root')
  const paths = voPaths(root, 'alice')
  await mkdir(paths.repository, { recursive: true })
  for (const path of [root, paths.directory]) await chmod(path, 0o750)
  await chmod(paths.repository, 0o700)
  await mkdir(paths.locks, { recursive: true, mode: 0o700 })
  await mkdir(paths.log, { mode: 0o750 })
  await writeFile(paths.machineProxy, encodeCredential(machine), { mode: 0o400 })
  const identity = grid.users.alice.credential.chain[0]?.subject
  if (identity === undefined) throw new TypeError('a user has a certificate')
  const server = `${grid.server.host}:${grid.server.port}`
  const entries = new Map<string, Registration>()
  for (let index = 0; index < count; index++) {
    const fileName = fileNameOf(index)
    await writeFile(join(paths.repository, fileName), encodeCredential(current), { mode: 0o600 })
    const plain = benchRegistration(fileName, identity, server, LIFETIME_SECONDS)
    entries.set(fileName, { ...plain, servers: [...serversBefore(index), server] as [string] })
  }
  await writeFile(paths.registry, encodeRegistry(entries), { mode: 0o600 })
  return openVo({
    vo: 'alice',
    root,
    environment: { X509_CERT_DIR: grid.trustDirectory, HOME: grid.directory },
    asService: options.asService,
  })
}

/** Renews one of them, due or not; throws unless that worked. */
export async function renewNow(vo: VoContext, index: number): Promise<void> {
  const outcome = await renewOne(vo, fileNameOf(index), { force: true })
  if (outcome.kind !== 'renewed') {
    throw new Error(`renewal ${index}: ${JSON.stringify(outcome)}`)
  }
}
