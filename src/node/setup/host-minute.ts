/** A minute of the hour that differs from host to host and never changes on one. */
import { createHash } from 'node:crypto'

/**
 * @param identity what tells this host from others: its machine-id and its name.
 * @returns 0 … 59.
 */
export function minuteOf(...identity: readonly string[]): number {
  const digest = createHash('sha256').update(identity.join('\n')).digest()
  return digest.readUInt32BE(0) % 60
}
