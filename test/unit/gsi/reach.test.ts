import { describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import type { GsiContext } from '../../../src/gsi/context.js'
import { withFirstReachable } from '../../../src/gsi/reach.js'
import type { Address } from '../../../src/ports/dialer.js'
import { rejectionOf } from '../../support/failure.js'
import { FakeClock } from '../../support/fake-clock.js'
import { myproxyContext } from '../../support/myproxy-context.js'
import { TestAuthority } from '../../support/pki.js'

const ca = new TestAuthority()
const credential = ca.issueUser('alice')

/** Addresses without end, at which every connection costs `tryMs` and fails. */
class Maze {
  readonly clock = new FakeClock()
  readonly journal: { event: string; message: string }[] = []
  readonly tried: string[] = []
  readonly #count: number
  readonly #tryMs: number

  constructor(count: number, tryMs: number) {
    this.#count = count
    this.#tryMs = tryMs
  }

  async walk(hosts: readonly string[], code: 'CONNECTION_FAILED' | 'TLS_FAILED') {
    const context: GsiContext = myproxyContext(ca, {
      clock: this.clock,
      connectMs: 5000,
      journal: { write: (_level, event, message) => this.journal.push({ event, message }) },
      dialer: {
        resolve: async (): Promise<Address[]> =>
          Array.from({ length: this.#count }, (_, index) => ({
            ip: `192.0.2.${index}`,
            family: 4,
          })),
        connect: async ({ ip }) => {
          this.tried.push(ip)
          await this.clock.advance(this.#tryMs)
          throw new VoboxError(code, `nobody at ${ip}`, { persistence: 'permanent' })
        },
      },
    })
    const servers = hosts.map((host) => ({ host, port: 7512 }))
    return rejectionOf(withFirstReachable(context, { servers, credential }, async () => 'reached'))
  }
}

describe('withFirstReachable', () => {
  it('tries 16 addresses of a name that has 300, then the next server, and says so once', async () => {
    const maze = new Maze(300, 0)
    const failure = await maze.walk(['px1.example.org', 'px2.example.org'], 'CONNECTION_FAILED')
    expect(maze.tried).toHaveLength(32)
    expect(maze.tried.slice(15, 17)).toEqual(['192.0.2.15', '192.0.2.0'])
    expect(failure).toMatchObject({
      code: 'ALL_SERVERS_FAILED',
      persistence: 'transient',
      data: { untried: 568 },
    })
    expect(failure.message).toContain('568 more addresses were not tried')
    const left = maze.journal.filter(({ event }) => event === 'addresses-left-out')
    expect(left).toEqual([
      {
        event: 'addresses-left-out',
        message:
          'px1.example.org:7512 has more addresses than are tried; the first left out is 192.0.2.16',
      },
    ])
  })

  it('begins no try later than 120 s after the first, with a connect deadline of 5 s', async () => {
    const maze = new Maze(16, 4500)
    const hosts = ['px1.example.org', 'px2.example.org', 'px3.example.org']
    const failure = await maze.walk(hosts, 'TLS_FAILED')
    // The 27th begins after 26 × 4.5 s = 117 s.
    expect(maze.tried).toHaveLength(27)
    expect(maze.clock.monotonicMs()).toBe(27 * 4500)
    expect(failure.data.untried).toBe(21)
    expect(failure.persistence).toBe('transient')
  })

  it('leaves nothing out of 16 addresses that fail for good, and that is permanent', async () => {
    const maze = new Maze(16, 1000)
    const failure = await maze.walk(['px1.example.org'], 'CONNECTION_FAILED')
    expect(maze.tried).toHaveLength(16)
    expect(failure.persistence).toBe('permanent')
    expect(failure.data.untried).toBeUndefined()
    expect(maze.journal.map(({ event }) => event)).not.toContain('addresses-left-out')
  })
})
