/** What `myproxy store` did. The first line is as `myproxy-store` says it. */
import { printable } from '../errors.js'
import type { AccessWarning } from '../myproxy/access-policy.js'
import type { AccessPolicies } from '../myproxy/request.js'
import type { StoredCredential } from '../myproxy/response.js'
import type { UnixSeconds } from '../ports/clock.js'
import { showDistance, showDuration, showInstant } from '../ports/time-text.js'
import { accessOf, showAccess } from './myproxy-access-words.js'
import { storedFields } from './myproxy-info-text.js'
import type { StoredPlace } from './myproxy-owner-text.js'
import { encodeDocument } from './query-json.js'

/** What a program can tell warnings about a credential that was stored by. */
export type StoreWarningCode =
  | 'key-not-encrypted'
  | 'pass-phrase-in-the-way'
  | 'pair-not-checked'
  | 'stored-by-another'
  | 'key-not-rsa'
  | 'certificate-ends-soon'
  | 'not-for-clients'
  | 'weak-certificate'
  | 'replaces-other-mode'
  | AccessWarning['code']

export interface StoreWarning {
  code: StoreWarningCode
  message: string
  hint?: string | undefined
  data?: Readonly<Record<string, unknown>> | undefined
}

export interface Stored extends StoredPlace {
  /** Subject DN of the certificate, in one-line form. */
  identity: string
  /** When the certificate ends. */
  end: UnixSeconds
  /** What was there under that name, of this owner; null: nothing. */
  replaced: StoredCredential | null
  /** Longest proxy that the server will delegate from it. */
  lifetimeSeconds: number
  keyEncrypted: boolean
  /** Whether key and certificate were seen to belong together. */
  pairChecked: boolean
  policies: AccessPolicies
  warnings: readonly StoreWarning[]
  now: UnixSeconds
}

/** @param terse the line of `myproxy-store` alone. */
export function showStored(stored: Stored, terse = false): string {
  const said = 'Credentials saved to myproxy server.'
  if (terse) return `${said}\n`
  const { server, username, credentialName, identity, end, now } = stored
  const which = credentialName === null ? 'the default credential' : `'${credentialName}'`
  const lines = [
    `  server   ${server}`,
    `  as       ${which} of ${username}`,
    `  of       ${identity}, ends ${showInstant(end, 'minute')} (${showDistance(end, now)})`,
    `  proxies  up to ${showDuration(stored.lifetimeSeconds)}`,
    `  access   ${showAccess(stored.policies)}`,
  ]
  return [said, ...lines.map((line) => printable(line)), ''].join('\n')
}

export function encodeStored({ now, policies, replaced, ...stored }: Stored): string {
  const before = replaced && storedFields(replaced, now)
  return encodeDocument({ ...stored, replaced: before, access: accessOf(policies) })
}
