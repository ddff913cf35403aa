/** `myproxy store`: hands a certificate and its encrypted key to a server, once both were looked at. */
import { isVoboxError, printable, VoboxError } from '../../errors.js'
import type { AccessPolicy } from '../../myproxy/access-policy.js'
import type { AccessPolicies } from '../../myproxy/request.js'
import type { UnixSeconds } from '../../ports/clock.js'
import { type ChainFacts, describeChain } from '../../proxy/chain-facts.js'
import type { Credential } from '../../proxy/credential.js'
import { signerWarnings } from '../../proxy/judge-signer.js'
import type { Stored, StoreWarning } from '../../report/myproxy-store-text.js'
import { currentUid } from '../compose/compose-login.js'
import { readUserFiles, type UserPlacesOptions } from '../compose/user-files.js'
import { systemClock } from '../ports/clock.js'
import { nodeFiles } from '../ports/files.js'
import { type OwnerOptions, placeOf } from './owner.js'
import { judgeReplacement, type Replacing, replacedBy } from './replacement.js'
import { type JudgedFiles, judgeFiles } from './store-files.js'

export interface StoreOptions extends OwnerOptions {
  /** Where certificate and key are. */
  files: Omit<UserPlacesOptions, 'uid'>
  /**
   * Asks for the pass phrase of the key, without which nobody sees whether it belongs to the
   * certificate; undefined where that is not wanted.
   */
  passPhrase?: ((file: string) => Promise<Buffer>) | undefined
  /** Longest proxy, in seconds, that the server may delegate; default 43,200. */
  lifetimeSeconds?: number | undefined
  /** Who may do what with it. */
  access: Pick<AccessPolicy, 'policies' | 'warnings'>
  mayReplace?: Replacing['mayReplace']
  /** Told before anything is sent, while there is time to stop. */
  onWarning?: ((warning: StoreWarning) => Promise<void>) | undefined
  /** For people, on one line. */
  description?: string | undefined
}

const DEFAULT_LIFETIME_SECONDS = 43_200

/**
 * A credential of that name and owner is replaced. What is sent is sent once: where no answer comes, it
 * may have been stored or not, and `info` tells.
 *
 * @throws VoboxError `CANCELLED` where somebody did not want to replace what is there; what
 *   `readUserFiles`, {@link judgeFiles} and {@link MyProxyClient.store} say.
 */
export async function storeCredential(options: StoreOptions): Promise<Stored> {
  const { client, username, credentialName, credential, description } = options
  const { policies } = options.access
  const lifetimeSeconds = options.lifetimeSeconds ?? DEFAULT_LIFETIME_SECONDS
  const now = systemClock.now()
  const judged = await readAndJudge(options, now)
  const hasPassPhrase = judged.encrypted
  const replacing = { policies, hasPassPhrase, mayReplace: options.mayReplace }
  const warnings = [
    ...options.access.warnings,
    ...warningsOf(judged, callerOf(credential), policies, now),
  ]
  for (const warning of warnings) await options.onWarning?.(warning)
  const replacement = await judgeReplacement(options, await replacedBy(options), replacing)
  const { server } = await client.store({
    ...{ username, credentialName, credential, lifetimeSeconds, policies, description },
    stored: { certificatesPem: judged.certificatesPem, keyPem: judged.keyPem },
  })
  const { identity, effectiveEnd: end } = describeChain(judged.chain)
  return {
    ...placeOf({ username, credentialName }, server),
    ...{ identity: identity.oneLine, end, lifetimeSeconds, policies, now },
    keyEncrypted: judged.encrypted,
    pairChecked: judged.matched,
    replaced: replacement.before ?? null,
    warnings: [...warnings, ...replacement.warnings],
  }
}

const callerOf = ({ chain }: Credential) => describeChain(chain).identity.oneLine

async function readAndJudge(
  { files, passPhrase }: StoreOptions,
  now: UnixSeconds,
): Promise<JudgedFiles> {
  const { certificate, key } = await readUserFiles(nodeFiles, {
    ...files,
    uid: currentUid(),
  }).catch((error: unknown) => {
    throw isVoboxError(error, 'FILE_MISSING') ? nothingToStore(error) : error
  })
  const ask = passPhrase && (() => passPhrase(key.path))
  return judgeFiles(certificate, key, ask, now).catch((error: unknown) => {
    throw isVoboxError(error, 'PASS_PHRASE_REQUIRED') ? orUnchecked(error) : error
  })
}

function orUnchecked({ code, message, hint, data }: VoboxError): VoboxError {
  const cure = [hint, '--unchecked sends the key without seeing whether it is the right one']
  return new VoboxError(code, message, { hint: cure.filter(Boolean).join('\n'), data })
}

function nothingToStore({ code, message, data }: VoboxError): VoboxError {
  const hint = 'name the certificate with --certfile and its key with --keyfile'
  return new VoboxError(code, message, { hint, data })
}

function warningsOf(
  judged: JudgedFiles,
  caller: string,
  policies: AccessPolicies,
  now: UnixSeconds,
): StoreWarning[] {
  const { chain, encrypted, matched } = judged
  const facts = describeChain(chain)
  const identity = facts.identity.oneLine
  const warnings: StoreWarning[] = []
  if (!encrypted) warnings.push(NOT_ENCRYPTED)
  else if (policies.renewer !== undefined || policies.trustedRetriever !== undefined) {
    warnings.push(IN_THE_WAY)
  }
  if (!matched) warnings.push(NOT_CHECKED)
  if (identity !== caller) {
    warnings.push({
      code: 'stored-by-another',
      message: printable(`the certificate is of ${identity}, and ${caller} owns what is stored`),
      hint: 'only who stored it can look at it, change it or remove it',
      data: { identity, owner: caller },
    })
  }
  if (facts.endEntity.keyType !== 'rsa') warnings.push(NOT_RSA)
  return [...warnings, ...certificateWarnings(facts, now)]
}

const OF_CERTIFICATE = ['certificate-ends-soon', 'not-for-clients', 'weak-certificate'] as const

/** As for a certificate that signs a proxy; how deep a delegation from it may go is the server's. */
function certificateWarnings(facts: ChainFacts, now: UnixSeconds): StoreWarning[] {
  return signerWarnings(facts, { now, depthLimit: Number.POSITIVE_INFINITY }).flatMap((warning) => {
    const code = OF_CERTIFICATE.find((known) => known === warning.code)
    return code === undefined ? [] : [{ ...warning, code }]
  })
}

const NOT_ENCRYPTED: StoreWarning = {
  code: 'key-not-encrypted',
  message: 'the key has no pass phrase: whoever gets at the disk of the server has it',
  hint:
    'openssl pkcs8 -topk8 -in KEY -out ENCRYPTED, then store that; no pass phrase opens what is ' +
    'stored now, so that only trusted retrievers and renewers get proxies of it',
}

const IN_THE_WAY: StoreWarning = {
  code: 'pass-phrase-in-the-way',
  message: 'who renews, or retrieves without a pass phrase, gets nothing of a key that has one',
  hint: 'vobox-proxy myproxy init stores a credential for that: by delegation, without a pass phrase',
}

const NOT_CHECKED: StoreWarning = {
  code: 'pair-not-checked',
  message: 'nobody has looked whether the key belongs to the certificate',
  hint: 'that takes the pass phrase of the key: --stdin-pass, --pass-phrase-file or a terminal',
}

const NOT_RSA: StoreWarning = {
  code: 'key-not-rsa',
  message: 'the C server makes no proxies of a credential without an RSA key',
  hint: 'it can be retrieved as it is, by those whom --retrieve_key names',
}
