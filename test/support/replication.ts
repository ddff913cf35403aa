/** A primary in memory and secondaries that do what a test wants, for runs without disk and network. */
import { VoboxError } from '../../src/errors.js'
import {
  emptyReplicaState,
  encodeReplicaState,
  parseReplicaState,
} from '../../src/myproxy/server/replication/replica-state.js'
import { keyOf, type ReplicaName } from '../../src/myproxy/server/replication/replicated.js'
import type { Secondary } from '../../src/myproxy/server/replication/secondary.js'
import {
  type ReplicationSource,
  type Told,
  toldOf,
} from '../../src/myproxy/server/replication/snapshot.js'
import type { StoredEntry } from '../../src/myproxy/server/store/credential-repository.js'
import type { StoredData } from '../../src/myproxy/server/store/stored-data.js'
import { type MyProxyServer, showServer } from '../../src/myproxy/server-list.js'
import { encodeCredential } from '../../src/proxy/credential.js'
import { TestAuthority, VALID_FROM } from './pki.js'

const ca = new TestAuthority()
const pem = (name: string, notAfter?: number) =>
  encodeCredential(ca.issueUser(name, notAfter === undefined ? {} : { notAfter }))

/** Three credentials as they are stored: two that are valid until 2044, one that is not any more. */
export const STORED = {
  one: pem('alice'),
  two: pem('alice'),
  expired: pem('alice', VALID_FROM + 1),
}

export function storedEntry(
  data: ReplicaName & Partial<StoredData>,
  creds: Buffer = STORED.one,
  lockMessage?: string,
): StoredEntry {
  return {
    data: { owner: '/DC=org/CN=alice', lifetimeSeconds: 3600, ...data } as StoredData,
    creds,
    ...(lockMessage !== undefined && { lockMessage }),
  }
}

export class PrimaryInMemory implements ReplicationSource {
  readonly entries = new Map<string, StoredEntry>()
  /** Keys of what is there and cannot be read. */
  readonly unreadable = new Set<string>()

  put(...entries: StoredEntry[]): void {
    for (const entry of entries) this.entries.set(keyOf(entry.data), entry)
  }

  async *all(): AsyncIterable<Told> {
    for (const [key, entry] of this.entries) if (!this.unreadable.has(key)) yield toldOf(entry)
  }

  async find(username: string, name: string | undefined): Promise<StoredEntry | undefined> {
    const key = keyOf({ username, name })
    if (this.unreadable.has(key)) throw new VoboxError('MYPROXY_STORE_MALFORMED', 'broken')
    return this.entries.get(key)
  }
}

/** Keeps states as the files do: what was not written is not there for the next run. */
export class StatesInMemory {
  readonly files = new Map<string, Buffer>()
  /** Called before each write, which fails with what it throws. */
  beforeWrite: () => void = () => undefined

  async read(server: MyProxyServer) {
    const bytes = this.files.get(showServer(server))
    return bytes === undefined ? emptyReplicaState() : parseReplicaState(bytes, showServer(server))
  }

  async write(server: MyProxyServer, state: Parameters<typeof encodeReplicaState>[0]) {
    this.beforeWrite()
    this.files.set(showServer(server), encodeReplicaState(state, server))
  }
}

/** What happens to a request: it is carried out and answered, refused, or either without an answer. */
export type Fate = 'done' | VoboxError | 'lost-before' | 'lost-after'

export class ScriptedSecondary implements Secondary {
  readonly server: MyProxyServer
  readonly holds = new Map<string, StoredEntry>()
  /** Every request that arrived, `store alice`. */
  readonly asked: string[] = []
  fate: (request: 'store' | 'destroy', name: ReplicaName) => Fate | Promise<Fate> = () => 'done'

  constructor(host = 'b.example.org') {
    this.server = { host, port: 7512 }
  }

  async store(entry: StoredEntry): Promise<void> {
    await this.#carryOut('store', entry.data, () => this.holds.set(keyOf(entry.data), entry))
  }

  async destroy(name: ReplicaName): Promise<void> {
    await this.#carryOut('destroy', name, () => this.holds.delete(keyOf(name)))
  }

  async #carryOut(request: 'store' | 'destroy', name: ReplicaName, act: () => void) {
    this.asked.push([request, name.username, name.name].filter(Boolean).join(' '))
    const fate = await this.fate(request, name)
    if (fate === 'done' || fate === 'lost-after') act()
    if (fate instanceof VoboxError) throw fate
    if (fate !== 'done') throw new VoboxError('OUTCOME_UNKNOWN', 'no answer came')
  }
}
