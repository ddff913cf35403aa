/** What `myproxy logon` fetched, for people and as JSON. */
import { printable } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import { showDistance, showInstant } from '../ports/time-text.js'
import type { AttributeReport } from '../voms/attribute-report.js'
import {
  showTrustRoots,
  type TrustRootsFacts,
  trustRootsFields,
  warningsOfTrustRoots,
} from './myproxy-trust-roots-text.js'
import { attributeLines } from './proxy-init-text.js'
import { encodeDocument } from './query-json.js'
import { showWarning } from './register-text.js'

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
  /** What is, or would be, in the file. */
  content: Uint8Array
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

export interface LogonManner {
  json?: boolean
  /** Nothing but errors. */
  quiet?: boolean
  /** The lines of the C tool alone. */
  terse?: boolean
}

/** All that `myproxy logon` prints when it worked. */
export function sayLogon(
  program: string,
  result: LogonFacts,
  { json = false, quiet = false, terse = false }: LogonManner,
): { stdout: string | Uint8Array; stderr: string } {
  const { received, trustRoots } = result
  if (json) return { stdout: encodeLogon(result), stderr: '' }
  // Where the proxy goes to standard output, nothing else does.
  const proxy = received?.file === null ? received.content : undefined
  if (quiet) return { stdout: proxy ?? '', stderr: '' }
  const ofRoots = trustRoots === undefined ? [] : warningsOfTrustRoots(trustRoots)
  const warnings = [...(received?.warnings ?? []), ...ofRoots]
  const stderr = warnings.map((warning) => showWarning(program, warning)).join('')
  const roots = trustRoots === undefined ? '' : showTrustRoots(trustRoots, terse)
  return proxy === undefined
    ? { stdout: showLogon(result, terse) + roots, stderr }
    : { stdout: proxy, stderr: roots + stderr }
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
