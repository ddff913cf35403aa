import { isVoboxError } from '../../../errors.js'
import type { Journal } from '../../../ports/journal.js'
import type { PlacedEntry } from './stored-pairs.js'

/**
 * For whoever goes on without a stored credential that cannot be read: its administrator hears of it.
 *
 * @throws an `error` that is not about what is stored.
 */
export function noteBroken(
  journal: Journal,
  { stem }: Pick<PlacedEntry, 'stem'>,
  error: unknown,
): void {
  if (!isVoboxError(error)) throw error
  const { code, message } = error
  journal.write('warn', 'stored-credential-broken', message, { stem, code })
}
