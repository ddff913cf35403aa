/**
 * `myproxy init`: signs a credential for a server to keep, once what is there already, and what is
 * about to be stored, were looked at. Everything is asked for before anything is sent.
 */
import { isVoboxError } from '../../errors.js'
import { accessTroubles } from '../../myproxy/access-change.js'
import { generatePassPhrase } from '../../myproxy/generate-pass-phrase.js'
import type { AccessPolicies } from '../../myproxy/request.js'
import { showServer } from '../../myproxy/server-list.js'
import { asUnixSeconds, type UnixSeconds } from '../../ports/clock.js'
import { showDuration, showInstant } from '../../ports/time-text.js'
import { describeChain } from '../../proxy/chain-facts.js'
import type { InitWarning, MyProxyInitResult } from '../../report/myproxy-init-text.js'
import { systemClock } from '../ports/clock.js'
import { systemRandom } from '../ports/random.js'
import type { MyProxyInitOptions } from './init-options.js'
import { placeOfLocalProxy, readSigner, type Signer, writeLocalProxy } from './init-signer.js'
import { checkVobox, findVobox, renewersFor } from './init-vobox.js'
import { judgeReplacement, replacedBy } from './replacement.js'
import { usernameOf } from './username.js'

export const DEFAULT_STORED_SECONDS = 168 * 3600
export const DEFAULT_LIFETIME_SECONDS = 12 * 3600

/**
 * Stores a credential; one of that name and owner is replaced.
 *
 * @throws VoboxError `NOT_PERMITTED` for attributes that were not allowed, `CANCELLED` where somebody
 *   did not want to replace what is there, `PASS_PHRASE_UNSUITABLE`, and what reading certificate and
 *   key, `MyProxyClient.info` and `MyProxyClient.put` say.
 */
export async function storeByDelegation(options: MyProxyInitOptions): Promise<MyProxyInitResult> {
  const { client, description, credentialName, signal } = options
  const lifetimeSeconds = options.lifetimeSeconds ?? DEFAULT_LIFETIME_SECONDS
  const localFile = await placeOfLocalProxy(options)
  const signer = await readSigner(options, options.storedSeconds ?? DEFAULT_STORED_SECONDS)
  const vobox = options.forVobox && (await findVobox(options, options.forVobox))
  const place = { username: nameFor(options, signer), credentialName }
  const lasting = lifetimeOf(options, signer)

  const owner = { client, ...place, credential: signer.credential }
  const before = await replacedBy(owner)
  const policies = renewersFor(options.access.policies, vobox, before)
  const replacing = { ...options, policies, hasPassPhrase: !isWithout(options) }
  const replaced = await judgeReplacement(owner, before, replacing)
  const { passPhrase, how } = await passPhraseFor(options)
  const { server } = await handingOver(options, passPhrase, () =>
    client.put({
      ...place,
      ...{ credential: signer.credential, signer: signer.signer, description, policies },
      ...{ lifetimeSeconds, storedSeconds: lasting.seconds, passPhrase },
    }),
  )
  const localProxy =
    localFile === undefined
      ? null
      : await writeLocalProxy(localFile, signer.signer, lifetimeSeconds, signal)
  const stored = { ...place, end: lasting.end, policies, lifetimeSeconds }
  return {
    server: showServer(server),
    username: place.username,
    credentialName: credentialName ?? null,
    identity: signer.facts.identity.oneLine,
    ...{ end: lasting.end, storedSeconds: lasting.seconds, lifetimeSeconds, policies, localProxy },
    passPhrase: how,
    ...{ replaced: replaced.before ?? null, lost: replaced.lost, attributes: signer.attributes },
    warnings: [
      ...options.access.warnings,
      ...troublesOf(policies, how !== 'none'),
      ...replaced.warnings,
      ...lasting.warnings,
      ...signer.warnings,
    ],
    vobox: vobox === undefined ? [] : await checkVobox(options, signer, stored, vobox),
    now: systemClock.now(),
  }
}

function nameFor(options: MyProxyInitOptions, { credential }: Signer): string {
  const { username, dnAsUsername, environment } = options
  return usernameOf({ username, dnAsUsername, credential, environment })
}

/** Until when; a certificate that ends before is said, with its end. */
function lifetimeOf(
  { storedSeconds = DEFAULT_STORED_SECONDS }: MyProxyInitOptions,
  { signer, facts }: Signer,
): { seconds: number; end: UnixSeconds; warnings: readonly InitWarning[] } {
  const now = systemClock.now()
  const { effectiveEnd } = describeChain(signer.chain)
  const left = effectiveEnd - now
  if (storedSeconds === 0) return { seconds: left, end: effectiveEnd, warnings: [] }
  if (storedSeconds <= left) {
    return { seconds: storedSeconds, end: asUnixSeconds(now + storedSeconds), warnings: [] }
  }
  const { depth, endEntity } = facts
  const what = depth > 0 && effectiveEnd < endEntity.notAfter ? 'proxy' : 'certificate'
  const cut: InitWarning = {
    code: 'certificate-cuts',
    message:
      `your ${what} ends on ${showInstant(effectiveEnd, 'minute')}: what is stored ends with it, ` +
      `${showDuration(storedSeconds - left)} earlier than asked for`,
    hint:
      what === 'certificate'
        ? 'ask your CA for a new certificate in time, and store again with it'
        : 'store from the certificate itself, which lives longer',
    data: { end: effectiveEnd, shortenedBySeconds: storedSeconds - left },
  }
  return { seconds: left, end: effectiveEnd, warnings: [cut] }
}

const isWithout = ({ noPassPhrase, access, forVobox }: MyProxyInitOptions): boolean =>
  noPassPhrase === true || access.impliesNoPassPhrase || forVobox !== undefined

async function passPhraseFor(
  options: MyProxyInitOptions,
): Promise<{ passPhrase: Buffer; how: MyProxyInitResult['passPhrase'] }> {
  if (isWithout(options)) return { passPhrase: Buffer.alloc(0), how: 'none' }
  if (options.handOver === undefined) {
    return { passPhrase: await options.passPhrases.chosen(), how: 'given' }
  }
  return { passPhrase: generatePassPhrase(systemRandom), how: 'generated' }
}

/** Whoever cannot know whether it was stored must have the pass phrase all the same. */
async function handingOver<T>(
  { handOver }: MyProxyInitOptions,
  passPhrase: Buffer,
  put: () => Promise<T>,
): Promise<T> {
  await handOver?.take(passPhrase)
  try {
    const result = await put()
    handOver?.done()
    return result
  } catch (error) {
    if (isVoboxError(error, 'OUTCOME_UNKNOWN')) handOver?.done()
    else await handOver?.failed()
    throw error
  } finally {
    passPhrase.fill(0)
  }
}

function troublesOf(policies: AccessPolicies, hasPassPhrase: boolean): InitWarning[] {
  return accessTroubles(policies, hasPassPhrase).map((code) => ({ code, ...TROUBLES[code] }))
}

const TWO = 'who wants both stores two credentials, one of them with a name: --credname NAME'

const TROUBLES = {
  'renewal-with-pass-phrase': {
    message: 'nobody can renew this: a credential with a pass phrase is for retrieval alone',
    hint: `store it with --no-passphrase; ${TWO}`,
  },
  'retrieval-without-pass-phrase': {
    message: 'nobody can retrieve this: it has no pass phrase, as renewal wants it',
    hint: TWO,
  },
} as const
