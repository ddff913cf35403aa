/** The other half of `compose-machine-proxy`: the process that writes, with the owner's rights. */
import { dirname } from 'node:path'
import { VoboxError } from '../../errors.js'
import { MAX_CREDENTIAL_BYTES, parseCredential } from '../../proxy/credential.js'
import { nodeFiles } from '../ports/files.js'
import { becomeVoOwner } from './become-owner.js'

const MODE = 0o400

/**
 * Becomes the owner of the directory (where that is root, nobody else can write it), then reads a
 * credential from standard input and puts it there.
 *
 * @throws VoboxError `PROXY_FILE_MALFORMED` for anything that is no credential; `VO_DIRECTORY_UNSAFE`;
 *   `FILE_UNWRITABLE`.
 */
export async function writeMachineProxy(file: string, input: AsyncIterable<Buffer>): Promise<void> {
  await becomeVoOwner(nodeFiles, dirname(file))
  const bytes = await readAll(input)
  parseCredential(bytes)
  await nodeFiles.replace(file, bytes, { mode: MODE })
}

async function readAll(input: AsyncIterable<Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of input) {
    length += chunk.length
    if (length > MAX_CREDENTIAL_BYTES) {
      throw new VoboxError('FILE_TOO_LARGE', 'what came in is larger than any credential')
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
