/**
 * `vomses` lines: where the VOMS servers of a VO are, and who they are.
 *
 *     "alias" "host" "port" "server DN" "vo" ["version"]
 *
 * The alias is what people name after `--voms`, mostly the VO itself. Several lines with one alias
 * are replicas. What a tool of another age wrote after the VO is ignored.
 */
import { isIP } from 'node:net'
import { printable, VoboxError } from '../errors.js'
import type { ServerAddress } from '../gsi/server-address.js'

export interface VomsServer extends ServerAddress {
  readonly alias: string
  readonly host: string
  readonly port: number
  /** Subject DN that its certificate must have, as one-line text. */
  readonly dn: string
  readonly vo: string
}

export interface ParsedVomses {
  servers: VomsServer[]
  /** A `VOMSES_INVALID` for each line that could not be used: it hides none of the others. */
  problems: VoboxError[]
}

/** Lines looked at in one file; CERN's whole collection has some hundred. */
const MAX_LINES = 10_000

const FIELD = /"([^"]*)"|([^\s"]+)/y
const NAME = /^[\w.-]{1,255}$/
const HOST = /^[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?$/

/**
 * Reads the lines of one file; empty lines and those that begin with `#` say nothing.
 *
 * @param path of the file, for people.
 */
export function parseVomses(text: string, path: string): ParsedVomses {
  const servers: VomsServer[] = []
  const problems: VoboxError[] = []
  for (const [index, line] of text.split('\n', MAX_LINES).entries()) {
    const trimmed = line.trim()
    if (trimmed === '' || trimmed.startsWith('#')) continue
    const server = parseLine(trimmed)
    if (typeof server !== 'string') servers.push(server)
    else problems.push(invalid(path, index + 1, server))
  }
  return { servers, problems }
}

/**
 * The servers of a VO, in the order of the lines, each address once: those with that alias, or else
 * those of the VO of that name.
 */
export function serversNamed(servers: readonly VomsServer[], voOrAlias: string): VomsServer[] {
  const named = servers.filter(({ alias }) => alias === voOrAlias)
  const found = named.length > 0 ? named : servers.filter(({ vo }) => vo === voOrAlias)
  return withoutRepetitions(found.filter(({ vo }) => vo === found[0]?.vo))
}

function withoutRepetitions(servers: readonly VomsServer[]): VomsServer[] {
  const byAddress = new Map<string, VomsServer>()
  for (const server of servers) {
    const key = `${server.host.toLowerCase()} ${server.port}`
    if (!byAddress.has(key)) byAddress.set(key, server)
  }
  return [...byAddress.values()]
}

/** A server, or what is wrong with the line. */
function parseLine(line: string): VomsServer | string {
  const fields = splitFields(line)
  if (fields === undefined) return 'its fields are not separated by blanks, each in double quotes'
  const [alias = '', host = '', portText = '', dn = '', vo = ''] = fields
  if (fields.length < 5) return `it has ${fields.length} fields of 5`
  if (!NAME.test(alias)) return `'${printable(alias, 100)}' is no name for a VO`
  if (!HOST.test(host) && isIP(host) === 0) return `'${printable(host, 100)}' is not a host name`
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0
  if (port < 1 || port > 65_535) return `'${printable(portText, 100)}' is not a port`
  if (!/^\/[^=]+=/.test(dn) || dn !== printable(dn)) return `'${printable(dn, 100)}' is not a DN`
  if (!NAME.test(vo)) return `'${printable(vo, 100)}' is no name for a VO`
  return { alias, host, port, dn: modernDn(dn), vo }
}

function splitFields(line: string): string[] | undefined {
  const fields: string[] = []
  let at = 0
  while (at < line.length) {
    FIELD.lastIndex = at
    const match = FIELD.exec(line)
    if (match === null) return undefined
    fields.push(match[1] ?? match[2] ?? '')
    at = FIELD.lastIndex
    const next = line.slice(at).search(/\S/)
    if (next === 0) return undefined
    at = next === -1 ? line.length : at + next
  }
  return fields
}

/** Files of fifteen years still use the attribute names of the first OpenSSL. */
function modernDn(dn: string): string {
  return dn.replace(/\/(?:E|Email)=/g, '/emailAddress=').replace(/\/USERID=/g, '/UID=')
}

function invalid(path: string, line: number, reason: string): VoboxError {
  return new VoboxError('VOMSES_INVALID', `${printable(path)}, line ${line}: ${reason}`, {
    data: { path, line, reason },
    hint: 'A line reads "alias" "host" "port" "server DN" "vo"',
  })
}
