/**
 * Fetching a login proxy from a MyProxy server: what `myproxy logon` does, for people and cron jobs.
 *
 * The new proxy is judged, and dressed with VOMS attributes, before it takes the place of the old one:
 * whatever fails, the old file stays as it is.
 */
import { resolve } from 'node:path'
import type { Config } from '../../config/config.js'
import { VoboxError } from '../../errors.js'
import { showServer } from '../../myproxy/server-list.js'
import { asUnixSeconds, type UnixSeconds } from '../../ports/clock.js'
import type { KeyKind } from '../../ports/key-generator.js'
import { describeChain } from '../../proxy/chain-facts.js'
import { encodeCredential } from '../../proxy/credential.js'
import type { AttributeReport } from '../../voms/attribute-report.js'
import type { AttributeRequest } from '../../voms/attribute-request.js'
import type { Certificate } from '../../x509/certificate.js'
import { encodePem } from '../../x509/pem.js'
import { TrustOnDemand } from '../../x509/trust-on-demand.js'
import { readEffectiveConfig } from '../compose/compose-config.js'
import { currentUid, placeOfLoginProxy } from '../compose/compose-login.js'
import type { AttributeOptions } from '../compose/compose-proxy-attributes.js'
import { checkProxyPlace } from '../compose/proxy-place.js'
import { systemClock } from '../ports/clock.js'
import { nodeFiles } from '../ports/files.js'
import { keyInAdvance } from '../ports/key-in-advance.js'
import { type LogonCredentials, readLogonCredentials } from './logon-credentials.js'
import { type JudgedLogon, judgeLogon, type LogonWarning } from './logon-judge.js'
import { readCertificationRequest } from './logon-request.js'
import type { MyProxyClient } from './my-proxy-client.js'
import { type OpenMyProxyOptions, trustPlaceOf } from './my-proxy-options.js'
import type { GotTrustRoots, placeTrustRoots, TrustRootsOptions } from './trust-roots.js'
import { usernameOf } from './username.js'

export interface LogonOptions extends AttributeOptions {
  /** Opens a client with the same environment and configuration; again when there are new CAs. */
  open(settings: Pick<OpenMyProxyOptions, 'keyKind' | 'keys'>): Promise<MyProxyClient>
  environment: Readonly<Record<string, string | undefined>>
  configFile?: string | undefined
  /** `-l`, `-d`, `-k`. */
  username?: string | undefined
  dnAsUsername?: boolean | undefined
  credentialName?: string | undefined
  /** Lifetime in seconds; default 43,200. */
  lifetimeSeconds?: number | undefined
  /** Kind of the proxy's key; default `$MYPROXY_KEYBITS` (RSA, 2048 or more), else as configured. */
  keyKind?: KeyKind | undefined
  /** Where to put it; `-`: nowhere, it is returned. Default `$X509_USER_PROXY`, `/tmp/x509up_u<uid>`. */
  out?: string | undefined
  /** A proxy to renew: it authorises its own renewal. */
  authorizationFile?: string | undefined
  /** Another way of authorisation than a pass phrase (`-n`). */
  noPassPhrase?: boolean | undefined
  /** Authenticate, and fetch nothing. */
  noCredentials?: boolean | undefined
  /** A PKCS#10 request in PEM, to be signed instead of one of ours; `-`: standard input. */
  requestFile?: string | undefined
  /** Install the server's CA files. */
  trustRoots?: boolean | undefined
  /** The same before anything else, from a server whose CA is not known here. */
  bootstrap?: boolean | undefined
  /** vomsdir and vomses instead of the configured ones. */
  vomsDirectory?: string | undefined
  vomses?: readonly string[] | undefined
  /** Of the stored credential. */
  passPhrase(): Promise<Uint8Array>
  /** Of the caller's own key, where TLS needs one. */
  keyPassPhrase(file: string): Promise<Buffer>
  signal?: AbortSignal | undefined
}

export interface LogonResult {
  server: string
  username: string
  credentialName: string | null
  /** Undefined where nothing was to be fetched. */
  received?: ReceivedProxy
  /** Undefined where they were not asked for. */
  trustRoots?: GotTrustRoots
}

export interface ReceivedProxy {
  /** Null: it was asked for on standard output. */
  file: string | null
  /** What is, or would be, in the file. A secret, unless the key is the caller's own. */
  content: Buffer
  identity: string
  subject: string
  end: UnixSeconds
  /** When it came. */
  now: UnixSeconds
  limited: boolean
  attributes: readonly AttributeReport[]
  warnings: readonly LogonWarning[]
}

const DEFAULT_LIFETIME_SECONDS = 43_200
const MODE = 0o600

/**
 * @throws VoboxError what the client says; `FILE_UNSAFE`, `FILE_UNWRITABLE` for a place that will not
 *   do; what judging says of a proxy that is not to be believed; what asking for attributes says.
 */
export async function logOn(options: LogonOptions): Promise<LogonResult> {
  const { environment, configFile, credentialName = null } = options
  refuseMixture(options)
  const requests = await requestsOf(options)
  const config = await readEffectiveConfig(nodeFiles, environment, currentUid(), configFile)
  const keyKind = options.keyKind ?? kindOfKeyBits(environment.MYPROXY_KEYBITS) ?? config.keys.kind
  const needsKey = options.requestFile === undefined && options.noCredentials !== true
  const keys = needsKey ? keyInAdvance(keyKind) : undefined
  const open = () => options.open({ keyKind, keys })
  const file = fileOf(options)
  if (file !== undefined) await checkProxyPlace(file)
  const request = await readCertificationRequest(options.requestFile)
  const own = await readLogonCredentials(options)
  const username = usernameOf({ ...options, credential: own.ofName })
  const early = options.bootstrap ? await bootstrap({ ...options, open }) : undefined
  const { server, got } = await ask(options, { open, own, username, request })
  const about = { server, username, credentialName }
  if (got === undefined) return { ...about, ...(early && { trustRoots: early }) }
  const asked = options.trustRoots === true && early === undefined
  const late = asked ? await place(server, got.trustRoots, environment) : undefined
  const trustRoots = early ?? late
  const received = await receive({ ...options, keyKind, requests }, config, got, own)
  if (file !== undefined) await nodeFiles.replace(file, received.content, { mode: MODE })
  return {
    ...about,
    received: { file: file ?? null, ...received },
    ...(trustRoots && { trustRoots }),
  }
}

/*
 * A logon is a process that should be quick, and most want neither attributes nor CA files: what
 * these need is loaded where it is needed.
 */

async function requestsOf(options: AttributeOptions): Promise<AttributeRequest[]> {
  if ((options.voms ?? []).length === 0) return []
  return (await import('../compose/compose-proxy-attributes.js')).requestsOf(options)
}

async function bootstrap(options: TrustRootsOptions): Promise<GotTrustRoots> {
  return (await import('./trust-roots.js')).fetchTrustRoots(options)
}

async function place(
  ...[server, files, environment]: Parameters<typeof placeTrustRoots>
): Promise<GotTrustRoots> {
  return (await import('./trust-roots.js')).placeTrustRoots(server, files, environment)
}

/** An error of the caller's, before anybody is asked for anything. */
function refuseMixture({ requestFile, voms = [] }: LogonOptions): void {
  if (requestFile === undefined || voms.length === 0) return
  throw new VoboxError(
    'USAGE',
    'with --certreq there is no key here to sign attributes into a proxy',
    {
      hint: 'leave out --voms',
      data: { options: ['certreq', 'voms'] },
    },
  )
}

/** Undefined: no file is written. */
function fileOf({ out, noCredentials, environment }: LogonOptions): string | undefined {
  if (noCredentials === true || out === '-') return undefined
  return resolve(out ?? placeOfLoginProxy(environment, currentUid()).path)
}

type Got = Awaited<ReturnType<MyProxyClient['get']>> | Awaited<ReturnType<MyProxyClient['certify']>>

interface Question {
  open(): Promise<MyProxyClient>
  own: LogonCredentials
  username: string
  request: Uint8Array | undefined
}

/** The one exchange with the server. The pass phrase is wiped when it was used. */
async function ask(
  options: LogonOptions,
  { open, own, username, request }: Question,
): Promise<{ server: string; got?: Got }> {
  const { credentialName, trustRoots, bootstrap, signal } = options
  const { credential, authorization, needsPassPhrase } = own
  const client = await open()
  const passPhrase = needsPassPhrase ? await options.passPhrase() : undefined
  const call = {
    ...{ username, credentialName, credential, authorization, passPhrase, signal },
    trustRoots: trustRoots === true && bootstrap !== true,
    lifetimeSeconds: options.lifetimeSeconds ?? DEFAULT_LIFETIME_SECONDS,
  }
  try {
    if (options.noCredentials) {
      return { server: showServer((await client.authenticate(call)).server) }
    }
    const got =
      request === undefined ? await client.get(call) : await client.certify({ ...call, request })
    return { server: showServer(got.server), got }
  } finally {
    passPhrase?.fill(0)
  }
}

/** Judges what came, and asks for its attributes. */
async function receive(
  options: LogonOptions & { keyKind: KeyKind; requests: readonly AttributeRequest[] },
  base: Config,
  got: Got,
  own: LogonCredentials,
): Promise<Omit<ReceivedProxy, 'file'>> {
  const config = await configFor(options, base)
  const chain = 'credential' in got ? got.credential.chain : got.chain
  const judged = await judge(options, config, chain, own)
  const { facts, end: plainEnd, warnings } = judged
  const now = systemClock.now()
  const shown = { identity: facts.identity.oneLine, limited: facts.limited, now }
  if (!('credential' in got)) {
    const content = Buffer.from(chain.map(({ der }) => encodePem('CERTIFICATE', der)).join(''))
    const subject = facts.subject.oneLine
    return { ...shown, subject, end: plainEnd, content, attributes: [], warnings }
  }
  const plain = { credential: got.credential, attributes: [], warnings: [] }
  const dressed =
    options.requests.length === 0
      ? plain
      : await (await import('./logon-dress.js')).dressLogon({
          ...{ plain: got.credential, secondsLeft: plainEnd - now, config, options },
          ...{ requests: options.requests, keyKind: options.keyKind },
          ...{ environment: options.environment, signal: options.signal },
        })
  const { subject, effectiveEnd } = describeChain(dressed.credential.chain)
  return {
    ...shown,
    subject: subject.oneLine,
    end: asUnixSeconds(Math.min(effectiveEnd, plainEnd)),
    content: encodeCredential(dressed.credential),
    attributes: dressed.attributes,
    warnings: [...warnings, ...dressed.warnings],
  }
}

async function judge(
  options: LogonOptions,
  config: Config,
  chain: readonly Certificate[],
  { authorization, ofName }: LogonCredentials,
): Promise<JudgedLogon> {
  const { trust, limits } = config
  const anchors = new TrustOnDemand(nodeFiles, systemClock, trust.directory, trust)
  const current = authorization && describeChain(authorization.chain)
  const saidByDn = options.dnAsUsername === true && options.username === undefined
  const mine = saidByDn && ofName !== undefined ? describeChain(ofName.chain) : undefined
  return judgeLogon(chain, {
    allowLegacyProxies: trust.allowLegacyProxies,
    maxDelegationDepth: limits.maxDelegationDepth,
    current,
    anchors: await anchors.anchorsFor(chain),
    now: systemClock.now(),
    identity: (current ?? mine)?.identity,
    askedSeconds: options.lifetimeSeconds ?? DEFAULT_LIFETIME_SECONDS,
  })
}

/** As configured, but for what the options say, and for CAs that have just come. */
async function configFor(
  { environment, vomsDirectory, vomses }: LogonOptions,
  config: Config,
): Promise<Config> {
  const directory = await trustPlaceOf(environment, config)
  return {
    ...config,
    trust: { ...config.trust, directory },
    voms: {
      ...config.voms,
      ...(vomsDirectory && { directory: resolve(vomsDirectory) }),
      ...(vomses && { vomses: vomses.map((path) => resolve(path)) }),
    },
  }
}

/** What the C tools do with it, but for keys that are too small for anybody today. */
function kindOfKeyBits(bits: string | undefined): KeyKind | undefined {
  const kinds: Readonly<Record<string, KeyKind>> = { '3072': 'rsa3072', '4096': 'rsa4096' }
  return bits ? (kinds[bits] ?? 'rsa2048') : undefined
}
