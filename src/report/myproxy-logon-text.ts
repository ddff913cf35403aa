/** What `myproxy logon` fetched, for people and as JSON. */
import { printable } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import { showDistance, showInstant } from '../ports/time-text.js'
import type { AttributeReport } from '../voms/attribute-report.js'
import { type TrustRootsFacts, trustRootsFields } from './myproxy-trust-roots-text.js'
import { attributeLines } from './proxy-init-text.js'
import { encodeDocument } from './query-json.js'

export interface LogonFacts {
  server: string
  username: string
  credentialName: string | null
  /** Absent where only authentication was asked for. */
  received?: ReceivedFacts
  trustRoots?: TrustRootsFacts
}

interface ReceivedFacts {
  /** Null: standard output. */
  file: string | null
  identity: string
  subject: string
  end: UnixSeconds
  now: UnixSeconds
  limited: boolean
  attributes: readonly AttributeReport[]
  warnings: readonly LogonWarningFacts[]
}

interface LogonWarningFacts {
  code: string
  message: string
  hint?: string | undefined
  data?: Readonly<Record<string, unknown>> | undefined
}

/**
 * The first sentence is that of `myproxy-logon`: scripts look for it.
 *
 * @param terse that sentence alone; nothing where nothing was fetched, as the C tool does.
 */
export function showLogon({ server, username, received }: LogonFacts, terse = false): string {
  const name = printable(username)
  if (received === undefined) return terse ? '' : `${server} lets user ${name} have a proxy.\n`
  const { file, identity, end, now, attributes } = received
  const said = `A credential has been received for user ${name} in ${printable(file ?? '-')}.`
  if (terse) return `${said}\n`
  const lines = [
    said,
    ...attributes.flatMap(attributeLines),
    `  of     ${printable(identity)}`,
    `  from   ${server}`,
    `  until  ${showInstant(end)} (${showDistance(end, now)})`,
  ]
  return `${lines.join('\n')}\n`
}

export function encodeLogon({ received, trustRoots, ...about }: LogonFacts): string {
  const proxy = received === undefined ? null : proxyFields(received)
  const warnings = received?.warnings ?? []
  const roots = trustRoots === undefined ? null : trustRootsFields(trustRoots)
  return encodeDocument({ ...about, proxy, trustRoots: roots, warnings })
}

/** Field by field: the proxy itself, which is a secret, must not slip into a document. */
function proxyFields({ file, identity, subject, end, limited, attributes }: ReceivedFacts) {
  return { file, identity, subject, end, limited, attributes }
}
