/**
 * The grid around the VO-Box of the demo: a CA, a user, two hosts, and a MyProxy server of ours,
 * all made by the project's own code; no openssl, no Globus.
 */
import { generateKeyPair, type KeyObject } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { promisify } from 'node:util'
import type { MyProxyContext } from '../../src/myproxy/client.js'
import { readServerConfig } from '../../src/myproxy/server/config/read-server-config.js'
import { MyProxyServer } from '../../src/myproxy/server/server.js'
import { CredentialRepository } from '../../src/myproxy/server/store/credential-repository.js'
import { composeSettings } from '../../src/node/myproxy-server/compose-settings.js'
import { systemClock } from '../../src/node/ports/clock.js'
import { nodeDialer } from '../../src/node/ports/dialer.js'
import { nodeFiles } from '../../src/node/ports/files.js'
import { systemRandom } from '../../src/node/ports/random.js'
import { type Journal, silentJournal } from '../../src/ports/journal.js'
import type { KeyGenerator } from '../../src/ports/key-generator.js'
import type { Credential } from '../../src/proxy/credential.js'
import { TrustDirectory } from '../../src/x509/trust-anchors.js'
import { hostName, TestAuthority, userName } from '../../test/support/pki.js'
import { writeCredentialPair, writeTrustDirectory } from '../../test/support/pki-files.js'
import type { Stage } from './stage.js'

export interface DemoGrid {
  user: Credential
  /** The same as files, as a CA gives them out. */
  userFiles: { cert: string; key: string }
  userDn: string
  /** Host certificate of the VO-Box and its key, as files. */
  host: { cert: string; key: string }
  hostDn: string
  /** Hashed CA directory. */
  trustDirectory: string
  /** For a look at what the server holds. */
  myproxy: MyProxyContext
  server: { host: string; port: number }
  /** What the server has logged so far, newest last. */
  requests: { command: string; client: string }[]
}

const USER = userName('Alice Demo')
const VO_BOX = 'vobox.example.org'

export const rsaKeys: KeyGenerator = {
  generate: async (): Promise<KeyObject> => {
    const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: 2048 })
    return privateKey
  },
}

export async function makeGrid(stage: Stage): Promise<DemoGrid> {
  const directory = stage.path('grid')
  await mkdir(directory, { mode: 0o700 })
  const key = () => rsaKeys.generate('rsa2048')
  const ca = new TestAuthority({ key: await key() })
  const user = ca.issueUser(USER, { key: await key() })
  const voBox = ca.issueHost(VO_BOX, { key: await key() })
  const serverHost = ca.issueHost('localhost', { key: await key(), ips: ['127.0.0.1'] })
  const trustDirectory = await writeTrustDirectory(directory, ca)
  const host = await writeCredentialPair(directory, 'host', voBox)
  const userFiles = await writeCredentialPair(directory, 'user', user)
  const trust = new TrustDirectory(nodeFiles, systemClock, trustDirectory, {
    allowMissingSigningPolicy: false,
  })
  const anchors = () => trust.current()
  const requests: DemoGrid['requests'] = []
  const server = await startServer(stage, serverHost, anchors, requests)
  return {
    user,
    userFiles,
    userDn: USER.oneLine,
    host,
    hostDn: hostName(VO_BOX).oneLine,
    trustDirectory,
    server,
    requests,
    myproxy: {
      dialer: nodeDialer,
      clock: systemClock,
      journal: silentJournal,
      anchors,
      connectMs: 5000,
      answerMs: 10_000,
      tlsMaxVersion: 'TLSv1.2',
      maxDelegationDepth: 10,
      allowLegacyProxies: false,
      keys: rsaKeys,
      keyKind: 'rsa2048',
      allowSha1Challenge: false,
      serverDn: null,
    },
  }
}

/** As sites configure it: users store what is theirs, hosts renew what users allow. */
const SERVER_CONFIG = `accepted_credentials "/DC=org/DC=example/OU=Users/*"
authorized_renewers "/DC=org/DC=example/OU=Hosts/*"
default_renewers "none"
`

async function startServer(
  stage: Stage,
  credential: Credential,
  anchors: MyProxyContext['anchors'],
  requests: DemoGrid['requests'],
): Promise<DemoGrid['server']> {
  const journal: Journal = {
    write: (_level, event, _message, fields = {}) => {
      if (event === 'myproxy-served') {
        requests.push({ command: String(fields.command), client: String(fields.client) })
      }
    },
  }
  const path = stage.path('myproxy-server.config')
  await writeFile(path, SERVER_CONFIG, { mode: 0o600 })
  const { uid } = userInfo()
  const ports = { files: nodeFiles, clock: systemClock, random: systemRandom, journal }
  const config = await readServerConfig(nodeFiles, { path, uid })
  const storageDirectory = stage.path('myproxy')
  const server = new MyProxyServer({
    settings: await composeSettings(config, { ...ports, path, uid, storageDirectory }),
    host: '127.0.0.1',
    port: 0,
    credential,
    anchors,
    repository: new CredentialRepository({
      files: nodeFiles,
      clock: systemClock,
      journal,
      directory: storageDirectory,
      owners: [uid],
    }),
    ...ports,
    keys: rsaKeys,
  })
  const { port } = await server.start()
  stage.onEnd(() => server.stop())
  return { host: 'localhost', port }
}

/** The configuration of the demo: everything as at a site, but short. */
export async function writeConfiguration(
  path: string,
  trustDirectory: string,
  smtpPort: number,
): Promise<void> {
  const lines = [
    '[limits]',
    'refuse_below_seconds = "5s"',
    'warn_below_seconds = "10s"',
    'min_interval_seconds = "1s"',
    '[keys]',
    'pool = 2',
    '[trust]',
    `directory = ${JSON.stringify(trustDirectory)}`,
    '[mail]',
    'transport = "smtp"',
    'admin = "site-admin@example.org"',
    '[mail.smtp]',
    'host = "127.0.0.1"',
    `port = ${smtpPort}`,
    '',
  ]
  await writeFile(path, lines.join('\n'), { mode: 0o644 })
}
