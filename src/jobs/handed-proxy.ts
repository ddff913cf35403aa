/**
 * What a workload manager hands over: a proxy file and the name of one MyProxy server. For the desk,
 * and for who only wants to know what the desk would say.
 */
import { dirname } from 'node:path'
import { printable, VoboxError } from '../errors.js'
import { parseServerList, showServer } from '../myproxy/server-list.js'
import { MAX_CREDENTIAL_BYTES } from '../proxy/credential.js'
import type { NamedFiles } from './few-reads.js'

/** 0600 or 0400: nothing for group and others. */
const FORBIDDEN_MODE = 0o177

const WRITABLE_BY_OTHERS = 0o022

/**
 * The bytes of the file. A link, such as the importer leaves in an old spool, is followed only where
 * nobody else could have put it: never in `/tmp`, where it could hand one user's proxy to another's job.
 *
 * @param owners who may own the file, and the directory of a link.
 * @param links `none`: the file itself or nothing; default `ours`.
 * @throws VoboxError `FILE_…`.
 */
export async function readHandedProxy(
  files: NamedFiles,
  path: string,
  owners: readonly number[],
  links: 'ours' | 'none' = 'ours',
): Promise<Buffer> {
  const rules = { maxBytes: MAX_CREDENTIAL_BYTES, owners, forbiddenMode: FORBIDDEN_MODE }
  const isLink = links === 'ours' && (await files.facts(path))?.kind === 'symlink'
  const followLinks = isLink && (await isOursAlone(files, dirname(path), owners))
  return (await files.read(path, { ...rules, followLinks })).bytes
}

async function isOursAlone(
  files: NamedFiles,
  directory: string,
  owners: readonly number[],
): Promise<boolean> {
  const facts = await files.facts(directory)
  if (facts?.kind !== 'directory' || (facts.mode & WRITABLE_BY_OTHERS) !== 0) return false
  return owners.includes(facts.uid)
}

/**
 * `host:port` of the server that a job's proxy is renewed from.
 *
 * @throws VoboxError `SERVER_LIST_INVALID` for none, several, or what is no name.
 */
export function oneServer(text: string, defaultPort: number): string {
  const [only, another] = parseServerList(text, defaultPort)
  if (only !== undefined && another === undefined) return showServer(only)
  throw new VoboxError('SERVER_LIST_INVALID', `${printable(text)} is not one MyProxy server`, {
    hint: 'A job names the server that its proxy is renewed from as HOST or HOST:PORT',
    data: { servers: printable(text) },
  })
}
