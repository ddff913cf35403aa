/** The certification request of somebody who made a key elsewhere (`logon -Q`). */
import { resolve } from 'node:path'
import { VoboxError } from '../../errors.js'
import { namingFile } from '../../repository/naming-file.js'
import { parsePem } from '../../x509/pem.js'
import { parseRequest } from '../../x509/request.js'
import { nodeFiles } from '../ports/files.js'

/** A request is a kilobyte or two. */
const MAX_BYTES = 64 * 1024

const LABELS: ReadonlySet<string> = new Set(['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'])

/**
 * The request in DER; undefined where none is given.
 *
 * @param file in PEM; `-`: standard input.
 * @throws VoboxError `REQUEST_MALFORMED`, `SIGNATURE_INVALID`, `PEM_MALFORMED`, what reading says.
 */
export async function readCertificationRequest(
  file: string | undefined,
): Promise<Uint8Array | undefined> {
  if (file === undefined) return undefined
  const path = file === '-' ? 'standard input' : resolve(file)
  const bytes = file === '-' ? await readStandardInput() : await readRequestFile(path)
  return namingFile(path, () => {
    const found = parsePem(bytes).filter(({ label }) => LABELS.has(label))
    const [block] = found
    if (block === undefined || found.length > 1) {
      const what = block === undefined ? 'holds no certificate request' : 'holds several requests'
      throw new VoboxError('REQUEST_MALFORMED', what, {
        hint: 'openssl req -new makes one',
        data: { requests: found.length },
      })
    }
    parseRequest(block.bytes)
    return block.bytes
  })
}

async function readRequestFile(path: string): Promise<Buffer> {
  return (await nodeFiles.read(path, { maxBytes: MAX_BYTES, followLinks: true })).bytes
}

async function readStandardInput(): Promise<Buffer> {
  const pieces: Buffer[] = []
  let length = 0
  for await (const piece of process.stdin) {
    pieces.push(piece as Buffer)
    length += (piece as Buffer).length
    if (length > MAX_BYTES) {
      throw new VoboxError(
        'FILE_TOO_LARGE',
        `more than ${MAX_BYTES} bytes came on standard input`,
        {
          data: { maxBytes: MAX_BYTES },
        },
      )
    }
  }
  return Buffer.concat(pieces)
}
