/**
 * Private keys that outlive a run: making one of RSA-2048 costs up to half a second of a core, and each
 * of several test processes would make its own of every label.
 *
 * They lie in `node_modules/.cache`, a directory for each who runs tests, and sign nothing but what
 * tests make. Processes that make the same one at once end up with one: whoever links its file first.
 */
import { createHash, createPrivateKey, type KeyObject } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const OWNER = process.getuid?.() ?? 0
const DIRECTORY = join(import.meta.dirname, `../../node_modules/.cache/test-keys-${OWNER}`)

/** The key that is kept as `kind` and `label`; the one that `make` makes where there is none. */
export function keptKey(kind: string, label: string, make: () => KeyObject): KeyObject {
  const digest = createHash('sha256').update(label).digest('hex').slice(0, 32)
  const path = join(DIRECTORY, `${kind}-${digest}.pem`)
  return read(path) ?? keep(path, make())
}

function read(path: string): KeyObject | undefined {
  try {
    return createPrivateKey(readFileSync(path))
  } catch {
    return undefined
  }
}

/** Read back, never the key as it was made: see `ecKey` in `pki.ts`. */
function keep(path: string, key: KeyObject): KeyObject {
  const temporary = `${path}.${process.pid}`
  const pem = key.export({ type: 'pkcs8', format: 'pem' })
  try {
    mkdirSync(DIRECTORY, { recursive: true, mode: 0o700 })
    writeFileSync(temporary, pem, { mode: 0o600 })
    linkSync(temporary, path)
  } catch {
    // There is one by now, or nothing can be kept here.
  } finally {
    rmSync(temporary, { force: true })
  }
  return read(path) ?? createPrivateKey(pem)
}
