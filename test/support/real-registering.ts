/** A VO on a real disk that registers and renews against a real grid, as `vobox-proxy` would. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { readConfig } from '../../src/config/read-config.js'
import { voPaths } from '../../src/config/vo-paths.js'
import { systemClock } from '../../src/node/ports/clock.js'
import { nodeFiles } from '../../src/node/ports/files.js'
import { KeyPool } from '../../src/node/ports/key-pool.js'
import { systemRandom } from '../../src/node/ports/random.js'
import { silentJournal } from '../../src/ports/journal.js'
import { type Credential, encodeCredential } from '../../src/proxy/credential.js'
import { JsonRegistry } from '../../src/registry/json-registry.js'
import { myProxySource, vomsSource } from '../../src/renewal/context.js'
import { FileEventLog } from '../../src/renewal/events.js'
import { GrantMemory } from '../../src/renewal/grant-memory.js'
import { MachineProxyFile } from '../../src/renewal/machine-proxy-file.js'
import { PassPhraseFiles } from '../../src/renewal/pass-phrase-file.js'
import type { RegisterContext, RegisterRequest } from '../../src/renewal/registering/register.js'
import { ProxyRepository } from '../../src/repository/proxy-repository.js'
import { VomsDirectory } from '../../src/voms/voms-directory.js'
import { VomsesFiles } from '../../src/voms/vomses-files.js'
import { documentedOnly } from './documented-events.js'
import { dialerWithNames } from './myproxy-context.js'
import { addProxy, testKey } from './pki.js'
import type { GridIdentity, RealGrid } from './real-peers.js'
import type { RealVoms } from './real-voms.js'
import { realContext } from './renewal-grid.js'

export interface RealRegistering {
  context: RegisterContext
  /** Names the login proxy and the caller; nothing else. */
  request: RegisterRequest
  /** Puts a login proxy where the request finds it. */
  login(credential: Credential): Promise<void>
}

export interface RealRegisteringOptions {
  /** Whose machine proxy; default: the `vobox` host's. */
  machine?: GridIdentity
  /** Kind of all keys that we make; default P-256. */
  keys?: 'p256' | 'rsa2048'
  tlsMaxVersion?: 'TLSv1.2' | 'TLSv1.3'
  /** What the server's name resolves to; default 127.0.0.1. */
  addresses?: readonly string[]
  /** Below the grid's directory; two VOs need two. */
  name?: string
  /** VOMS servers beside the grid; default: none is known. */
  voms?: Pick<RealVoms, 'vomses' | 'vomsdir'>
}

export async function realRegistering(
  grid: RealGrid,
  options: RealRegisteringOptions = {},
): Promise<RealRegistering> {
  const { machine = grid.hosts.vobox, keys = 'p256', tlsMaxVersion = 'TLSv1.2' } = options
  const voms = options.voms ?? { vomsdir: '/nonexistent', vomses: '/nonexistent' }
  const uid = process.getuid?.() ?? 0
  const root = join(grid.directory, options.name ?? 'vo-root')
  const paths = voPaths(root, 'alice')
  await mkdir(paths.repository, { recursive: true, mode: 0o700 })
  await mkdir(paths.log, { recursive: true })
  const machineProxy = addProxy(machine.credential, { key: keys, pathLength: 0, hours: 24 })
  await writeFile(paths.machineProxy, encodeCredential(machineProxy), { mode: 0o400 })

  const { host, port } = grid.server
  const config = readConfig({
    flags: {
      root,
      myproxy: { servers: [`${host}:${port}`] },
      keys: { kind: keys },
      voms: { directory: voms.vomsdir, vomses: [voms.vomses] },
    },
  })
  const base = { files: nodeFiles, clock: systemClock, journal: silentJournal }
  const myproxy = {
    ...realContext(grid),
    tlsMaxVersion,
    dialer: dialerWithNames({ [host]: options.addresses ?? ['127.0.0.1'] }),
    keys: new KeyPool({ kind: keys, size: 0 }),
    keyKind: keys,
  }
  const vomsContext = {
    ...myproxy,
    random: systemRandom,
    vomses: new VomsesFiles(nodeFiles, systemClock, config.voms.vomses),
  }
  const vomsDirectory = new VomsDirectory(nodeFiles, systemClock, config.voms.directory)
  const machineProxyFile = new MachineProxyFile({
    ...base,
    vo: 'alice',
    path: paths.machineProxy,
    owners: [uid],
  })
  const passPhrases = new PassPhraseFiles({ files: nodeFiles, owners: [0, uid] })
  const proxyFile = join(grid.directory, 'login-proxy')
  return {
    context: {
      ...base,
      vo: 'alice',
      keys: { generate: async () => testKey('rsa2048', 'own step') },
      config,
      random: systemRandom,
      registry: new JsonRegistry({ ...base, paths }),
      repository: new ProxyRepository({ ...base, directory: paths.repository, owners: [uid] }),
      source: myProxySource(myproxy, passPhrases),
      passPhrases,
      attributes: vomsSource(vomsContext),
      anchors: myproxy.anchors,
      vomsTrust: () => vomsDirectory.current(),
      host: machine.dn.split('/CN=').at(-1) ?? '',
      machineProxy: () => machineProxyFile.read(),
      events: documentedOnly(new FileEventLog({ ...base, path: paths.eventsLog })),
      grants: new GrantMemory(),
      sink: { observe: async () => undefined, forget: async () => undefined },
    },
    request: { proxyFile, callerUid: uid, noVoms: true },
    login: (credential) =>
      nodeFiles.replace(proxyFile, encodeCredential(credential), { mode: 0o600 }),
  }
}
