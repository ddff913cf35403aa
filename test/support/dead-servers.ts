/** MyProxy servers that are of no use, each in another way, on loopback under names of their own. */
import { mkdtemp } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { systemClock } from '../../src/node/ports/clock.js'
import { nodeFiles } from '../../src/node/ports/files.js'
import type { Dialer } from '../../src/ports/dialer.js'
import type { Credential } from '../../src/proxy/credential.js'
import { buildName } from '../../src/x509/name.js'
import { TrustDirectory } from '../../src/x509/trust-anchors.js'
import { dialerWithNames } from './myproxy-context.js'
import { hostName, realNow, TestAuthority } from './pki.js'
import { makeCrl, writeTrustFiles } from './pki-files.js'
import {
  type Conversation,
  deadPort,
  type ScriptedPeer,
  startScriptedPeer,
  startTcpPeer,
} from './scripted-peer.js'

export interface DeadServers {
  /** In the order of a list; each is known as its name in lower case below `example.org`. */
  dead: readonly { host: string; port: number }[]
  /** One that works and is reached over IPv6 alone; `localhost`, as its certificate says. */
  ipv6Only: { host: string; port: number }
  /** Knows all their names. */
  dialer: Dialer
  /** Of a directory with the list in which the grid's CA takes back a host and a CA. */
  trust: TrustDirectory
  /** TCP connections that one of them has taken so far. */
  connections(name: string): number
  stop(): Promise<void>
}

/** As the names of DNS have them. */
const hostOf = (name: string) => `${name.toLowerCase()}.example.org`

/** @param working port of 127.0.0.1 on which a server that works listens, as `localhost`. */
export async function startDeadServers(
  ca: TestAuthority,
  working: number,
  directory: string,
): Promise<DeadServers> {
  const sub = subAuthority(ca)
  const revoked = ca.issueHost(hostOf('revoked'))
  const takenBack = [revoked.chain[0], sub.certificate].filter((one) => one !== undefined)
  const certificates = join(await mkdtemp(join(directory, 'trust-')), 'certificates')
  await writeTrustFiles(certificates, ca, { crl: makeCrl(ca, { revoked: takenBack }) })
  await writeTrustFiles(certificates, sub)

  const relay = await startTcpPeer((client) => joinTo(client, working), { host: '::1' })
  const peers: Record<string, ScriptedPeer> = {
    blackHole: await startTcpPeer(() => undefined),
    wrongName: await serving(ca.issueHost(hostOf('other'))),
    expired: await serving(ca.issueHost(hostOf('expired'), { notAfter: realNow() - 3600 })),
    unknownCa: await serving(subAuthority().issueHost(hostOf('unknownCa'))),
    revoked: await serving(revoked),
    revokedCa: await serving(sub.issueHost(hostOf('revokedCa'))),
    // Its name is right, in the form of Globus, and it hangs up once that is settled.
    serviceName: await serving(
      ca.issueHost('', { name: hostName(`host/${hostOf('serviceName')}`), dns: [] }),
      async () => undefined,
    ),
    dies: await serving(ca.issueHost(hostOf('dies')), diesAfterTheRequest),
  }
  const dead = [
    { host: hostOf('closed'), port: await deadPort() },
    ...Object.entries(peers).map(([name, { port }]) => ({ host: hostOf(name), port })),
  ]
  return {
    dead,
    ipv6Only: { host: 'localhost', port: relay.port },
    dialer: dialerWithNames({
      localhost: ['::1'],
      ...Object.fromEntries(dead.map(({ host }) => [host, ['127.0.0.1']])),
    }),
    trust: new TrustDirectory(nodeFiles, systemClock, certificates, {
      allowMissingSigningPolicy: false,
    }),
    connections: (name) => peers[name]?.connections() ?? 0,
    async stop() {
      for (const peer of [relay, ...Object.values(peers)]) await peer.stop()
    },
  }
}

/** Below `parent`; else a root that nobody knows. */
function subAuthority(parent?: TestAuthority): TestAuthority {
  const name = buildName([
    ['DC', 'org'],
    ['DC', 'example'],
    ['CN', parent === undefined ? 'Unknown CA' : 'Sub CA'],
  ])
  return new TestAuthority({ name, key: 'p256', ...(parent && { parent }) })
}

function joinTo(client: Socket, port: number): void {
  const upstream = connect(port, '127.0.0.1')
  upstream.on('error', () => client.destroy())
  client.on('close', () => upstream.destroy())
  client.pipe(upstream).pipe(client)
}

/** A TLS server that must never get as far as its script, unless it has one. */
function serving(
  credential: Credential,
  script: (conversation: Conversation) => Promise<unknown> = async () => {
    throw new Error('the client did not mind')
  },
): Promise<ScriptedPeer> {
  return startScriptedPeer({ credential, script })
}

/** Reads the first byte and the request to its NUL, and is gone. */
async function diesAfterTheRequest({ stream, socket }: Conversation): Promise<void> {
  await stream.readExactly(1)
  await stream.readUntilNul(10_000)
  socket.destroy()
}
