/** A VO on a real disk with its jobs served on a real socket, within this process. */
import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type OpenJobs, openJobs } from '../../src/node/compose/compose-jobs.js'
import { openVoForRenewing } from '../../src/node/compose/compose-register.js'
import { type Credential, encodeCredential } from '../../src/proxy/credential.js'
import { addProxy, type ProxyOptions, TestAuthority } from './pki.js'
import { writeTrustDirectory } from './pki-files.js'
import { makeTemporaryDirectory } from './temporary-directory.js'

/** @param settings more of the configuration. */
export async function startJobBox(settings = '') {
  const { path: directory, remove } = await makeTemporaryDirectory()
  chmodSync(directory, 0o700)
  const ca = new TestAuthority()
  const trust = await writeTrustDirectory(directory, ca)
  const root = join(directory, 'root')
  mkdirSync(join(root, 'alice'), { recursive: true, mode: 0o750 })
  const configFile = join(directory, 'config.toml')
  const config = `[trust]\ndirectory = "${trust}"\n[mail]\ntransport = "none"\n[jobs]\nenabled = true\n`
  writeFileSync(configFile, `${config}${settings}`, { mode: 0o644 })
  const options = { vo: 'alice', root, configFile, environment: {} }
  const vo = await openVoForRenewing(options)
  let served: OpenJobs | undefined
  const users = new Map<string, Credential>()

  return {
    directory,
    ca,
    vo,
    /** For what opens the VO itself. */
    options,
    async start(): Promise<void> {
      served = await openJobs(vo)
    },
    async stop(): Promise<void> {
      await served?.close()
      served = undefined
    },
    async close(): Promise<void> {
      await this.stop()
      vo.close()
      await remove()
    },
    proxyOf(name: string, options: ProxyOptions = {}): Credential {
      const user = users.get(name) ?? ca.issueUser(name)
      users.set(name, user)
      return addProxy(user, { hours: 10, ...options })
    },
    /** Puts a proxy into a file; its path. */
    put(name: string, proxy: Credential): string {
      const path = join(directory, name)
      writeFileSync(path, encodeCredential(proxy), { mode: 0o600 })
      return path
    },
  }
}

export type JobBox = Awaited<ReturnType<typeof startJobBox>>
