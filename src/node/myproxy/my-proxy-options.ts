/** What a {@link MyProxyClient} is opened with, and what is made of it. */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import type { Config } from '../../config/config.js'
import type { Attempt } from '../../gsi/reach.js'
import type { MyProxyContext } from '../../myproxy/client.js'
import { type MyProxyServer, parseServerList } from '../../myproxy/server-list.js'
import { type Journal, silentJournal } from '../../ports/journal.js'
import type { KeyGenerator, KeyKind } from '../../ports/key-generator.js'
import { isRoot } from '../compose/become-owner.js'
import { readEffectiveConfig } from '../compose/compose-config.js'
import { currentUid } from '../compose/compose-login.js'
import { trustDirectoryOf, trustFor } from '../compose/trust-directory.js'
import { systemClock } from '../ports/clock.js'
import { nodeDialer } from '../ports/dialer.js'
import { nodeFiles } from '../ports/files.js'
import { KeyPool } from '../ports/key-pool.js'

/** With which servers, trust and deadlines a client works; all but `environment` can be left out. */
export interface OpenMyProxyOptions {
  /**
   * Tried strictly in this order. Text is as in `$MYPROXY_SERVER`: comma-separated, each `host`,
   * `host:port` or `[IPv6]:port`. Absent: `$MYPROXY_SERVER`, else the configuration's.
   */
  servers?: string | readonly MyProxyServer[] | undefined
  /** Where text names none. Absent: `$MYPROXY_SERVER_PORT`, else the configuration's, else 7512. */
  port?: number | undefined
  /**
   * `X509_CERT_DIR`, `MYPROXY_SERVER`, `MYPROXY_SERVER_PORT`, `MYPROXY_SERVER_DN`, `HOME` and
   * `VOBOX_PROXY_CONFIG` are looked at.
   */
  environment: Readonly<Record<string, string | undefined>>
  /** Absent: `$VOBOX_PROXY_CONFIG`, else `/etc/vobox-proxy/config.toml`, which need not exist. */
  configFile?: string | undefined
  /**
   * Hashed CA directory. Absent: `$X509_CERT_DIR`, else `~/.globus/certificates` where that is (never
   * for root), else the configuration's.
   */
  trustDirectory?: string | undefined
  /** Server DN, in one-line form, that is expected instead of the host's name. */
  serverDn?: string | undefined
  /** Kind of the keys of proxies that are fetched; default `rsa2048`. */
  keyKind?: KeyKind | undefined
  /** Makes those keys; default: each when the server has said yes. */
  keys?: KeyGenerator | undefined
  /** Deadline for TCP and again for TLS, each address, in milliseconds; default 5000. */
  connectMs?: number | undefined
  /** Deadline for each answer, in milliseconds; default 30,000. */
  exchangeMs?: number | undefined
  /** Told of each try to reach a server as it ends, in that order: what `-v` shows. */
  onAttempt?: ((attempt: Attempt) => void) | undefined
  /** Cancels whatever is under way. */
  signal?: AbortSignal | undefined
  /** Default: no log. */
  journal?: Journal | undefined
}

/** @throws VoboxError `CONFIG_INVALID`, `SERVER_LIST_INVALID`. */
export async function contextOf(
  options: OpenMyProxyOptions,
): Promise<{ context: MyProxyContext; servers: readonly MyProxyServer[] }> {
  const { environment, configFile, journal = silentJournal } = options
  const config = await readEffectiveConfig(nodeFiles, environment, currentUid(), configFile)
  const { myproxy, limits } = config
  const directory = options.trustDirectory ?? (await trustPlaceOf(environment, config))
  const settings = { trust: { ...config.trust, directory } }
  const context: MyProxyContext = {
    dialer: nodeDialer,
    clock: systemClock,
    journal,
    keys: options.keys ?? new KeyPool({ kind: options.keyKind ?? 'rsa2048', size: 0 }),
    keyKind: options.keyKind ?? 'rsa2048',
    anchors: () => trustDirectoryOf(settings).current(),
    anchorsFor: trustFor(settings),
    connectMs: options.connectMs ?? myproxy.connectSeconds * 1000,
    answerMs: options.exchangeMs ?? myproxy.answerSeconds * 1000,
    tlsMaxVersion: myproxy.tlsMaxVersion,
    allowSha1Challenge: myproxy.allowSha1Challenge,
    serverDn: options.serverDn ?? myproxy.serverDn,
    maxDelegationDepth: limits.maxDelegationDepth,
    allowLegacyProxies: config.trust.allowLegacyProxies,
  }
  return { context, servers: serversOf(options, config) }
}

function serversOf(
  { servers, port }: OpenMyProxyOptions,
  { myproxy }: Config,
): readonly MyProxyServer[] {
  if (typeof servers === 'object') return servers
  return parseServerList(servers ?? myproxy.servers, port ?? myproxy.port)
}

/** The order of Globus: the environment, the user's own, the system's. */
export async function trustPlaceOf(
  environment: OpenMyProxyOptions['environment'],
  { trust }: Config,
): Promise<string> {
  if (environment.X509_CERT_DIR || isRoot()) return resolve(trust.directory)
  const own = join(environment.HOME || homedir(), '.globus', 'certificates')
  const facts = await nodeFiles.facts(own)
  return facts?.kind === 'directory' ? own : resolve(trust.directory)
}
