/**
 * A VO on a disk in memory with a scripted MyProxy server, under a fake clock: all real code from the
 * registry to the acceptance of proxies, and nothing that waits.
 */

import { type ConfigOverrides, readConfig } from '../../src/config/read-config.js'
import { voPaths } from '../../src/config/vo-paths.js'
import { VoboxError } from '../../src/errors.js'
import { type MyProxyServer, parseServerList } from '../../src/myproxy/server-list.js'
import { asUnixSeconds, type UnixSeconds } from '../../src/ports/clock.js'
import type { JournalLevel } from '../../src/ports/journal.js'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { type Credential, encodeCredential } from '../../src/proxy/credential.js'
import { JsonRegistry } from '../../src/registry/json-registry.js'
import type { Observation } from '../../src/registry/observation.js'
import type { Registration } from '../../src/registry/registration.js'
import type { RenewalSource } from '../../src/renewal/context.js'
import type { DaemonContext } from '../../src/renewal/daemon.js'
import { FileEventLog } from '../../src/renewal/events.js'
import { GrantMemory } from '../../src/renewal/grant-memory.js'
import { MachineProxyFile } from '../../src/renewal/machine-proxy-file.js'
import { PassPhraseFiles } from '../../src/renewal/pass-phrase-file.js'
import { parseProxyTimes } from '../../src/renewal/proxy-facts.js'
import { ProxyRepository } from '../../src/repository/proxy-repository.js'
import { parseAttributeRequest } from '../../src/voms/attribute-request.js'
import { makeTrustAnchors } from '../../src/x509/trust-anchors.js'
import { documentedOnly } from './documented-events.js'
import { FakeClock } from './fake-clock.js'
import { MemoryFiles } from './memory-files.js'
import { addProxy, hostName, TestAuthority, testKey, userName } from './pki.js'
import { registration } from './registry.js'
import { ScriptedVoms } from './scripted-voms-source.js'
import { DAY, HOUR } from './time.js'

export type RenewRequest = Parameters<RenewalSource['renew']>[0]

/** What one user has stored, as a MyProxy server sees it. */
export interface StoredForTest {
  /** The stored credential: a proxy with an end of its own. */
  credential: Credential
  /** `-t` at upload, in seconds. */
  maxSeconds: number
}

/** MyProxy without a network. `stored` and `behave` may be changed at any time. */
export class ScriptedMyProxy implements RenewalSource {
  readonly stored = new Map<string, StoredForTest>()
  /** What a server holds instead of `stored`, by host. */
  readonly copies = new Map<string, Map<string, StoredForTest>>()
  /** Hosts that cannot be reached. */
  readonly down = new Set<string>()
  /** Every renewal asked for, in order. */
  readonly asked: { at: UnixSeconds; username: string; lifetimeSeconds: number }[] = []
  readonly infos: { at: UnixSeconds; username: string }[] = []
  /** The server's own cap, in seconds. */
  capSeconds = Number.POSITIVE_INFINITY
  /** Runs before each answer; what it throws is the answer. */
  behave: (request: { username: string; signal?: AbortSignal }) => Promise<void> = async () => {}
  /** The same for INFO alone. */
  behaveForInfo: () => Promise<void> = async () => {}
  /** Changes what would be given. */
  falsify: (fresh: Credential, request: RenewRequest) => Credential = (fresh) => fresh
  readonly #clock: FakeClock

  constructor(clock: FakeClock) {
    this.#clock = clock
  }

  async renew(request: RenewRequest) {
    const { username, lifetimeSeconds } = request
    const now = this.#clock.now()
    this.asked.push({ at: now, username, lifetimeSeconds })
    await this.behave(request)
    const server = this.#reach(request.servers)
    const stored = this.#find(username, server)
    const granted = Math.min(lifetimeSeconds, stored.maxSeconds, this.capSeconds)
    const end = Math.min(this.#clock.now() + granted, ...ends(stored.credential))
    const fresh = addProxy(stored.credential, { now: this.#clock.now(), notAfter: end })
    return { server, credential: this.falsify(fresh, request) }
  }

  async info(request: Parameters<RenewalSource['info']>[0]) {
    this.infos.push({ at: this.#clock.now(), username: request.username })
    await this.behave(request)
    await this.behaveForInfo()
    const server = this.#reach(request.servers)
    const { credential } = this.#find(request.username, server)
    const end = asUnixSeconds(Math.min(...ends(credential)))
    const about = { owner: request.username, start: asUnixSeconds(0), end }
    return { server, credentials: [about] }
  }

  #reach(servers: readonly MyProxyServer[]): MyProxyServer {
    const up = servers.find(({ host }) => !this.down.has(host))
    if (up === undefined) throw unreachable()
    return up
  }

  #find(username: string, server: MyProxyServer): StoredForTest {
    const stored = (this.copies.get(server.host) ?? this.stored).get(username)
    if (stored) return stored
    const peer = `${server.host}:${server.port} (192.0.2.1)`
    throw new VoboxError('MYPROXY_NO_CREDENTIAL', 'px holds no such credential', { data: { peer } })
  }
}

const ends = ({ chain }: Credential) => chain.map(({ notAfter }) => notAfter)

function first<T>([server]: readonly T[]): T {
  if (server === undefined) throw new TypeError('a request names a server')
  return server
}

/** What every server that is down says. */
export function unreachable(): VoboxError {
  return new VoboxError('ALL_SERVERS_FAILED', 'no server could be used: connection refused', {
    data: { attempts: [] },
  })
}

export type RenewalWorld = ReturnType<typeof renewalWorld>

export function renewalWorld(overrides: ConfigOverrides = {}) {
  const clock = new FakeClock()
  const files = new MemoryFiles(clock)
  const config = readConfig({ flags: { ...overrides, trust: { allowMissingSigningPolicy: true } } })
  const paths = voPaths(config.root, 'alice')
  const ca = new TestAuthority()
  const anchors = makeTrustAnchors(
    { certificates: [ca.certificate] },
    { allowMissingSigningPolicy: true, now: () => clock.now() },
  )
  const myproxy = new ScriptedMyProxy(clock)
  const voms = new ScriptedVoms(clock, ca)
  const journal: { level: JournalLevel; event: string; message: string }[] = []
  const observations: Observation[] = []
  const forgotten: string[] = []
  const write = (level: JournalLevel, event: string, message: string) => {
    journal.push({ level, event, message })
  }
  const machineProxyFile = new MachineProxyFile({
    files,
    clock,
    vo: 'alice',
    path: paths.machineProxy,
    owners: [0, 1000],
  })
  const context: DaemonContext = {
    clock,
    random: { bytes: (length) => new Uint8Array(length), fraction: () => 0.5 },
    keys: { generate: async () => testKey('p256', 'own step') },
    journal: { write },
    files,
    registry: new JsonRegistry({ files, clock, paths }),
    repository: new ProxyRepository({ files, directory: paths.repository, owners: [1000] }),
    source: myproxy,
    passPhrases: new PassPhraseFiles({ files, owners: [0, 1000] }),
    attributes: voms,
    anchors: async () => anchors,
    vomsTrust: async () => voms.trust,
    host: 'vobox.example.org',
    config,
    machineProxy: () => machineProxyFile.read(),
    machineProxyFile,
    events: documentedOnly(
      new FileEventLog({ files, clock, journal: { write }, path: paths.eventsLog }),
    ),
    grants: new GrantMemory(),
    sink: {
      observe: async (observation) => {
        observations.push(observation)
      },
      forget: async (fileName) => {
        forgotten.push(fileName)
      },
    },
  }
  const users = new Map<string, Credential>()
  const host = ca.issueHost('vobox.example.org', { name: hostName('vobox.example.org') })

  const dress = async (
    credential: Credential,
    attributes: readonly string[],
    lifetimeSeconds: number,
  ) => {
    const requests = attributes.map(parseAttributeRequest)
    const made = await voms.dress({ credential, requests, lifetimeSeconds })
    voms.asked.length = 0
    return made.credential
  }

  return {
    ca,
    clock,
    config,
    context,
    /** A proxy with VOMS attributes added, as the scripted servers grant them. */
    dress,
    files,
    forgotten,
    journal,
    myproxy,
    voms,
    observations,
    paths,
    /** End-entity credentials by the name they were registered under. */
    users,

    /** Lines of `events.log` that begin, after the time, with one of `words`; without the time. */
    events(...words: string[]): string[] {
      const lines = files.text(paths.eventsLog).split('\n').filter(Boolean)
      const bare = lines.map((line) => line.slice(line.indexOf(' ') + 1))
      return words.length === 0
        ? bare
        : bare.filter((line) => words.includes(line.split(' ')[0] ?? ''))
    },

    async putMachineProxy(hours = 24 * 365): Promise<void> {
      const proxy = addProxy(host, { now: clock.now(), hours, pathLength: 0 })
      await files.replace(paths.machineProxy, encodeCredential(proxy), { mode: 0o400 })
    },

    /** What `name` has stored: for `storedDays`, at most `maxSeconds` a proxy. */
    store(name: string, storedDays = 30, maxSeconds = 48 * HOUR): Credential {
      const user = ca.issueUser(name)
      users.set(name, user)
      const now = clock.now()
      const credential = addProxy(user, { now, notAfter: now + storedDays * DAY })
      myproxy.stored.set(userName(name).oneLine, { credential, maxSeconds })
      return user
    },

    /** Registers `name` with a login proxy of `hours` and a stored credential. */
    async register(
      name: string,
      changes: Partial<Registration> & {
        hours?: number
        storedDays?: number
        maxHours?: number
        /** The login proxy lacks what is registered. */
        plainLogin?: boolean
      } = {},
    ): Promise<Registration> {
      const { hours = 48, storedDays, maxHours, plainLogin = false, ...settings } = changes
      const maxSeconds = maxHours === undefined ? undefined : maxHours * HOUR
      const user = this.store(name, storedDays, maxSeconds)
      const voms = plainLogin ? [] : (settings.voms ?? [])
      const login =
        voms.length === 0
          ? addProxy(user, { now: clock.now(), hours })
          : await dress(addProxy(user, { now: clock.now(), hours }), voms, hours * HOUR)
      const { identity } = describeChain(login.chain)
      const now = clock.now()
      const wanted = registration(name, {
        identity: identity.oneLine,
        identityDer: Buffer.from(identity.der).toString('base64'),
        servers: ['px.example.org'],
        lifetimeSeconds: 48 * HOUR,
        voms: [],
        registeredAt: now,
        updatedAt: now,
        ...settings,
      })
      await context.repository.replace(name, login)
      await context.registry.update(name, () => wanted)
      return wanted
    },

    /** Effective end of the proxy in the file. */
    async end(name: string): Promise<UnixSeconds> {
      const { bytes, facts } = await context.repository.readBytes(name)
      return parseProxyTimes(bytes, facts).end
    },

    server: first(parseServerList('px.example.org', 7512)),
  }
}

/** A world with one registration, that of alice, and its proxy. */
export async function worldWithAlice(changes: Parameters<RenewalWorld['register']>[1] = {}) {
  const world = renewalWorld()
  await world.putMachineProxy()
  const registration = await world.register('alice', changes)
  return { world, registration }
}
