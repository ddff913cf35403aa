/** An HTTP answer as a VOMS server sends it (RFC 9112): status, headers that tell its length, body. */
import { printable } from '../errors.js'
import { notVoms } from './voms-answer.js'

export interface HttpAnswer {
  status: number
  /** As far as people may see it; may be empty. */
  reason: string
  body: Buffer
}

interface Head {
  status: number
  reason: string
  chunked: boolean
  /** Of the body, in bytes; undefined: it ends with the connection. */
  length: number | undefined
  /** Where the body begins. */
  end: number
}

const MAX_HEAD_BYTES = 16 * 1024

/** No server cuts an answer smaller; all are looked at again with every packet that comes. */
const MAX_CHUNKS = 10_000

/** A bare line feed is taken too (RFC 9112 §2.2). */
const LINE_END = /\r?\n/
const BLANK_LINE = /\r?\n\r?\n/

/** Whether the answer tells its own length and that much is there. */
export function isWholeHttpAnswer(received: Buffer): boolean {
  const head = parseHead(received)
  if (head === undefined) return false
  if (head.chunked) return unchunk(received.subarray(head.end)) !== undefined
  return head.length !== undefined && received.length >= head.end + head.length
}

/** @throws VoboxError `PROTOCOL_VIOLATION` for what is not HTTP, or shorter than it says it is. */
export function parseHttpAnswer(bytes: Buffer): HttpAnswer {
  const head = parseHead(bytes)
  if (head === undefined) throw notVoms('sent something else than HTTP to a request in HTTP')
  const { status, reason, chunked, length } = head
  const rest = bytes.subarray(head.end)
  const body = chunked ? unchunk(rest) : rest.subarray(0, length)
  if (body === undefined || body.length < (chunked ? 0 : (length ?? 0))) {
    throw notVoms('sent an HTTP answer that ends in its middle')
  }
  return { status, reason, body }
}

/** Undefined: no HTTP, or its head is not whole. */
function parseHead(bytes: Buffer): Head | undefined {
  const text = bytes.toString('latin1', 0, MAX_HEAD_BYTES)
  const blank = BLANK_LINE.exec(text)
  if (blank === null) return undefined
  const [statusLine = '', ...fields] = text.slice(0, blank.index).split(LINE_END)
  const match = /^HTTP\/1\.[01] (\d{3})(?: (.*))?$/.exec(statusLine)
  if (match === null) return undefined
  const headers = new Map(fields.map(splitField))
  const length = headers.get('content-length')
  return {
    status: Number(match[1]),
    reason: printable(match[2] ?? '', 100).trim(),
    chunked: (headers.get('transfer-encoding') ?? '').toLowerCase() === 'chunked',
    length: length !== undefined && /^\d{1,9}$/.test(length) ? Number(length) : undefined,
    end: blank.index + blank[0].length,
  }
}

function splitField(field: string): [string, string] {
  const colon = field.indexOf(':')
  return [field.slice(0, colon).trim().toLowerCase(), field.slice(colon + 1).trim()]
}

/** The content of all chunks (RFC 9112 §7.1; trailers are of no interest); undefined: not all there, or too many. */
function unchunk(bytes: Buffer): Buffer | undefined {
  const chunks: Buffer[] = []
  let at = 0
  while (chunks.length < MAX_CHUNKS) {
    const lineEnd = bytes.indexOf('\n', at)
    const size = /^([0-9a-f]{1,7})[ \t]*(?:;.*)?\r?$/i.exec(bytes.toString('latin1', at, lineEnd))
    if (lineEnd === -1 || size === null) return undefined
    const length = Number.parseInt(size[1] ?? '', 16)
    if (length === 0) return Buffer.concat(chunks)
    const from = lineEnd + 1
    if (from + length > bytes.length) return undefined
    chunks.push(bytes.subarray(from, from + length))
    at = from + length
    at += bytes.subarray(at, at + 2).toString('latin1') === '\r\n' ? 2 : 1
  }
  return undefined
}
