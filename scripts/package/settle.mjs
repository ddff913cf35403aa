// Modes and times of what goes into a package.
import { chmodSync, lstatSync, lutimesSync } from 'node:fs'
import { join } from 'node:path'

/** Whatever umask it was built with, root writes and everybody reads; whenever, the time is one. */
export function settle(tree, names, epoch) {
  for (const name of names) {
    const path = join(tree, name)
    const facts = lstatSync(path)
    if (!facts.isSymbolicLink()) {
      chmodSync(path, facts.isDirectory() || facts.mode & 0o100 ? 0o755 : 0o644)
    }
    lutimesSync(path, epoch, epoch)
  }
}
