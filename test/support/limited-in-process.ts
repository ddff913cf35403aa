/**
 * Tries to write 20 kB where less fits: `node SCRIPT probe|replace DIRECTORY`. Prints the failure.
 */
import { join } from 'node:path'
import { isVoboxError } from '../../src/errors.js'
import { nodeFiles } from '../../src/node/ports/files.js'

const [work, directory = ''] = process.argv.slice(2)
const attempt =
  work === 'probe'
    ? nodeFiles.probeWritable(directory)
    : nodeFiles.replace(join(directory, 'proxy'), Buffer.alloc(20_000), { mode: 0o600 })

attempt.then(
  () => process.stdout.write('{"code":"none"}'),
  (error: unknown) => {
    if (!isVoboxError(error)) throw error
    process.stdout.write(JSON.stringify({ code: error.code, errno: error.data.errno }))
  },
)
