/**
 * The composition root: everything that a command or the service needs for one VO, from the real
 * ports and the effective configuration.
 */
import { hostname } from 'node:os'
import { resolve } from 'node:path'
import type { Config } from '../../config/config.js'
import { type VoPaths, voPaths } from '../../config/vo-paths.js'
import { Circuit } from '../../gsi/circuit.js'
import type { MyProxyContext } from '../../myproxy/client.js'
import { type Journal, silentJournal } from '../../ports/journal.js'
import { JsonRegistry } from '../../registry/json-registry.js'
import { myProxySource, type RenewalContext, vomsSource } from '../../renewal/context.js'
import { FileEventLog } from '../../renewal/events.js'
import { GrantMemory } from '../../renewal/grant-memory.js'
import { MachineProxyFile } from '../../renewal/machine-proxy-file.js'
import { PassPhraseFiles } from '../../renewal/pass-phrase-file.js'
import { ProxyRepository } from '../../repository/proxy-repository.js'
import type { VomsContext } from '../../voms/voms-context.js'
import type { VomsDirectory } from '../../voms/voms-directory.js'
import { CertificateCache } from '../../x509/certificate-cache.js'
import type { TrustDirectory } from '../../x509/trust-anchors.js'
import { systemClock } from '../ports/clock.js'
import { nodeDialer } from '../ports/dialer.js'
import { nodeFiles } from '../ports/files.js'
import { KeyPool } from '../ports/key-pool.js'
import { systemRandom } from '../ports/random.js'
import { becomeVoOwner } from './become-owner.js'
import { readEffectiveConfig } from './compose-config.js'
import { currentUid, placeOfLoginProxy, voOfLogin } from './compose-login.js'
import { chooseVoDirectory, type VoDirectory, voOfOwner } from './compose-vo.js'
import { vomsContextOf, vomsDirectoryOf } from './compose-voms.js'
import { trustDirectoryOf } from './trust-directory.js'

export interface OpenVoOptions {
  /** Absent: that of the login proxy's attributes, or the only VO that has a directory. */
  vo?: string | undefined
  /** Of several, the only one whose admin the caller is, whatever the login proxy says; default false. */
  own?: boolean | undefined
  /** Path of the login proxy; absent: where the environment has it. */
  loginProxy?: string | undefined
  /** Root of the VO directories; absent: as configured. */
  root?: string | undefined
  /** `--config`. */
  configFile?: string | undefined
  environment: Readonly<Record<string, string | undefined>>
  /** Default: no log. */
  journal?: Journal | undefined
  /** Make keys in advance, and remember servers that do not answer; default false. */
  asService?: boolean | undefined
}

/**
 * Certificates of users, hosts and CAs that are known from before: enough for the burst under way, and
 * 2 MB at most. Proxies pass through it.
 */
const KNOWN_CERTIFICATES = 200

/** One VO, opened. It is also the context of every renewal. */
export interface VoContext extends RenewalContext {
  vo: string
  /** Directory and owner. */
  directory: VoDirectory
  paths: VoPaths
  registry: JsonRegistry
  machineProxyFile: MachineProxyFile
  myproxy: MyProxyContext
  trust: TrustDirectory
  voms: VomsContext
  vomsDirectory: VomsDirectory
  /** Forgets what was read of trust material, so that it is read anew. */
  forgetTrust(): void
  /** Stops what would keep the process alive. */
  close(): void
}

/**
 * Opens a VO. Run as root it becomes the VO admin first, for good: nothing below a directory of
 * theirs is ever touched as root.
 *
 * @throws VoboxError `CONFIG_INVALID`, `VO_UNKNOWN`, `VO_NAME_INVALID`, `VO_DIRECTORY_UNSAFE`.
 */
export async function openVo(options: OpenVoOptions): Promise<VoContext> {
  const { environment, configFile, journal = silentJournal } = options
  const config = await readEffectiveConfig(nodeFiles, environment, currentUid(), configFile)
  const root = options.root ?? config.root
  const { loginProxy } = options
  const login =
    loginProxy === undefined
      ? placeOfLoginProxy(environment, currentUid())
      : { path: resolve(loginProxy), named: true }
  const ofLogin = async () =>
    (options.own ? await voOfOwner(nodeFiles, root, currentUid()) : undefined) ??
    voOfLogin(nodeFiles, login)
  const directory = await chooseVoDirectory(nodeFiles, root, options.vo, ofLogin)
  await becomeVoOwner(nodeFiles, directory.path)

  const paths = voPaths(root, directory.vo)
  const owners = [directory.uid]
  const clock = systemClock
  const base = { clock, files: nodeFiles, random: systemRandom, journal, config }
  const trust = trustDirectoryOf(config, clock)
  const asService = options.asService === true
  const keys = new KeyPool({ kind: config.keys.kind, size: asService ? config.keys.pool : 0 })
  const circuit = asService ? new Circuit({ clock, journal }) : undefined
  const certificates = new CertificateCache(KNOWN_CERTIFICATES)
  const myproxy = { ...myProxyContext(config, journal, trust, keys), circuit, certificates }
  const vomsDirectory = vomsDirectoryOf(config, clock)
  const voms = {
    ...vomsContextOf(config, { journal, keys, anchors: () => trust.current() }),
    circuit,
  }
  const machineProxyFile = new MachineProxyFile({
    files: nodeFiles,
    clock,
    vo: directory.vo,
    path: paths.machineProxy,
    owners: [0, ...owners],
  })
  const passPhrases = new PassPhraseFiles({ files: nodeFiles, owners: [0, ...owners] })
  return {
    ...base,
    keys,
    vo: directory.vo,
    directory,
    paths,
    trust,
    myproxy,
    machineProxyFile,
    registry: new JsonRegistry({ files: nodeFiles, clock, paths }),
    repository: new ProxyRepository({
      files: nodeFiles,
      clock,
      directory: paths.repository,
      owners,
    }),
    certificates,
    source: myProxySource(myproxy, passPhrases),
    passPhrases,
    voms,
    vomsDirectory,
    attributes: vomsSource(voms),
    anchors: () => trust.current(),
    vomsTrust: () => vomsDirectory.current(),
    host: hostname(),
    forgetTrust() {
      trust.invalidate()
      vomsDirectory.invalidate()
      voms.vomses.invalidate()
    },
    machineProxy: () => machineProxyFile.read(),
    events: new FileEventLog({ files: nodeFiles, clock, journal, path: paths.eventsLog }),
    grants: new GrantMemory(),
    close() {
      keys.close()
      circuit?.close()
    },
  }
}

function myProxyContext(
  config: Config,
  journal: Journal,
  trust: TrustDirectory,
  keys: KeyPool,
): MyProxyContext {
  const { connectSeconds, answerSeconds, tlsMaxVersion, allowSha1Challenge, serverDn } =
    config.myproxy
  return {
    dialer: nodeDialer,
    clock: systemClock,
    journal,
    keys,
    keyKind: config.keys.kind,
    anchors: () => trust.current(),
    connectMs: connectSeconds * 1000,
    answerMs: answerSeconds * 1000,
    tlsMaxVersion,
    allowSha1Challenge,
    serverDn,
    maxDelegationDepth: config.limits.maxDelegationDepth,
    allowLegacyProxies: config.trust.allowLegacyProxies,
  }
}
