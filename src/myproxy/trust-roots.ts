/**
 * The CA files that a server hands out (`TRUSTED_CERTS=1`): the names in one line, each content in
 * base64 in a line of its own, as Debian's myproxy-server 6.2 sends every file of its directory.
 *
 *     TRUSTED_CERTS=8b33482b.0,8b33482b.signing_policy
 *     FILEDATA_8b33482b.0=LS0tLS1CRUdJ…
 *
 * The names become names of files here, so they are judged more strictly than anything else that
 * a server sends.
 */
import { printable } from '../errors.js'
import { type Field, type Fields, violation } from './text-message.js'

/** One file of a server's CA directory. */
export interface TrustRootFile {
  /** As a CA directory has it: never a path, never hidden. */
  name: string
  content: Buffer
}

/** Largest answer with CA files, in bytes: all CAs of the IGTF with their lists are under 20 MB. */
export const MAX_TRUST_ROOTS_BYTES = 64 * 1024 * 1024

/** Most files in one answer; the CAs of the IGTF are about a thousand. */
const MAX_FILES = 10_000

/** OpenSSL's hash of a CA's name, and what it is: a certificate, a list, a policy. */
const HASHED = /^[0-9a-f]{8}\.(?:r?\d{1,3}|signing_policy|namespaces|crl_url|info)$/

/** A CA by its own name, as distributions ship it, or what they say about themselves. */
const NAMED =
  /^[A-Za-z0-9][A-Za-z0-9_+.-]{0,120}\.(?:pem|crt|crl|crl_url|info|namespaces|signing_policy|policy)$/

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

/**
 * The CA files of a response; none where it carries none.
 *
 * Files that no CA directory needs (a log, a README) are passed over.
 *
 * @throws `PROTOCOL_VIOLATION` for a name that leads out of its directory, hides itself or stands
 *   twice, and for content that is not there or not base64.
 */
export function parseTrustRoots(fields: Fields): TrustRootFile[] {
  const listed = fields.optional('TRUSTED_CERTS') ?? ''
  const names = listed.split(',').filter((name) => name !== '')
  if (names.length > MAX_FILES) {
    throw violation(`${names.length} CA files in one answer, where ${MAX_FILES} are the limit`)
  }
  for (const name of names) {
    if (/^\.|[/\\\0]/.test(name)) {
      throw violation(`a CA file by the name of "${printable(name, 100)}"`, {
        reason: 'trust-root-name',
        name: printable(name, 100),
      })
    }
  }
  // A file system may know two names as one; that would let the second replace the first.
  const folded = new Set(names.map((name) => name.toLowerCase()))
  if (folded.size !== names.length) throw violation('TRUSTED_CERTS names a file twice')
  return names
    .filter((name) => isTrustRootName(name))
    .map((name) => ({ name, content: decode(name, fields.required(`FILEDATA_${name}`)) }))
}

/** The lines of a response that hands files out. */
export function encodeTrustRoots(files: readonly TrustRootFile[]): Field[] {
  if (files.length === 0) return []
  return [
    ['TRUSTED_CERTS', files.map(({ name }) => name).join(',')],
    ...files.map(({ name, content }): Field => [`FILEDATA_${name}`, content.toString('base64')]),
  ]
}

/** Whether a CA directory has files by such a name. */
export function isTrustRootName(name: string): boolean {
  return HASHED.test(name) || NAMED.test(name)
}

function decode(name: string, base64: string): Buffer {
  if (base64.length % 4 !== 0 || !BASE64.test(base64)) {
    throw violation(`the content of the CA file ${name} is not base64`, { name })
  }
  return Buffer.from(base64, 'base64')
}
