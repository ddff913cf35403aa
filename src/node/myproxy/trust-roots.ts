/**
 * The CA files of a MyProxy server: fetched with `logon -T` and `get-trustroots`, and with `-b` by a
 * machine that knows no CA yet.
 */
import { isVoboxError, printable, VoboxError } from '../../errors.js'
import { showServer } from '../../myproxy/server-list.js'
import type { TrustRootFile } from '../../myproxy/trust-roots.js'
import { validateProxyChain } from '../../proxy/validate-proxy-chain.js'
import type { Certificate } from '../../x509/certificate.js'
import { makeTrustAnchors } from '../../x509/trust-anchors.js'
import { systemClock } from '../ports/clock.js'
import { nodeFiles } from '../ports/files.js'
import type { MyProxyClient } from './my-proxy-client.js'
import { judgeTrustRoots, materialOf } from './trust-roots-files.js'
import {
  type InstalledTrustRoots,
  installTrustRoots,
  requireOwnDirectory,
  trustRootsDirectoryOf,
} from './trust-roots-install.js'

export interface TrustRootsOptions {
  /** Opens a client with the same environment and configuration. */
  open(): Promise<MyProxyClient>
  /** `X509_CERT_DIR` and `HOME` say where the files go. */
  environment: Readonly<Record<string, string | undefined>>
  /** Take them from a server whose CA is not known here. */
  bootstrap?: boolean | undefined
}

export interface GotTrustRoots extends InstalledTrustRoots {
  server: string
  /** Of a server whose CA was not known: the CA that vouches for it; it sent that itself. */
  vouchedBy?: { subject: string; fingerprint: string }
}

/**
 * Fetches and installs them.
 *
 * @throws VoboxError what the client says; `PEER_UNTRUSTED` where the server's CA is not known, with
 *   `bootstrap` where it is not among what the server sent, and where it is known and says no; `FILE_UNSAFE` for a directory that is not
 *   the caller's; `PROTOCOL_VIOLATION` where nothing useful came.
 */
export async function fetchTrustRoots(options: TrustRootsOptions): Promise<GotTrustRoots> {
  const { environment, bootstrap = false } = options
  const directory = trustRootsDirectoryOf(environment)
  await requireOwnDirectory(nodeFiles, directory)
  const client = await options.open()
  const got = await client.getTrustRoots({ bootstrap }).catch((error: unknown) => {
    throw bootstrap ? error : withBootstrapHint(error)
  })
  const vouchedBy = got.serverTrusted ? undefined : authorityOf(got.serverChain, got.files)
  const installed = await installTrustRoots(nodeFiles, directory, got.files)
  return { server: showServer(got.server), ...installed, ...(vouchedBy && { vouchedBy }) }
}

/** Installs what came along with something else. */
export async function placeTrustRoots(
  server: string,
  files: readonly TrustRootFile[],
  environment: TrustRootsOptions['environment'],
): Promise<GotTrustRoots> {
  const directory = trustRootsDirectoryOf(environment)
  return { server, ...(await installTrustRoots(nodeFiles, directory, files)) }
}

/** A CA that is not here; not one that is, and says no: a forgery must be no reason to believe it. */
const UNKNOWN_CA: readonly unknown[] = ['CHAIN_UNTRUSTED', 'TRUST_ANCHORS_UNREADABLE']

/** To people with an empty CA directory the way out must be said; it is theirs to choose. */
function withBootstrapHint(error: unknown): unknown {
  if (!isVoboxError(error) || !isAboutUnknown(error)) return error
  const { code, message, data, persistence } = error
  const cure = error.hint === undefined ? '' : `${error.hint}\n`
  return new VoboxError(code, message, {
    hint: `${cure}--bootstrap takes the CA from the server itself: compare its fingerprint then`,
    data,
    persistence,
    cause: error,
  })
}

function isAboutUnknown(error: unknown): boolean {
  if (!isVoboxError(error)) return false
  const { code, data, cause } = error
  return UNKNOWN_CA.includes(code) || UNKNOWN_CA.includes(data.reason) || isAboutUnknown(cause)
}

/**
 * The CA at the top of the server's chain, among those that it sent. A server that is not even vouched
 * for by its own files would be refused by the next call, with nothing gained.
 */
function authorityOf(
  serverChain: readonly Certificate[],
  files: readonly TrustRootFile[],
): { subject: string; fingerprint: string } {
  const now = systemClock.now()
  const material = materialOf(judgeTrustRoots(files).entries)
  const anchors = makeTrustAnchors(material, { allowMissingSigningPolicy: true, now: () => now })
  try {
    const { anchor } = validateProxyChain(serverChain, anchors, {
      now,
      allowLegacyProxies: true,
      maxDelegationDepth: serverChain.length,
      purpose: 'server',
    })
    return { subject: anchor.subject.oneLine, fingerprint: anchor.fingerprintSha256 }
  } catch (error) {
    if (!isVoboxError(error)) throw error
    const subject = printable(serverChain[0]?.subject.oneLine ?? 'the server')
    throw new VoboxError(
      'PEER_UNTRUSTED',
      `${subject} is not vouched for by the CA files that it sent: ${error.message}`,
      {
        hint: 'nothing was installed; ask the manager of the MyProxy server for the CA that it uses',
        data: { ...error.data, reason: error.code },
        cause: error,
      },
    )
  }
}
