/** Noticing that another process changed a file. */
import { lstatSync, watch } from 'node:fs'
import { basename, dirname } from 'node:path'

/**
 * Some file systems (NFS, CVMFS) report nothing, so we look ourselves, within the promised second.
 */
const POLL_MS = 500

/** Several events of one replacement are answered once. */
const SETTLE_MS = 20

/**
 * Calls `onChange` after the directory entry or the content of `path` changed. What happens after
 * this function returned is never missed; it keeps no process alive.
 */
export function watchPath(path: string, onChange: () => void): { close(): void } {
  let last = signatureOf(path)
  let settling: NodeJS.Timeout | undefined

  const look = () => {
    settling = undefined
    const current = signatureOf(path)
    if (current === last) return
    last = current
    onChange()
  }
  const lookSoon = () => {
    settling ??= setTimeout(look, SETTLE_MS)
  }
  const stopEvents = watchDirectory(dirname(path), basename(path), lookSoon)
  const poll = setInterval(look, POLL_MS)
  poll.unref()

  return {
    close() {
      stopEvents()
      clearInterval(poll)
      clearTimeout(settling)
    },
  }
}

/**
 * The directory, not the file: a replaced file is another inode. Without events, polling remains.
 */
function watchDirectory(directory: string, name: string, onEvent: () => void): () => void {
  try {
    const watcher = watch(directory, { persistent: false }, (_event, changed) => {
      if (changed === null || changed === name) onEvent()
    })
    watcher.on('error', () => watcher.close())
    return () => watcher.close()
  } catch {
    return () => undefined
  }
}

/** Everything that differs when a file was replaced, written, touched, or is gone. */
function signatureOf(path: string): string {
  try {
    const stats = lstatSync(path, { bigint: true })
    return `${stats.dev}:${stats.ino}:${stats.size}:${stats.mtimeNs}:${stats.ctimeNs}`
  } catch {
    return 'nothing'
  }
}
