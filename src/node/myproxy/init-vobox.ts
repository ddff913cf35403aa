/**
 * What a VO-Box needs of a stored credential, and whether this one could renew it: its machine is found
 * where it can be, INFO is asked, and where the machine proxy can be read a proxy is renewed, and
 * thrown away.
 */
import { voPaths } from '../../config/vo-paths.js'
import { isVoboxError, printable, toVoboxError } from '../../errors.js'
import type { AccessPolicies } from '../../myproxy/request.js'
import type { StoredCredential } from '../../myproxy/response.js'
import type { UnixSeconds } from '../../ports/clock.js'
import { showDuration, showInstant } from '../../ports/time-text.js'
import { describeChain } from '../../proxy/chain-facts.js'
import type { Credential } from '../../proxy/credential.js'
import { parseUserCertificates } from '../../proxy/user-credential.js'
import { dnAsPattern, LEAST_PROXY_HOURS, UPLOAD_HOURS } from '../../registry/cure-commands.js'
import { showAccess } from '../../report/myproxy-access-words.js'
import type { VoboxCheck } from '../../report/myproxy-init-text.js'
import { readEffectiveConfig } from '../compose/compose-config.js'
import { currentUid } from '../compose/compose-login.js'
import { HOST_CERTIFICATE } from '../compose/compose-machine-proxy.js'
import { chooseVoDirectory } from '../compose/compose-vo.js'
import { systemClock } from '../ports/clock.js'
import { nodeFiles } from '../ports/files.js'
import type { ForVobox, MyProxyInitOptions } from './init-options.js'
import { proxyOf, type Signer } from './init-signer.js'
import { readProxyFile } from './own-credential.js'

/** Four months, for proxies of two days: `myproxy-init -d -n -t 48 -c 3000` in the C syntax. */
export const VOBOX_TERMS: { storedSeconds?: number; lifetimeSeconds?: number } = {
  storedSeconds: UPLOAD_HOURS * 3600,
  lifetimeSeconds: LEAST_PROXY_HOURS * 3600,
}

/** The machine that is to renew, as far as it is known here. */
export interface Vobox {
  /** Identity DN, one-line form. */
  dn: string | undefined
  /** Where the DN is from, for people. */
  from: string | undefined
  /** Where it can be read. */
  machineProxy: Credential | undefined
}

interface Stored {
  username: string
  credentialName: string | undefined
  end: UnixSeconds
  policies: AccessPolicies
  lifetimeSeconds: number
}

/** The one that was named; else this machine, where it is a VO-Box. */
export async function findVobox(
  { environment, configFile }: MyProxyInitOptions,
  { dn, vo }: ForVobox,
): Promise<Vobox> {
  const config = await readEffectiveConfig(nodeFiles, environment, currentUid(), configFile)
  const directory = await voDirectoryOf(config.root, vo)
  if (directory === undefined) return { dn, from: undefined, machineProxy: undefined }
  const machineProxy = await readable(voPaths(config.root, directory.vo).machineProxy)
  const own =
    machineProxy === undefined
      ? await dnOfHost()
      : { dn: describeChain(machineProxy.chain).identity.oneLine, from: 'its machine proxy' }
  if (dn === undefined) return { dn: own?.dn, from: own?.from, machineProxy }
  return { dn, from: undefined, machineProxy: own?.dn === dn ? machineProxy : undefined }
}

/** Machine proxies of all VOs are of one host: any will do. Without `vo` this may be no VO-Box at all. */
async function voDirectoryOf(root: string, vo: string | undefined) {
  try {
    return await chooseVoDirectory(nodeFiles, root, vo)
  } catch (error) {
    if (vo !== undefined || !isVoboxError(error)) throw error
    const [first] = Array.isArray(error.data.vos) ? error.data.vos : []
    return first === undefined ? undefined : chooseVoDirectory(nodeFiles, root, String(first))
  }
}

/** The service's own file, mode 0400; nobody but root and the VO admin reads it. */
async function readable(path: string): Promise<Credential | undefined> {
  try {
    const credential = await readProxyFile(path, false)
    return describeChain(credential.chain).effectiveEnd > systemClock.now() ? credential : undefined
  } catch (error) {
    if (isVoboxError(error)) return undefined
    throw error
  }
}

async function dnOfHost(): Promise<Pick<Vobox, 'dn' | 'from'> | undefined> {
  try {
    const { bytes } = await nodeFiles.read(HOST_CERTIFICATE, {
      maxBytes: 512 * 1024,
      owners: [0, currentUid()],
      forbiddenMode: 0o022,
      followLinks: true,
    })
    return { dn: parseUserCertificates(bytes)[0]?.subject.oneLine, from: HOST_CERTIFICATE }
  } catch (error) {
    if (isVoboxError(error)) return undefined
    throw error
  }
}

/**
 * What was asked for; where nothing was, the VO-Box by its DN; where none is known, whoever renews
 * what is replaced: who stores anew before the old one ends means the same machines.
 */
export function renewersFor(
  policies: AccessPolicies,
  vobox: Vobox | undefined,
  before: Pick<StoredCredential, 'renewer'> | undefined,
): AccessPolicies {
  if (vobox === undefined || policies.renewer !== undefined) return policies
  const renewer = vobox.dn === undefined ? before?.renewer : dnAsPattern(vobox.dn)
  return renewer === undefined || renewer === '' ? policies : { ...policies, renewer }
}

/** Never rejects for what a server says: what is stored is stored. */
export async function checkVobox(
  options: MyProxyInitOptions,
  signer: Signer,
  stored: Stored,
  vobox: Vobox,
): Promise<VoboxCheck[]> {
  const seen = await seenByOwner(options, signer, stored)
  if ('check' in seen) return [seen]
  return [
    ownerCheck(seen, signer),
    endCheck(seen),
    renewersCheck(seen, vobox),
    await renewalCheck(options, signer, stored, vobox),
  ]
}

async function seenByOwner(
  { client }: MyProxyInitOptions,
  { credential }: Signer,
  { username, credentialName }: Stored,
): Promise<StoredCredential | VoboxCheck> {
  try {
    const { credentials } = await client.info({ username, credential })
    const found = credentials.find(({ name }) => name === credentialName)
    if (found !== undefined) return found
    return {
      check: 'owner',
      verdict: 'failed',
      message: 'the server does not show what was stored',
    }
  } catch (error) {
    const { message, hint } = toVoboxError(error)
    return { check: 'owner', verdict: 'unknown', message, hint }
  }
}

function ownerCheck({ owner }: StoredCredential, { facts }: Signer): VoboxCheck {
  const identity = facts.identity.oneLine
  if (owner === identity) return { check: 'owner', verdict: 'ok', message: printable(owner) }
  const message = `${printable(owner ?? 'nobody')} owns it, and not ${printable(identity)}`
  return { check: 'owner', verdict: 'failed', message }
}

/** Below this nothing is gained by registering. */
const LEAST_SECONDS = 3 * 86_400

function endCheck({ end }: StoredCredential): VoboxCheck {
  const left = end - systemClock.now()
  const message = `${showInstant(end, 'minute')}, in ${showDuration(left)}`
  if (left >= LEAST_SECONDS) return { check: 'end', verdict: 'ok', message }
  const hint = 'get a new certificate, and store again: nothing is renewed beyond that'
  return { check: 'end', verdict: 'failed', message, hint }
}

function renewersCheck(seen: StoredCredential, { dn, from }: Vobox): VoboxCheck {
  const policy = { renewer: seen.renewer }
  if (seen.renewer === undefined || seen.renewer === '') {
    return {
      check: 'renewers',
      verdict: 'unknown',
      message: "none is named: the server's default_renewers decide",
      hint: 'name the machine: --vobox-dn DN, as vobox-proxy machine-proxy prints it there',
    }
  }
  const whose = from === undefined ? '' : `, known from ${from}`
  const known = dn !== undefined && seen.renewer === dnAsPattern(dn)
  const message = `${showAccess(policy)}${known ? whose : ''}`
  return { check: 'renewers', verdict: known || seen.renewer === '*' ? 'ok' : 'unknown', message }
}

/** For as short as a renewal takes. */
const AUTHORIZATION_SECONDS = 600

async function renewalCheck(
  { client, signal }: MyProxyInitOptions,
  { credential }: Signer,
  { username, credentialName, lifetimeSeconds }: Stored,
  { machineProxy }: Vobox,
): Promise<VoboxCheck> {
  if (machineProxy === undefined) return NOT_TRIED
  try {
    const authorization = await proxyOf(credential, AUTHORIZATION_SECONDS, { signal })
    const renewed = await client.get({
      ...{ username, credentialName, lifetimeSeconds },
      ...{ credential: machineProxy, authorization },
    })
    const seconds = describeChain(renewed.credential.chain).effectiveEnd - systemClock.now()
    const message = `renewed for ${showDuration(seconds)} with the machine proxy; it was thrown away`
    // Servers and clients round; a minute is nobody's mistake.
    if (seconds >= lifetimeSeconds - 60) return { check: 'renewal', verdict: 'ok', message }
    const hint = 'the server, or what was stored, allows no more'
    return { check: 'renewal', verdict: 'failed', message, hint }
  } catch (error) {
    signal?.throwIfAborted()
    if (!isVoboxError(error)) throw error
    return { check: 'renewal', verdict: 'failed', message: error.message, hint: error.hint }
  }
}

const NOT_TRIED: VoboxCheck = {
  check: 'renewal',
  verdict: 'unknown',
  message: 'not tried: the machine proxy of the VO-Box cannot be read here',
  hint: 'on the VO-Box: vobox-proxy register, which renews once',
}
