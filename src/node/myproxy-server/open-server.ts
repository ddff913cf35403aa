/** A MyProxy server with the real ports, as its configuration file has it. */
import type { Config } from '../../config/config.js'
import { isVoboxError } from '../../errors.js'
import { readServerConfig } from '../../myproxy/server/config/read-server-config.js'
import type { ServerConfig } from '../../myproxy/server/config/server-config.js'
import { MyProxyServer } from '../../myproxy/server/server.js'
import type { ServerSettings } from '../../myproxy/server/server-context.js'
import { CredentialRepository } from '../../myproxy/server/store/credential-repository.js'
import type { Journal } from '../../ports/journal.js'
import type { Credential } from '../../proxy/credential.js'
import type { TrustAnchors, TrustDirectory } from '../../x509/trust-anchors.js'
import { isRoot } from '../compose/become-owner.js'
import { readEffectiveConfig } from '../compose/compose-config.js'
import { currentUid } from '../compose/compose-login.js'
import { requireRootOnly } from '../compose/root-only.js'
import { trustDirectoryOf } from '../compose/trust-directory.js'
import { systemClock } from '../ports/clock.js'
import { nodeFiles } from '../ports/files.js'
import { KeyPool } from '../ports/key-pool.js'
import { systemRandom } from '../ports/random.js'
import { composeSettings } from './compose-settings.js'
import type { ServerOptions } from './server-options.js'
import { keysAtOnce } from './thread-pool.js'

type Environment = Readonly<Record<string, string | undefined>>

/** Only who stores by delegation needs a key of ours; a burst of them is short. */
const KEYS_IN_ADVANCE = 8

export interface OpenServer {
  server: MyProxyServer
  trust: TrustDirectory
  /** Stops what would keep the process alive. */
  close(): void
}

export interface SettingsParts {
  options: ServerOptions
  config: ServerConfig
  environment: Environment
  journal: Journal
}

export interface OpenServerParts extends SettingsParts {
  /** What the server shows at first. */
  credential(): Promise<Credential>
  onConnectionEnd?: (() => void) | undefined
}

/** @throws VoboxError `CONFIG_INVALID`, `FILE_UNSAFE`. */
export async function readConfigOf({ configFile: path }: ServerOptions): Promise<ServerConfig> {
  if (isRoot()) requireRootOnlyIfThere(path)
  return readServerConfig(nodeFiles, { path, uid: currentUid() })
}

/** What the server's configuration and the site's say together. */
export async function settingsOf({
  config,
  options: { configFile: path, storageDirectory },
  environment,
  journal,
}: SettingsParts): Promise<{ settings: ServerSettings; site: Config }> {
  const uid = currentUid()
  const site = await readEffectiveConfig(nodeFiles, environment, uid)
  const ports = { files: nodeFiles, clock: systemClock, random: systemRandom, journal }
  const settings = await composeSettings(config, { ...ports, path, storageDirectory, uid })
  const { limits, keys } = site
  const { maxDelegationDepth } = limits
  const { passPhraseCost } = keys
  return { settings: { ...settings, maxDelegationDepth, passPhraseCost }, site }
}

/**
 * Everything but listening.
 *
 * @throws VoboxError for whatever cannot be served with: the configuration, the credential, the CAs.
 */
export async function openServer(parts: OpenServerParts): Promise<OpenServer> {
  const { options, journal, onConnectionEnd } = parts
  const { storageDirectory: directory, host, port } = options
  if (isRoot()) requireRootOnlyIfThere(directory)
  const { settings, site } = await settingsOf(parts)
  const credential = await parts.credential()
  const trust = trustDirectoryOf(site, systemClock)
  // The C server does not start without it either; and the first client need not wait for it.
  sayWhomWeTrust(await trust.current(), site, journal)
  const keys = new KeyPool({
    ...{ kind: 'rsa2048', size: Math.min(site.keys.pool, KEYS_IN_ADVANCE) },
    concurrency: keysAtOnce(),
  })
  const server = new MyProxyServer({
    settings,
    ...(host !== undefined && { host }),
    port,
    credential,
    anchors: () => trust.current(),
    repository: new CredentialRepository({
      ...{ files: nodeFiles, clock: systemClock, journal },
      ...{ directory, owners: [currentUid()] },
    }),
    clock: systemClock,
    random: systemRandom,
    keys,
    journal,
    ...(onConnectionEnd && { onConnectionEnd }),
  })
  return { server, trust, close: () => keys.close() }
}

/** A directory that is filled later is read then. */
function sayWhomWeTrust(anchors: TrustAnchors, { trust }: Config, journal: Journal): void {
  if (anchors.certificates.length > 0) return
  const { directory } = trust
  const message = 'there is no CA certificate, so that no client with a certificate can be served'
  journal.write('warn', 'no-trusted-ca', message, { directory })
}

/** What is not there is said in better words where it is read. */
function requireRootOnlyIfThere(path: string): void {
  try {
    requireRootOnly(path)
  } catch (error) {
    if (!isVoboxError(error, 'FILE_MISSING')) throw error
  }
}
