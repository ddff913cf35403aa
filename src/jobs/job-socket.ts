/**
 * The socket of workload managers: one request a connection, as the C daemon has it, but many
 * connections at once, each with one deadline from its first byte to the last of the answer, however
 * its bytes drip.
 */
import { setMaxListeners } from 'node:events'
import type { Server, Socket } from 'node:net'
import { constants } from 'node:os'
import { cureOf, isVoboxError, printable, toVoboxError, VoboxError } from '../errors.js'
import type { Clock } from '../ports/clock.js'
import { withDeadline } from '../ports/deadline.js'
import type { Journal } from '../ports/journal.js'
import { JOB_CODES } from './protocol/codes.js'
import { encodeFrame, FrameReader } from './protocol/frame.js'
import { jobRefusal } from './protocol/refusal.js'
import { type JobRequest, parseJobRequest } from './protocol/request.js'
import { encodeJobResponse, type JobResponse } from './protocol/response.js'

export interface JobSocketOptions {
  clock: Clock
  journal: Journal
  serve(request: JobRequest, signal: AbortSignal): Promise<JobResponse>
  /** Told of an answer that nobody can have read: its client went before. Does not throw. */
  unheard?(request: JobRequest, response: JobResponse): Promise<void>
  /** Of a whole connection, in milliseconds; default 30,000. The C client waits for two minutes. */
  deadlineMs?: number
  /**
   * Connections at once; default 1000. When one more comes, whoever has kept us waiting for their
   * request longest is cut.
   */
  maxConnections?: number
}

const DEADLINE_MS = 30_000
/** For what is being served when the service stops; a disk that does not answer is not waited for. */
const GRACE_MS = 2000
const EAGAIN = constants.errno.EAGAIN
const MAX_CONNECTIONS = 1000

export class JobSocket {
  readonly #options: JobSocketOptions
  readonly #servers: Server[] = []
  readonly #stopping = new AbortController()
  readonly #connections = new Set<Promise<void>>()
  /** Cuts those whose request is not there yet, the oldest first. */
  readonly #awaited = new Set<(why: VoboxError) => void>()

  constructor(options: JobSocketOptions) {
    this.#options = options
    // Each connection listens to it.
    setMaxListeners(0, this.#stopping.signal)
  }

  /** Serves what comes to a server that listens, made with `allowHalfOpen`. */
  attach(server: Server): void {
    server.on('connection', (socket: Socket) => {
      socket.on('error', () => undefined)
      if (!this.#hasRoom()) {
        socket.end(encodeFrame(encodeJobResponse({ code: EAGAIN })), () => socket.destroySoon())
        return
      }
      const connection = this.#serve(socket).finally(() => this.#connections.delete(connection))
      this.#connections.add(connection)
    })
    // Such as too many open files while accepting: the next client may fare better.
    server.on('error', ({ message }) => {
      this.#options.journal.write('error', 'job-listener-failed', printable(message))
    })
    this.#servers.push(server)
  }

  /**
   * Takes nobody new, and ends when those that are there are served or cut. Who asks for a job to be
   * written down hears that it is; a request that is not there yet is not waited for.
   */
  async close(): Promise<void> {
    const closed = this.#servers.map(
      (server) => new Promise<void>((resolve) => server.close(() => resolve())),
    )
    for (const cut of [...this.#awaited]) cut(stopping())
    await this.#servedWithin(GRACE_MS)
    this.#stopping.abort(stopping())
    await Promise.all([...this.#connections, ...closed])
  }

  async #servedWithin(ms: number): Promise<void> {
    const served = new AbortController()
    const sleep = this.#options.clock.sleep(ms, served.signal).catch(() => undefined)
    await Promise.race([sleep, Promise.all(this.#connections)])
    served.abort()
  }

  /** Idle clients cost nobody else their turn. False: all are being served, which takes no time. */
  #hasRoom(): boolean {
    if (this.#connections.size < (this.#options.maxConnections ?? MAX_CONNECTIONS)) return true
    const [cutOldest] = this.#awaited
    cutOldest?.(tooMany())
    return cutOldest !== undefined
  }

  async #serve(socket: Socket): Promise<void> {
    const { clock, deadlineMs = DEADLINE_MS } = this.#options
    const late = () =>
      new VoboxError('DEADLINE_EXCEEDED', 'the client of the job socket took too long', {
        data: { deadlineMs },
      })
    try {
      await withDeadline(clock, deadlineMs, this.#stopping.signal, late, async (signal) => {
        const { request, response } = await this.#respond(socket, signal)
        const isHeard = !signal.aborted && (await send(socket, response))
        if (!isHeard && request !== undefined) await this.#unheard(request, response)
        signal.throwIfAborted()
      })
    } catch (error) {
      // Nobody reads, or we stop: a last word, which may or may not arrive.
      const code = this.#codeOf(toVoboxError(error), undefined)
      if (socket.writable) socket.end(encodeFrame(encodeJobResponse({ code })))
    } finally {
      socket.destroySoon()
    }
  }

  async #respond(
    socket: Socket,
    signal: AbortSignal,
  ): Promise<{ request?: JobRequest; response: JobResponse }> {
    let request: JobRequest | undefined
    try {
      request = parseJobRequest(await this.#readFrame(socket))
      const response = await this.#options.serve(request, signal)
      this.#log(request, response)
      return { request, response }
    } catch (error) {
      if (signal.aborted) throw error
      return { response: { code: this.#codeOf(toVoboxError(error), request) } }
    }
  }

  async #unheard(request: JobRequest, response: JobResponse): Promise<void> {
    const { command, jobId } = request
    const why = `${command} of ${printable(jobId, 200)}: its client went before it was answered`
    this.#options.journal.write('warn', 'job-unheard', why, { file: response.proxyFile })
    await this.#options.unheard?.(request, response)
  }

  /** Whoever waits for it has a deadline; then the socket is closed, and this ends too. */
  #readFrame(socket: Socket): Promise<Buffer> {
    const reader = new FrameReader()
    return new Promise<Buffer>((resolve, reject) => {
      const cut = (why: VoboxError) => end(() => reject(why))
      const take = (piece: Buffer) => {
        try {
          const payload = reader.push(piece)
          if (payload !== undefined) end(() => resolve(payload))
        } catch (error) {
          end(() => reject(error))
        }
      }
      /** What comes later is thrown away: nobody can fill our memory while they are answered. */
      const end = (settle: () => void) => {
        this.#awaited.delete(cut)
        socket.off('data', take)
        socket.resume()
        settle()
      }
      this.#awaited.add(cut)
      socket.on('data', take)
      for (const event of ['end', 'close']) socket.once(event, () => end(() => reject(cutShort())))
    })
  }

  #log(request: JobRequest, { proxyFile }: JobResponse): void {
    const { command, jobId } = request
    this.#options.journal.write('debug', 'job-served', `${command} ${printable(jobId, 200)}`, {
      file: proxyFile,
    })
  }

  #codeOf(error: VoboxError, request: JobRequest | undefined): number {
    const code = jobCodeOf(error)
    const known = isVoboxError(error, 'JOB_REQUEST_REFUSED', 'CANCELLED', 'DEADLINE_EXCEEDED')
    this.#options.journal.write(known ? 'warn' : 'error', 'job-refused', printable(error.message), {
      code,
      cure: known ? error.hint : cureOf(error),
      ...(request && { command: request.command, job: printable(request.jobId, 200) }),
    })
    return code
  }
}

/** The code for a client of whatever went wrong with its request. */
function jobCodeOf({ code, data: { jobCode, errno } }: VoboxError): number {
  if (typeof jobCode === 'number') return jobCode
  if (code === 'DEADLINE_EXCEEDED') return JOB_CODES.TIMEOUT
  const [, number] = Object.entries(constants.errno).find(([name]) => name === errno) ?? []
  return number ?? JOB_CODES.GENERIC
}

function stopping(): VoboxError {
  return new VoboxError('CANCELLED', 'the service is stopping')
}

function tooMany(): VoboxError {
  return jobRefusal(JOB_CODES.TIMEOUT, 'others wait, and this client sent nothing for longest')
}

function cutShort(): VoboxError {
  return jobRefusal(JOB_CODES.UNEXPECTED_EOF, 'the client ended within its request')
}

/** Whether the kernel has it for a client that is still there; one that ended its own half is. */
function send(socket: Socket, response: JobResponse): Promise<boolean> {
  return new Promise((resolve) => {
    socket.once('close', () => resolve(false))
    socket.end(encodeFrame(encodeJobResponse(response)), (error?: Error | null) => resolve(!error))
  })
}
