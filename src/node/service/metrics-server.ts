/**
 * Where Prometheus asks: a small HTTP server on a unix socket or on a port of loopback. It knows one
 * page, answers what is asked within seconds, and keeps nobody's connection.
 */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'

export interface MetricsServer {
  /** Ends it, with what is under way; removes the socket. */
  close(): Promise<void>
}

/** A path of a unix socket, or an address of loopback. */
export type MetricsPlace = { path: string } | { host: string; port: number }

export interface MetricsPage {
  contentType: string
  render(): Promise<string>
}

const PAGE = '/metrics'
/** From the first byte of a connection to the last of the answer. */
const DEADLINE_MS = 10_000
/** Of request line and headers together. */
const MAX_HEADER_BYTES = 8192
const MAX_HEADERS = 50
/** A Prometheus or two, and somebody with curl. */
const MAX_CONNECTIONS = 16
const SOCKET_MODE = 0o660

/** @throws Error of Node's, with `code`, when nobody can listen there. */
export async function serveMetrics(
  place: MetricsPlace,
  page: MetricsPage,
  deadlineMs = DEADLINE_MS,
): Promise<MetricsServer> {
  const server = createServer(
    {
      maxHeaderSize: MAX_HEADER_BYTES,
      headersTimeout: deadlineMs,
      requestTimeout: deadlineMs,
      connectionsCheckingInterval: Math.min(1000, deadlineMs),
      keepAlive: false,
    },
    (request, response) => void answer(page, request, response),
  )
  server.maxHeadersCount = MAX_HEADERS
  server.maxConnections = MAX_CONNECTIONS
  server.on('connection', (socket) => {
    const deadline = setTimeout(() => socket.destroy(), deadlineMs)
    socket.once('close', () => clearTimeout(deadline))
  })
  if ('path' in place) removeOldSocket(place.path)
  await listening(server, place)
  // What goes wrong with one connection later is that connection's alone.
  server.on('error', () => undefined)
  return { close: () => closed(server) }
}

async function answer(
  { contentType, render }: MetricsPage,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  response.setHeader('Connection', 'close')
  response.setHeader('X-Content-Type-Options', 'nosniff')
  const [path] = (request.url ?? '').split('?', 1)
  if (path !== PAGE) return end(response, 404, `only ${PAGE} is here\n`)
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    response.setHeader('Allow', 'GET, HEAD')
    return end(response, 405, 'only GET\n')
  }
  try {
    const text = await render()
    end(response, 200, text, contentType)
  } catch {
    end(response, 500, 'no metrics at this moment\n')
  }
}

function end(
  response: ServerResponse,
  status: number,
  text: string,
  contentType = 'text/plain; charset=utf-8',
): void {
  response.statusCode = status
  response.setHeader('Content-Type', contentType)
  response.setHeader('Content-Length', Buffer.byteLength(text))
  // Node leaves the body of an answer to HEAD away.
  response.end(text)
}

/** One that an earlier process left; we hold the lock of the service, so nobody listens there. */
function removeOldSocket(path: string): void {
  try {
    if (lstatSync(path).isSocket()) unlinkSync(path)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
}

function listening(server: Server, place: MetricsPlace): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // Made with nobody else's rights, and opened to the group then.
    const before = 'path' in place ? process.umask(0o177) : undefined
    try {
      server.listen(place, () => {
        server.off('error', reject)
        if ('path' in place) chmodSync(place.path, SOCKET_MODE)
        resolve()
      })
    } finally {
      if (before !== undefined) process.umask(before)
    }
  })
}

function closed(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })
}
