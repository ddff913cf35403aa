/**
 * Fetching a stored certificate and its key as they are: what `myproxy retrieve` does.
 *
 * A key comes encrypted as it was stored, and stays so. Where it came without a pass phrase it gets that of
 * the stored credential, if there is one; the C tool takes it off, as this does only when it is told.
 */
import { homedir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { printable, VoboxError } from '../../errors.js'
import { showServer } from '../../myproxy/server-list.js'
import type { UnixSeconds } from '../../ports/clock.js'
import { type ChainFacts, describeChain } from '../../proxy/chain-facts.js'
import { validateProxyChain } from '../../proxy/validate-proxy-chain.js'
import type { RetrieveFacts } from '../../report/myproxy-retrieve-text.js'
import type { Certificate } from '../../x509/certificate.js'
import { encodePem, parsePem } from '../../x509/pem.js'
import {
  encodePrivateKey,
  isEncryptedKey,
  keysMatch,
  parsePrivateKey,
} from '../../x509/private-key.js'
import { readEffectiveConfig } from '../compose/compose-config.js'
import { judgeOnDemand } from '../compose/compose-judge.js'
import { currentUid } from '../compose/compose-login.js'
import { systemClock } from '../ports/clock.js'
import { nodeFiles } from '../ports/files.js'
import { readLogonCredentials } from './logon-credentials.js'
import type { MyProxyClient } from './my-proxy-client.js'
import { trustPlaceOf } from './my-proxy-options.js'
import { readProxyFile } from './own-credential.js'
import { requireRootOnlyAbove } from './root-place.js'
import { type GotTrustRoots, placeTrustRoots } from './trust-roots.js'
import { usernameOf } from './username.js'

export interface RetrieveOptions {
  /** Opens a client with the same environment and configuration. */
  open(): Promise<MyProxyClient>
  environment: Readonly<Record<string, string | undefined>>
  configFile?: string | undefined
  /** `-l`, `-d`, `-k`. */
  username?: string | undefined
  dnAsUsername?: boolean | undefined
  credentialName?: string | undefined
  /** A proxy whose DN `-d` means, instead of the caller's own. */
  nameFile?: string | undefined
  /** Default `$X509_USER_CERT`, or `~/.globus/usercert.pem`. */
  certificateFile?: string | undefined
  /** Default `$X509_USER_KEY`, or `~/.globus/userkey.pem`. */
  keyFile?: string | undefined
  /** Replace files that are there; they are kept beside, with `.old` (`.old.1`, …) behind their names. */
  force?: boolean | undefined
  /** Write the key without a pass phrase. */
  plainKey?: boolean | undefined
  /** Another way of authorisation than a pass phrase (`-n`). */
  noPassPhrase?: boolean | undefined
  /** Install the server's CA files. */
  trustRoots?: boolean | undefined
  passPhrase(): Promise<Uint8Array>
  keyPassPhrase(file: string): Promise<Buffer>
  signal?: AbortSignal | undefined
}

export interface RetrieveResult extends RetrieveFacts {
  trustRoots?: GotTrustRoots
}

const CERTIFICATE_MODE = 0o644
const KEY_MODE = 0o600
const DIRECTORY_MODE = 0o700

/**
 * @throws VoboxError what the client says; `FILE_UNSAFE` with `data.reason` `'exists'` for a file that is
 *   there, without `force`; `PROXY_KEY_MISMATCH` for a key of another certificate; what validating the
 *   chain says.
 */
export async function retrieveCredential(options: RetrieveOptions): Promise<RetrieveResult> {
  const { credentialName, environment, trustRoots, signal } = options
  const places = placesOf(options)
  const kept = await checkPlaces(places, options.force === true)
  const own = await readLogonCredentials(options)
  const ofName = options.nameFile ? await readProxyFile(resolve(options.nameFile)) : own.ofName
  const username = usernameOf({ ...options, credential: ofName })
  const client = await options.open()
  const passPhrase = own.needsPassPhrase ? await options.passPhrase() : undefined
  try {
    const { credential } = own
    const call = { username, credentialName, credential, passPhrase, trustRoots, signal }
    const got = await client.retrieve(call)
    const server = showServer(got.server)
    const installed = trustRoots
      ? await placeTrustRoots(server, got.trustRoots, environment)
      : undefined
    const { facts, end } = await judge(options, got.chain)
    const plain = options.plainKey === true
    const key = keyFor(got.keyPem, facts, { passPhrase, plain })
    await write(places, got.chain, key.pem, kept)
    return {
      ...{
        server,
        username,
        credentialName: credentialName ?? null,
        ...places,
        kept: [...kept.values()],
        end,
      },
      ...{ keyEncrypted: key.encrypted, identity: facts.identity.oneLine, now: systemClock.now() },
      ...(installed && { trustRoots: installed }),
    }
  } finally {
    passPhrase?.fill(0)
  }
}

interface Places {
  certificateFile: string
  keyFile: string
}

function placesOf({ certificateFile, keyFile, environment }: RetrieveOptions): Places {
  const globus = join(environment.HOME || homedir(), '.globus')
  const certificate =
    certificateFile ?? (environment.X509_USER_CERT || join(globus, 'usercert.pem'))
  const key = keyFile ?? (environment.X509_USER_KEY || join(globus, 'userkey.pem'))
  const places = { certificateFile: resolve(certificate), keyFile: resolve(key) }
  if (places.certificateFile !== places.keyFile) return places
  throw new VoboxError('USAGE', 'certificate and key go into two files', {
    hint: 'name them with --certfile and --keyfile',
    data: { path: places.keyFile },
  })
}

const OLD = '.old'
const MOST_OLD = 100

/** Files in the way → where they are kept. */
type Kept = ReadonlyMap<string, string>

/** What was kept before stays, too. */
async function freeNameFor(path: string): Promise<string> {
  for (let number = 0; number < MOST_OLD; number += 1) {
    const name = `${path}${OLD}${number === 0 ? '' : `.${number}`}`
    if ((await nodeFiles.facts(name)) === undefined) return name
  }
  throw inTheWay(path, `was replaced ${MOST_OLD} times`, `remove what is left of ${path}${OLD}*`)
}

/** A key that is overwritten is lost for ever, and with it what was encrypted for it. */
async function checkPlaces(places: Places, force: boolean): Promise<Kept> {
  const kept = new Map<string, string>()
  for (const path of Object.values(places) as string[]) {
    await requireRootOnlyAbove(nodeFiles, path)
    const facts = await nodeFiles.facts(path)
    if (facts !== undefined) {
      const mine = facts.kind === 'file' && facts.uid === currentUid()
      if (!mine) throw inTheWay(path, 'is no file of yours', 'remove it, or name another place')
      if (!force) throw inTheWay(path, 'is there already', `--force keeps it as ${path}${OLD}`)
      kept.set(path, await freeNameFor(path))
    }
    const directory = dirname(path)
    if ((await nodeFiles.facts(directory)) === undefined) {
      await nodeFiles.makeDirectory(directory, DIRECTORY_MODE)
    }
    await nodeFiles.probeWritable(directory)
  }
  return kept
}

function inTheWay(path: string, what: string, hint: string): VoboxError {
  return new VoboxError('FILE_UNSAFE', `${printable(path)} ${what}`, {
    hint: printable(hint),
    data: { path, reason: 'exists' },
  })
}

async function judge(
  { environment, configFile }: RetrieveOptions,
  chain: readonly Certificate[],
): Promise<{ facts: ChainFacts; end: UnixSeconds }> {
  const config = await readEffectiveConfig(nodeFiles, environment, currentUid(), configFile)
  const directory = await trustPlaceOf(environment, config)
  const rules = judgeOnDemand({ ...config, trust: { ...config.trust, directory } }, nodeFiles)
  const { effectiveEnd: end } = validateProxyChain(chain, await rules.anchorsFor(chain), {
    ...rules,
    now: systemClock.now(),
  })
  return { facts: describeChain(chain), end }
}

/** The key as it is to be written: with a pass phrase, unless it has none or is wanted without. */
function keyFor(
  keyPem: string,
  { proxies, endEntity }: ChainFacts,
  { passPhrase, plain }: { passPhrase: Uint8Array | undefined; plain: boolean },
): { pem: string; encrypted: boolean } {
  const [block] = parsePem(keyPem)
  if (block === undefined) throw new TypeError('a key is one PEM block')
  const encrypted = isEncryptedKey(block)
  // Somebody who is let in without a pass phrase may not know that of the key.
  if (encrypted && passPhrase === undefined && !plain) return { pem: keyPem, encrypted }
  const secret =
    passPhrase && Buffer.from(passPhrase.buffer, passPhrase.byteOffset, passPhrase.length)
  const key = parsePrivateKey(block, secret)
  const leaf = proxies[0]?.certificate ?? endEntity
  if (!keysMatch(key, leaf.publicKey)) {
    throw new VoboxError(
      'PROXY_KEY_MISMATCH',
      'the key that the server sent is of another certificate',
      { data: { subject: leaf.subject.oneLine } },
    )
  }
  if (plain || secret === undefined) return { pem: encodePrivateKey(key), encrypted: false }
  if (encrypted) return { pem: keyPem, encrypted }
  const cipher = { cipher: 'aes-256-cbc', passphrase: secret }
  const pem = key.export({ type: 'pkcs8', format: 'pem', ...cipher })
  return { pem: pem.toString(), encrypted: true }
}

async function write(
  { certificateFile, keyFile }: Places,
  chain: readonly Certificate[],
  keyPem: string,
  kept: Kept,
): Promise<void> {
  const put = (path: string, text: string, mode: number) => {
    const keepPreviousAs = kept.get(path)
    return nodeFiles.replace(path, Buffer.from(text), {
      mode,
      ...(keepPreviousAs !== undefined && { keepPreviousAs }),
    })
  }
  await put(keyFile, keyPem, KEY_MODE)
  const certificates = chain.map(({ der }) => encodePem('CERTIFICATE', der))
  await put(certificateFile, certificates.join(''), CERTIFICATE_MODE)
}
