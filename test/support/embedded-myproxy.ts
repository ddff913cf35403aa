/**
 * A grid on loopback around the MyProxy server of ours: a CA, users, hosts, the server in this
 * process, and a client of ours. The shape is that of `real-peers.ts`, which runs Debian's server.
 */
import { join } from 'node:path'
import { execa } from 'execa'
import type { MyProxyContext } from '../../src/myproxy/client.js'
import { parseServerConfig } from '../../src/myproxy/server/config/parse-server-config.js'
import type { MyProxyPolicy } from '../../src/myproxy/server/policy/policy.js'
import { MyProxyServer, type MyProxyServerOptions } from '../../src/myproxy/server/server.js'
import type { ServerSettings } from '../../src/myproxy/server/server-context.js'
import { CredentialRepository } from '../../src/myproxy/server/store/credential-repository.js'
import { composeSettings } from '../../src/node/myproxy-server/compose-settings.js'
import { systemClock } from '../../src/node/ports/clock.js'
import { nodeFiles } from '../../src/node/ports/files.js'
import { systemRandom } from '../../src/node/ports/random.js'
import type { Journal } from '../../src/ports/journal.js'
import type { Credential } from '../../src/proxy/credential.js'
import { TrustDirectory } from '../../src/x509/trust-anchors.js'
import { withoutHostCredential } from './host-credential.js'
import { dialerWithNames, myproxyContext } from './myproxy-context.js'
import { TestAuthority, type TestKeyKind, testKey } from './pki.js'
import { writeCredentialPair, writeProxyFile, writeTrustDirectory } from './pki-files.js'
import { findProgram } from './programs.js'
import type { GridIdentity, ProgramResult, RunOptions } from './real-peers.js'
import { makeTemporaryDirectory } from './temporary-directory.js'

export interface JournalEntry {
  level: string
  event: string
  message: string
  fields: Record<string, unknown>
}

export interface EmbeddedGridOptions {
  /**
   * Kind of all end-entity keys; the C programs need `rsa2048`. Default `p256`, which costs
   * nothing.
   */
  key?: TestKeyKind
  /** Lines of a configuration file, behind those that sites have; of the grid's directory. */
  config?: string | ((directory: string) => string | Promise<string>)
  /** Changes to what the configuration says. */
  policy?: MyProxyPolicy
  settings?: Partial<ServerSettings>
  server?: Partial<MyProxyServerOptions>
  /** Most credentials an owner may store; default the repository's own. */
  maxPerOwner?: number
}

export interface EmbeddedGrid {
  directory: string
  ca: TestAuthority
  trustDirectory: string
  storeDirectory: string
  users: Record<'alice' | 'eve', GridIdentity>
  /** `vobox` and `portal` are hosts; the policy lets hosts renew. */
  hosts: Record<'server' | 'vobox' | 'portal', GridIdentity>
  port: number
  /** For the servers parameter of the client. */
  servers: { host: string; port: number }[]
  myproxy: MyProxyContext
  /** What the server logged so far. */
  log: JournalEntry[]
  server: MyProxyServer
  /** What it began with. */
  settings: ServerSettings
  repository: CredentialRepository
  /** Runs a C program against the server. */
  run(program: string, args: readonly string[], options?: RunOptions): Promise<ProgramResult>
  writeProxy(name: string, credential: Credential): Promise<string>
  stop(): Promise<void>
}

/**
 * As sites configure it: hosts may renew what users allow; whoever knows the pass phrase retrieves.
 */
const CONFIG = `accepted_credentials "/DC=org/DC=example/*"
authorized_retrievers "*"
authorized_renewers "/DC=org/DC=example/OU=Hosts/*"
default_renewers "none"
default_trusted_retrievers "none"
`

/** For messages only: the text is never written down. */
const CONFIG_PATH = 'myproxy-server.config'

const HOSTS = { server: 'localhost', vobox: 'vobox.example.org', portal: 'portal.example.org' }

export async function startEmbeddedGrid(options: EmbeddedGridOptions = {}): Promise<EmbeddedGrid> {
  const { path: directory, remove } = await makeTemporaryDirectory()
  const { key = 'p256', config = '' } = options
  const ca = new TestAuthority({ key })
  const trustDirectory = await writeTrustDirectory(directory, ca)
  const identity = async (name: string, credential: Credential): Promise<GridIdentity> => {
    const { cert, key: keyPath } = await writeCredentialPair(directory, name, credential)
    const dn = credential.chain[0]?.subject.oneLine ?? ''
    return { dn, credential, certificatePath: cert, keyPath }
  }
  const users = {
    alice: await identity('alice', ca.issueUser('alice', { key })),
    eve: await identity('eve', ca.issueUser('eve', { key })),
  }
  const hosts = {
    server: await identity('server', ca.issueHost(HOSTS.server, { key, ips: ['127.0.0.1'] })),
    vobox: await identity('vobox', ca.issueHost(HOSTS.vobox, { key })),
    portal: await identity('portal', ca.issueHost(HOSTS.portal, { key })),
  }
  const log: JournalEntry[] = []
  const journal: Journal = {
    write: (level, event, message, fields = {}) => void log.push({ level, event, message, fields }),
  }
  const storeDirectory = join(directory, 'store')
  const uid = process.getuid?.() ?? 0
  const configured = await composeSettings(
    parseServerConfig(
      Buffer.from(CONFIG + (typeof config === 'string' ? config : await config(directory))),
      CONFIG_PATH,
    ),
    {
      ...{ path: CONFIG_PATH, uid, journal, storageDirectory: storeDirectory },
      ...{ files: nodeFiles, clock: systemClock, random: systemRandom },
    },
  )
  const repository = new CredentialRepository({
    files: nodeFiles,
    clock: systemClock,
    journal,
    directory: storeDirectory,
    owners: [uid],
    ...(options.maxPerOwner !== undefined && { maxPerOwner: options.maxPerOwner }),
  })
  const trust = new TrustDirectory(nodeFiles, systemClock, trustDirectory, {
    allowMissingSigningPolicy: false,
  })
  const settings = {
    ...configured,
    // Tests type pass phrases all the time, and guess at none.
    passPhraseCost: 1,
    ...options.settings,
    policy: { ...configured.policy, ...options.policy },
  }
  const server = new MyProxyServer({
    settings,
    host: '127.0.0.1',
    port: 0,
    credential: hosts.server.credential,
    anchors: () => trust.current(),
    repository,
    clock: systemClock,
    random: systemRandom,
    keys: { generate: async () => testKey(key, 'stored') },
    journal,
    ...options.server,
  })
  const { port } = await server.start().catch(async (error: unknown) => {
    await remove()
    throw error
  })
  const myproxy = myproxyContext(ca, {
    dialer: dialerWithNames({ localhost: ['127.0.0.1'] }),
    connectMs: 5000,
    answerMs: 5000,
  })

  const run: EmbeddedGrid['run'] = async (program, args, { as, proxy, input = '', env } = {}) => {
    const command = withoutHostCredential(findProgram(program) ?? program, args)
    const { exitCode, stdout, stderr } = await execa(...command, {
      reject: false,
      input,
      extendEnv: false,
      timeout: 60_000,
      env: {
        PATH: process.env.PATH ?? '/usr/bin:/bin',
        HOME: directory,
        X509_CERT_DIR: trustDirectory,
        MYPROXY_SERVER: 'localhost',
        MYPROXY_SERVER_PORT: String(port),
        ...(as && { X509_USER_CERT: as.certificatePath, X509_USER_KEY: as.keyPath }),
        ...(proxy && { X509_USER_PROXY: proxy }),
        ...env,
      },
    })
    return { exitCode, stdout, stderr }
  }
  return {
    directory,
    ca,
    trustDirectory,
    storeDirectory,
    users,
    hosts,
    port,
    servers: [{ host: 'localhost', port }],
    myproxy,
    log,
    server,
    settings,
    repository,
    run,
    writeProxy: (name, credential) => writeProxyFile(directory, name, credential),
    async stop() {
      await server.stop()
      await remove()
    },
  }
}
