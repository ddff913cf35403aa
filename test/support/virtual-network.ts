/**
 * A network in virtual time: what each name and address does is written down, TLS is real and goes
 * through memory, and nothing takes longer than its clock says.
 */
import { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { VoboxError } from '../../src/errors.js'
import { ByteStream } from '../../src/gsi/byte-stream.js'
import type { Address, Dialer } from '../../src/ports/dialer.js'
import type { Credential } from '../../src/proxy/credential.js'
import { encodePem } from '../../src/x509/pem.js'
import { encodePrivateKey } from '../../src/x509/private-key.js'
import type { FakeClock } from './fake-clock.js'

/** What becomes of a connection; `afterMs` (default 0) is how long TCP takes. */
export type Behaviour =
  /** No answer to TCP. */
  | { kind: 'unreachable' }
  | { kind: 'refuses'; afterMs?: number }
  /** TCP, and then not a word. */
  | { kind: 'mute'; afterMs?: number }
  /** TCP, and then the end. */
  | { kind: 'hangs-up'; afterMs?: number }
  /** TLS, and then what the script does; default: it says `hello` and a NUL. */
  | {
      kind: 'serves'
      afterMs?: number
      credential: Credential
      script?: (stream: ByteStream) => Promise<unknown>
    }

export class VirtualNetwork {
  readonly clock: FakeClock
  /** Addresses by name; a name that is not here does not exist, and `mute` never answers. */
  readonly names: Record<string, readonly string[] | 'mute'> = {}
  /** By numeric address; whoever is not here refuses at once. */
  readonly hosts: Record<string, Behaviour> = {}
  /** Connections that were begun. */
  readonly dials: { ip: string; atMs: number }[] = []
  readonly #open = new Set<Duplex>()
  #handshakes = 0

  constructor(clock: FakeClock) {
    this.clock = clock
  }

  /** Connections of ours that are not closed. */
  get open(): number {
    return this.#open.size
  }

  readonly dialer: Dialer = {
    resolve: async (host, signal) => {
      const found = this.names[host]
      if (found === 'mute') return never(signal)
      if (found === undefined) throw new VoboxError('NAME_NOT_RESOLVED', `no ${host}`)
      return found.map((ip): Address => ({ ip, family: ip.includes(':') ? 6 : 4 }))
    },
    connect: async ({ ip }, _port, signal) => {
      this.dials.push({ ip, atMs: this.clock.monotonicMs() })
      const behaviour = this.hosts[ip] ?? { kind: 'refuses' }
      if (behaviour.kind === 'unreachable') return never(signal)
      if (behaviour.afterMs) await this.clock.sleep(behaviour.afterMs, signal)
      if (behaviour.kind === 'refuses') {
        throw new VoboxError('CONNECTION_FAILED', `cannot connect to ${ip}: nothing listens there`)
      }
      return this.#connected(behaviour) as unknown as ReturnType<Dialer['connect']>
    },
  }

  /**
   * What `work` comes to, and the virtual time it took, while that time passes by itself.
   *
   * Rejects as `work` does, and after an hour of virtual time.
   */
  async pass<T>(work: Promise<T>): Promise<{ value: T; tookMs: number }> {
    const beganMs = this.clock.monotonicMs()
    let endedMs: number | undefined
    const ended = () => {
      endedMs ??= this.clock.monotonicMs()
    }
    work.then(ended, ended)
    while (endedMs === undefined) {
      // TLS is a matter of real time, in which no other passes.
      if (this.#handshakes > 0) await new Promise((resolve) => setTimeout(resolve, 1))
      else await this.clock.advance(10)
      if (this.clock.monotonicMs() - beganMs > 3_600_000) throw new Error('it goes on for ever')
    }
    return { value: await work, tookMs: endedMs - beganMs }
  }

  #connected(behaviour: Exclude<Behaviour, { kind: 'unreachable' | 'refuses' }>): Duplex {
    const [ours, theirs] = duplexPair()
    this.#open.add(ours)
    ours.once('close', () => this.#open.delete(ours))
    if (behaviour.kind === 'hangs-up') theirs.destroy()
    if (behaviour.kind === 'serves') this.#serve(theirs, ours, behaviour)
    return ours
  }

  #serve(
    theirs: Duplex,
    ours: Duplex,
    { credential, script = hello }: Extract<Behaviour, { kind: 'serves' }>,
  ): void {
    this.#handshakes++
    let counted = true
    const uncount = () => {
      if (counted) this.#handshakes--
      counted = false
    }
    ours.once('close', uncount)
    const socket = new TLSSocket(theirs, {
      isServer: true,
      cert: credential.chain.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
      key: encodePrivateKey(credential.privateKey),
      requestCert: true,
      rejectUnauthorized: false,
      maxVersion: 'TLSv1.2',
    } as ConstructorParameters<typeof TLSSocket>[1])
    socket.on('error', uncount)
    socket.once('secure', () => {
      const stream = new ByteStream(socket, {
        clock: this.clock,
        answerMs: 60_000,
        label: 'client',
      })
      // A moment for our side to see the end of the handshake and the first words.
      setTimeout(uncount, 20)
      script(stream).then(
        () => socket.end(),
        () => socket.destroy(),
      )
    })
  }
}

const hello = (stream: ByteStream) => stream.write(Buffer.from('hello\0'))

function never(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
  })
}

/** Two ends of a wire in memory. */
function duplexPair(): [Duplex, Duplex] {
  const ends: Duplex[] = []
  const make = (mine: number) =>
    new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        ends[1 - mine]?.push(chunk)
        done()
      },
      final(done) {
        ends[1 - mine]?.push(null)
        done()
      },
      destroy(error, done) {
        const other = ends[1 - mine]
        if (other && !other.destroyed) setImmediate(() => other.destroy())
        done(error)
      },
    })
  ends.push(make(0), make(1))
  return ends as [Duplex, Duplex]
}
