/** Servers in a virtual network, a client that walks over them, and what it tells. */
import { expect } from 'vitest'
import { VoboxError } from '../../src/errors.js'
import { Circuit } from '../../src/gsi/circuit.js'
import { type Attempt, type Reach, withFirstReachable } from '../../src/gsi/reach.js'
import type { SecureChannel } from '../../src/gsi/secure-channel.js'
import type { ServerAddress } from '../../src/gsi/server-address.js'
import type { Journal, JournalFields } from '../../src/ports/journal.js'
import type { Credential } from '../../src/proxy/credential.js'
import { rejectionOf } from './failure.js'
import { FakeClock } from './fake-clock.js'
import { myproxyContext } from './myproxy-context.js'
import { TestAuthority } from './pki.js'
import { type Behaviour, VirtualNetwork } from './virtual-network.js'

type Serving = Extract<Behaviour, { kind: 'serves' }>

export const ca = new TestAuthority({ key: 'p256' })
export const credential = ca.issueUser('alice')
export const good: Serving = { kind: 'serves', credential: ca.issueHost('px.example.org') }
export const wrongName: Serving = {
  kind: 'serves',
  credential: ca.issueHost('other.example.org'),
}

/** A network, a client and what it told. Names are `px`, `px2`, … `.example.org`. */
export class Scene {
  readonly clock = new FakeClock()
  readonly network = new VirtualNetwork(this.clock)
  readonly attempts: Attempt[] = []
  /** Absent, as in a command; {@link remembering} makes one, as in the service. */
  circuit: Circuit | undefined
  readonly journal: { event: string; message: string; fields: JournalFields | undefined }[] = []

  constructor(names: Record<string, Record<string, Behaviour>>) {
    for (const [name, hosts] of Object.entries(names)) {
      this.network.names[`${name}.example.org`] = Object.keys(hosts)
      Object.assign(this.network.hosts, hosts)
    }
  }

  readonly #journal: Journal = {
    write: (_level, event, message, fields) => this.journal.push({ event, message, fields }),
  }

  remembering(): this {
    this.circuit = new Circuit({ clock: this.clock, journal: this.#journal })
    return this
  }

  /** One walk; time must be made to pass. */
  ask(
    names: readonly string[],
    changes: Partial<Reach<ServerAddress>> = {},
    exchange: (channel: SecureChannel) => Promise<string> = readHello,
  ): Promise<{ server: string; said: string }> {
    const context = myproxyContext(ca, {
      clock: this.clock,
      dialer: this.network.dialer,
      connectMs: 5000,
      answerMs: 10_000,
      circuit: this.circuit,
      journal: this.#journal,
    })
    const reach: Reach<ServerAddress> = {
      servers: names.map((name) => ({ host: `${name}.example.org`, port: 7512 })),
      credential,
      onAttempt: (attempt) => this.attempts.push(attempt),
      ...changes,
    }
    return withFirstReachable(context, reach, async (channel, server) => ({
      server: server.host,
      said: await exchange(channel),
    }))
  }

  /** One walk, while time passes. */
  reach(...call: Parameters<Scene['ask']>) {
    return this.network.pass(this.ask(...call))
  }

  /** The same of one that fails: the failure, and when. */
  async failure(...call: Parameters<Scene['reach']>): Promise<VoboxError> {
    return rejectionOf(this.reach(...call))
  }

  /** `ip phase outcome`, or `host name outcome`. */
  get told(): string[] {
    return this.attempts.map(
      ({ server, address, phase, outcome }) =>
        `${address ?? server.replace(/\.example.*/, '')} ${phase} ${outcome}`,
    )
  }

  /** The host credential of one of the names. */
  hostOf(name: string): Credential {
    return ca.issueHost(`${name}.example.org`)
  }

  /** Lets everything that was begun come to its end. */
  async settle(): Promise<void> {
    await this.network.pass(this.clock.sleep(10_000))
  }

  /** Nothing is left behind: no connection, no timer. */
  async expectNothingLeft() {
    await expect.poll(() => this.network.open).toBe(0)
    await expect.poll(() => this.clock.sleeping).toBe(0)
  }
}

/** Names the server already, and so comes back as it is. */
export const refusal = new VoboxError('MYPROXY_REFUSED', 'px.example.org:7512 (192.0.2.1): no')

export const readHello = async (channel: SecureChannel) =>
  (await channel.readUntilNul(100)).toString()
