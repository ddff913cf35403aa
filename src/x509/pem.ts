/**
 * PEM blocks (RFC 7468, with the header lines of RFC 1421 that encrypted keys carry).
 *
 * Text between blocks is passed over, since tools write names and remarks there. Inside a block
 * everything counts: a line that is no base64, or a block that does not end, is `PEM_MALFORMED`.
 */
import { VoboxError } from '../errors.js'

export interface PemBlock {
  /** E.g. `CERTIFICATE`, `RSA PRIVATE KEY`. */
  label: string
  bytes: Uint8Array
  /** E.g. `Proc-Type` and `DEK-Info` of an encrypted key. */
  headers: ReadonlyMap<string, string>
}

const BOUNDARY = /^-----(BEGIN|END) ([A-Z0-9][A-Z0-9 ]*)-----$/
const HEADER = /^([A-Za-z0-9-]+): *(.*)$/
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
const LINE_LENGTH = 64

function malformedPem(message: string, line: number, label?: string): VoboxError {
  return new VoboxError('PEM_MALFORMED', `PEM ${message} in line ${line}`, {
    data: { line, label },
  })
}

/** All blocks in their order; none is an empty list. Lines end in LF, CRLF or CR LF with blanks. */
export function parsePem(text: Uint8Array | string): PemBlock[] {
  const lines = (typeof text === 'string' ? text : latin1(text)).split('\n')
  const blocks: PemBlock[] = []
  let open: { label: string; lines: string[] } | undefined
  lines.forEach((raw, index) => {
    const line = raw.trimEnd()
    const boundary = line.startsWith('-----') ? BOUNDARY.exec(line) : null
    if (boundary === null) {
      open?.lines.push(line)
      return
    }
    const [, kind, label = ''] = boundary
    if (
      (kind === 'BEGIN') !== (open === undefined) ||
      (open !== undefined && open.label !== label)
    ) {
      throw malformedPem(`boundary "${kind} ${label}" is out of place`, index + 1, label)
    }
    if (open === undefined) open = { label, lines: [] }
    else {
      blocks.push(decodeBlock(open.label, open.lines, index + 1))
      open = undefined
    }
  })
  if (open !== undefined) throw malformedPem('block does not end', lines.length, open.label)
  return blocks
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1')
}

function decodeBlock(label: string, lines: readonly string[], endLine: number): PemBlock {
  const headers = new Map<string, string>()
  let body = 0
  for (const line of lines) {
    const header = HEADER.exec(line)
    if (header === null) break
    headers.set(header[1] ?? '', header[2] ?? '')
    body++
  }
  if (headers.size > 0 && lines[body] !== '') {
    throw malformedPem('headers are not followed by an empty line', endLine, label)
  }
  const base64Lines = lines.slice(headers.size > 0 ? body + 1 : 0)
  const base64 = base64Lines.join('')
  if (base64Lines.includes('') || base64.length % 4 !== 0 || !isCanonicalBase64(base64)) {
    throw malformedPem('block is not base64, ending', endLine, label)
  }
  return { label, bytes: Buffer.from(base64, 'base64'), headers }
}

/** Only the last four characters can hold bits that belong to no byte; those must be zero. */
function isCanonicalBase64(base64: string): boolean {
  const tail = base64.slice(-4)
  return BASE64.test(base64) && Buffer.from(tail, 'base64').toString('base64') === tail
}

/** One block with lines of 64 characters and a final newline. */
export function encodePem(label: string, der: Uint8Array): string {
  const base64 = Buffer.from(der).toString('base64')
  const lines: string[] = []
  for (let at = 0; at < base64.length; at += LINE_LENGTH) {
    lines.push(base64.slice(at, at + LINE_LENGTH))
  }
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ''].join('\n')
}
