/**
 * The credential of the server itself, where `myproxy-server(8)` has it (ENVIRONMENT): certificate and
 * key by `X509_USER_CERT` and `X509_USER_KEY`, else a proxy file that `X509_USER_PROXY` names, else the
 * host's for root, or `~/.globus/usercert.pem` for anybody else. The C server takes them in this order.
 */
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { type ErrorCode, isVoboxError, printable, VoboxError } from '../../errors.js'
import type { UnixSeconds } from '../../ports/clock.js'
import { describeChain } from '../../proxy/chain-facts.js'
import { type Credential, parseCredential, parseSplitCredential } from '../../proxy/credential.js'
import { isRoot } from '../compose/become-owner.js'
import { HOST_CERTIFICATE, HOST_KEY, readHostFile } from '../compose/compose-machine-proxy.js'

type Environment = Readonly<Record<string, string | undefined>>

/** Where a server's credential is: in two files, or both in one. */
export interface ServerCredentialPlaces {
  certificate: string
  key: string
}

const KEY_FORBIDS = 0o077
const CERTIFICATE_FORBIDS = 0o022

/** Where the usual ones are about proxies. */
const HINTS: Partial<Record<ErrorCode, string>> = {
  FILE_MISSING: 'X509_USER_CERT and X509_USER_KEY name the certificate and the key of the server',
  FILE_UNREADABLE: 'Make them files of the account that the server runs as, the key with mode 0400',
  PROXY_KEY_MISMATCH: 'Put the key there that the certificate was requested with',
}

export function serverCredentialPlaces(environment: Environment): ServerCredentialPlaces {
  const { X509_USER_PROXY: proxy, X509_USER_CERT: certificate, X509_USER_KEY: key } = environment
  if (proxy && !certificate && !key) return { certificate: resolve(proxy), key: resolve(proxy) }
  const globus = join(environment.HOME || homedir(), '.globus')
  const usual = isRoot()
    ? { certificate: HOST_CERTIFICATE, key: HOST_KEY }
    : { certificate: join(globus, 'usercert.pem'), key: join(globus, 'userkey.pem') }
  return { certificate: resolve(certificate || usual.certificate), key: resolve(key || usual.key) }
}

/**
 * @throws VoboxError `FILE_MISSING`, `FILE_UNSAFE` for a key that others can read, `KEY_ENCRYPTED`,
 *   `PROXY_KEY_MISMATCH` and what else the codec says, each with the names of the files.
 */
export async function readServerCredential(places: ServerCredentialPlaces): Promise<Credential> {
  const { certificate, key } = places
  try {
    const keyBytes = await readHostFile(key, KEY_FORBIDS)
    if (certificate === key) return parseCredential(keyBytes)
    return parseSplitCredential(await readHostFile(certificate, CERTIFICATE_FORBIDS), keyBytes)
  } catch (error) {
    if (!isVoboxError(error)) throw error
    const { code, data, cause } = error
    const which = certificate === key ? key : `${certificate} and ${key}`
    const shown = printable(which)
    const message = error.message.includes(key) ? error.message : `${shown}: ${error.message}`
    throw new VoboxError(code, message, { hint: HINTS[code] ?? error.hint, data, cause })
  }
}

/**
 * The same, refused once it has expired: nobody would talk to such a server.
 *
 * @throws VoboxError `CHAIN_EXPIRED`; as {@link readServerCredential}.
 */
export async function readLivingCredential(
  places: ServerCredentialPlaces,
  now: UnixSeconds,
): Promise<Credential> {
  const credential = await readServerCredential(places)
  const { identity, effectiveEnd: end } = describeChain(credential.chain)
  if (end > now) return credential
  const path = places.certificate
  throw new VoboxError('CHAIN_EXPIRED', `${printable(path)}: the certificate has expired`, {
    hint: `Get a new one for ${printable(identity.oneLine)}, and put it there with its key`,
    data: { path, end, identity: identity.oneLine },
  })
}
