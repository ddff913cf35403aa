/** What `myproxy retrieve` fetched, for people and as JSON. */
import { printable } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import { showDistance, showInstant } from '../ports/time-text.js'
import { type TrustRootsFacts, trustRootsFields } from './myproxy-trust-roots-text.js'
import { encodeDocument } from './query-json.js'

export interface RetrieveFacts {
  server: string
  username: string
  credentialName: string | null
  certificateFile: string
  keyFile: string
  keyEncrypted: boolean
  identity: string
  end: UnixSeconds
  /** When it came. */
  now: UnixSeconds
  /** Where what was there before is now. */
  kept: readonly string[]
  trustRoots?: TrustRootsFacts
}

/** @param terse the words of `myproxy-retrieve` alone, with which it begins in any case. */
export function showRetrieved(facts: RetrieveFacts, terse = false): string {
  const { username, certificateFile, keyFile, keyEncrypted, identity, end, now, kept } = facts
  const secured = keyEncrypted ? 'encrypted with the same pass phrase' : 'NOT encrypted'
  const said = [
    `Credentials for ${printable(username)} have been stored in`,
    `${printable(certificateFile)} and`,
    `${printable(keyFile)}.`,
  ]
  if (terse) return `${said.join('\n')}\n`
  const lines = [
    ...said,
    `The key is ${secured}.`,
    ...kept.map((path) => `What was there before is in ${printable(path)}.`),
    `It is of ${printable(identity)}, valid until ${showInstant(end)} (${showDistance(end, now)}).`,
  ]
  return `${lines.join('\n')}\n`
}

export function encodeRetrieved({ now: _now, trustRoots, ...facts }: RetrieveFacts): string {
  const roots = trustRoots === undefined ? null : trustRootsFields(trustRoots)
  return encodeDocument({ ...facts, trustRoots: roots })
}
