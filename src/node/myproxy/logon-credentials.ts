/** Which credentials speak for whom in a logon: the one of TLS, and the proxy that is to be renewed. */
import { resolve } from 'node:path'
import { isVoboxError, VoboxError } from '../../errors.js'
import { describeChain } from '../../proxy/chain-facts.js'
import type { Credential } from '../../proxy/credential.js'
import { systemClock } from '../ports/clock.js'
import {
  type OwnCredentialOptions,
  readLoginProxy,
  readOwnCertificate,
  readOwnCredential,
  readProxyFile,
} from './own-credential.js'

export interface LogonCredentialOptions {
  environment: OwnCredentialOptions['environment']
  authorizationFile?: string | undefined
  noPassPhrase?: boolean | undefined
  username?: string | undefined
  dnAsUsername?: boolean | undefined
  keyPassPhrase(file: string): Promise<Buffer>
}

export interface LogonCredentials {
  /** Presented in TLS; undefined: anonymous, so that the pass phrase alone speaks for the caller. */
  credential: Credential | undefined
  /** The proxy that is renewed. */
  authorization: Credential | undefined
  /** Whose DN `-d` means. */
  ofName: Credential | undefined
  needsPassPhrase: boolean
}

/**
 * As the C tool chooses: with a pass phrase, what the caller has goes along, and is not missed where
 * it is of no use any more; without, it is what authorises.
 *
 * @throws VoboxError `FILE_MISSING`, `FILE_UNSAFE`, `PROXY_EXPIRED` where one is needed.
 */
export async function readLogonCredentials(
  options: LogonCredentialOptions,
): Promise<LogonCredentials> {
  const { authorizationFile, noPassPhrase, username, dnAsUsername } = options
  const authorization =
    authorizationFile === undefined ? undefined : await readToRenew(resolve(authorizationFile))
  const needsPassPhrase = authorization === undefined && noPassPhrase !== true
  const ownDn = dnAsUsername === true && username === undefined && authorization === undefined
  const usable = needsPassPhrase ? await readIfUsable(options) : undefined
  const needed = !needsPassPhrase || (ownDn && usable === undefined)
  const credential = needed ? await readNeeded(options) : usable
  return { credential, authorization, ofName: authorization ?? credential, needsPassPhrase }
}

/** @throws VoboxError `PROXY_EXPIRED`: the server would refuse it, in other words. */
async function readToRenew(path: string): Promise<Credential> {
  const credential = await readProxyFile(path)
  const { effectiveEnd: end } = describeChain(credential.chain)
  if (end > systemClock.now()) return credential
  throw new VoboxError('PROXY_EXPIRED', `the proxy in ${path} has expired`, {
    hint: 'an expired proxy cannot authorise its renewal: log on with the pass phrase',
    data: { path, end },
  })
}

/** What `logon` is about to replace has often expired: then the pass phrase must do. */
async function readIfUsable(options: LogonCredentialOptions): Promise<Credential | undefined> {
  const { environment } = options
  try {
    const proxy = await readLoginProxy(environment)
    if (proxy !== undefined || !environment.X509_USER_CERT) return proxy?.credential
    const { credential } = await readOwnCertificate({ environment, passPhrase: refuseToAsk })
    return describeChain(credential.chain).effectiveEnd > systemClock.now() ? credential : undefined
  } catch (error) {
    if (isVoboxError(error)) return undefined
    throw error
  }
}

/** Nobody who gives a pass phrase for the server is asked for another one of a key. */
function refuseToAsk(): Promise<Buffer> {
  throw new VoboxError('PASS_PHRASE_REQUIRED', 'the key has a pass phrase')
}

async function readNeeded(options: LogonCredentialOptions): Promise<Credential> {
  const { environment, keyPassPhrase: passPhrase } = options
  try {
    return (await readOwnCredential({ environment, passPhrase })).credential
  } catch (error) {
    if (!isVoboxError(error, 'FILE_MISSING')) throw error
    throw new VoboxError(
      'FILE_MISSING',
      'there is neither a proxy nor a certificate to log on with',
      {
        hint:
          'name a proxy in $X509_USER_PROXY, or a certificate and key in $X509_USER_CERT and ' +
          '$X509_USER_KEY; with a pass phrase none is needed',
        data: error.data,
        cause: error,
      },
    )
  }
}
