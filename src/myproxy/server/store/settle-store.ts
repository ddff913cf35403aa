/** What a server does about the work of one that was killed, before it serves from the same store. */
import { join } from 'node:path'
import { isVoboxError } from '../../../errors.js'
import { type Files, TEMPORARY_PREFIX } from '../../../ports/files.js'
import type { Journal } from '../../../ports/journal.js'
import { type StoredPairs, stemOfPrevious } from './stored-pairs.js'

export interface StoreToSettle {
  files: Files
  pairs: StoredPairs
  directory: string
  journal: Journal
}

/** A temporary of this age is nobody's any more, in milliseconds. */
const TEMPORARY_MS = 600_000

/**
 * Ends replacements that were cut short, and removes old temporaries, which may hold keys. To be
 * called under the lock of the store, after a file was made in it: what is old is asked of the
 * directory, whose disk may have a clock of its own.
 */
export async function settleStore(store: StoreToSettle): Promise<void> {
  const { files, directory } = store
  const nowMs = (await files.facts(directory, { fresh: true }))?.modifiedMs ?? 0
  for (const file of await files.list(directory)) {
    const stem = stemOfPrevious(file)
    // Of a user called vobox-temporary-1, too.
    if (stem !== undefined) await settlePair(store, stem)
    else if (file.startsWith(TEMPORARY_PREFIX)) {
      await removeOlder(files, join(directory, file), nowMs - TEMPORARY_MS)
    }
  }
}

/** One that cannot be believed stays as it is, for a person to look at. */
async function settlePair({ pairs, journal }: StoreToSettle, stem: string): Promise<void> {
  try {
    await pairs.settle(stem)
  } catch (error) {
    if (!isVoboxError(error, 'MYPROXY_STORE_MALFORMED', 'FILE_UNSAFE')) throw error
    journal.write('warn', 'stored-credential-broken', error.message, { stem, code: error.code })
  }
}

async function removeOlder(files: Files, path: string, beforeMs: number): Promise<void> {
  const facts = await files.facts(path)
  if (facts !== undefined && facts.modifiedMs < beforeMs) await files.remove(path)
}
