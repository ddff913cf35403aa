/** A VO directory with any number of registrations, each with a proxy that lives for two days. */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { voPaths } from '../../src/config/vo-paths.js'
import { encodeCredential } from '../../src/proxy/credential.js'
import type { Registration } from '../../src/registry/registration.js'
import { encodeRegistry } from '../../src/registry/registry-codec.js'
import { proxyFileName } from '../../src/repository/proxy-file-name.js'
import type { Name } from '../../src/x509/name.js'
import { addProxy, realNow, TestAuthority } from '../../test/support/pki.js'
import { writeTrustDirectory } from '../../test/support/pki-files.js'

export interface BenchVo {
  root: string
  vo: string
  /** Identity DN of each registration. */
  dns: readonly string[]
  files: readonly string[]
  /** Environment that makes the programs use it. */
  env: NodeJS.ProcessEnv
}

/** A registration that is renewed only when it must be. */
export function benchRegistration(
  fileName: string,
  identity: Name,
  server: string,
  lifetimeSeconds: number,
): Registration {
  const now = realNow()
  return {
    fileName,
    identity: identity.oneLine,
    identityDer: Buffer.from(identity.der).toString('base64'),
    servers: [server],
    lifetimeSeconds,
    refreshSeconds: null,
    proxySafeSeconds: 3600,
    myproxySafeSeconds: 864_000,
    email: null,
    voms: [],
    allowLimited: false,
    allowPartial: false,
    registeredAt: now,
    updatedAt: now,
  }
}

/** Makes `count` registrations of users `user0` … below `directory`. */
export async function makeBenchVo(directory: string, count: number): Promise<BenchVo> {
  const root = join(directory, `root-${count}`)
  const paths = voPaths(root, 'alice')
  await mkdir(paths.repository, { recursive: true, mode: 0o700 })
  for (const path of [root, paths.directory, paths.repository]) await chmod(path, 0o750)
  await chmod(paths.repository, 0o700)
  const ca = new TestAuthority()
  const trust = await writeTrustDirectory(join(directory, `trust-${count}`), ca)
  const machine = addProxy(ca.issueHost('vobox.example.org'), { hours: 24, pathLength: 0 })
  await writeFile(paths.machineProxy, encodeCredential(machine), { mode: 0o400 })

  const entries = new Map<string, Registration>()
  const files: string[] = []
  for (let index = 0; index < count; index++) {
    const user = ca.issueUser(`user${index}`)
    const identity = user.chain[0]?.subject
    if (identity === undefined) throw new TypeError('a user has a certificate')
    const fileName = proxyFileName(identity.oneLine, undefined)
    const file = join(paths.repository, fileName)
    await writeFile(file, encodeCredential(addProxy(user, { hours: 48 })), { mode: 0o600 })
    files.push(file)
    entries.set(fileName, benchRegistration(fileName, identity, 'localhost:9', 172_800))
  }
  await writeFile(paths.registry, encodeRegistry(entries), { mode: 0o600 })
  return {
    root,
    vo: 'alice',
    dns: [...entries.values()].map(({ identity }) => identity),
    files,
    env: {
      PATH: process.env.PATH,
      HOME: directory,
      VOBOX_PROXY_ROOT: root,
      X509_CERT_DIR: trust,
      X509_USER_PROXY: files[0],
    },
  }
}
