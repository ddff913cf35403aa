/** A VO on a real disk that registers and renews against a real grid, as `vobox-proxy` would. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readConfig } from '../../src/config/read-config.js'
import { voPaths } from '../../src/config/vo-paths.js'
import { systemClock } from '../../src/node/clock.js'
import { nodeFiles } from '../../src/node/files.js'
import { systemRandom } from '../../src/node/random.js'
import { silentJournal } from '../../src/ports/journal.js'
import { type Credential, encodeCredential } from '../../src/proxy/credential.js'
import { JsonRegistry } from '../../src/registry/json-registry.js'
import { myProxySource } from '../../src/renewal/context.js'
import { FileEventLog } from '../../src/renewal/events.js'
import { GrantMemory } from '../../src/renewal/grant-memory.js'
import { MachineProxyFile } from '../../src/renewal/machine-proxy-file.js'
import type { RegisterContext, RegisterRequest } from '../../src/renewal/register.js'
import { ProxyRepository } from '../../src/repository/proxy-repository.js'
import { addProxy } from './pki.js'
import type { GridIdentity, RealGrid } from './real-peers.js'
import { realContext } from './renewal-grid.js'

export interface RealRegistering {
  context: RegisterContext
  /** Names the login proxy and the caller; nothing else. */
  request: RegisterRequest
  /** Puts a login proxy where the request finds it. */
  login(credential: Credential): Promise<void>
}

/** The machine proxy is the `vobox` host's unless another is given. */
export async function realRegistering(
  grid: RealGrid,
  machine: GridIdentity = grid.hosts.vobox,
): Promise<RealRegistering> {
  const uid = process.getuid?.() ?? 0
  const root = join(grid.directory, 'vo-root')
  const paths = voPaths(root, 'alice')
  await mkdir(paths.repository, { recursive: true, mode: 0o700 })
  await mkdir(paths.log, { recursive: true })
  const machineProxy = addProxy(machine.credential, { key: 'rsa2048', pathLength: 0, hours: 24 })
  await writeFile(paths.machineProxy, encodeCredential(machineProxy), { mode: 0o400 })

  const { host, port } = grid.server
  const config = readConfig({
    flags: { root, myproxy: { servers: [`${host}:${port}`] }, keys: { kind: 'p256' } },
  })
  const base = { files: nodeFiles, clock: systemClock, journal: silentJournal }
  const myproxy = realContext(grid)
  const machineProxyFile = new MachineProxyFile({
    ...base,
    vo: 'alice',
    path: paths.machineProxy,
    owners: [uid],
  })
  const proxyFile = join(grid.directory, 'login-proxy')
  return {
    context: {
      ...base,
      vo: 'alice',
      config,
      random: systemRandom,
      registry: new JsonRegistry({ ...base, paths }),
      repository: new ProxyRepository({ ...base, directory: paths.repository, owners: [uid] }),
      source: myProxySource(myproxy),
      anchors: myproxy.anchors,
      machineProxy: () => machineProxyFile.read(),
      events: new FileEventLog({ ...base, path: paths.eventsLog }),
      grants: new GrantMemory(),
      sink: { observe: async () => undefined, forget: async () => undefined },
    },
    request: { proxyFile, callerUid: uid },
    login: (credential) =>
      nodeFiles.replace(proxyFile, encodeCredential(credential), { mode: 0o600 }),
  }
}
