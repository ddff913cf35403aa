/** Descriptors that came with us and that the programs we run would get as well. */
import { closeSync, readdirSync, readFileSync } from 'node:fs'

/** `O_CLOEXEC` as proc(5) shows it in `fdinfo`. */
const CLOSE_ON_EXEC = 0o2000000

/**
 * Closes what a caller left open above standard error and did not mark to be closed. Node marks what
 * it opens, and of what it inherits the first few; whoever called us may have had a lock, a key or a
 * socket open on any other.
 */
export function closeInherited(): void {
  for (const name of namesOf('/proc/self/fd')) {
    const descriptor = Number(name)
    if (!(descriptor > 2) || !isHandedOn(descriptor)) continue
    try {
      closeSync(descriptor)
    } catch {
      // Gone since it was listed.
    }
  }
}

function namesOf(directory: string): string[] {
  try {
    return readdirSync(directory)
  } catch {
    return []
  }
}

function isHandedOn(descriptor: number): boolean {
  try {
    const flags = /^flags:\s+(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${descriptor}`, 'utf8'))
    return flags !== null && (Number.parseInt(flags[1] ?? '', 8) & CLOSE_ON_EXEC) === 0
  } catch {
    return false
  }
}
