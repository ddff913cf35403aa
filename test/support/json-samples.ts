/**
 * Something for every `--json` document to say. `Complete` asks for each optional field and each
 * kind of a union: a field that is added does not compile until it is here, and then must be
 * documented.
 */

import type { AgentResult } from '../../src/agents/agent-result.js'
import type { ConfigOrigin } from '../../src/config/read-config.js'
import { VoboxError } from '../../src/errors.js'
import type { FailedAttempt } from '../../src/gsi/reach.js'
import type { StoredCredential } from '../../src/myproxy/messages.js'
import { asUnixSeconds } from '../../src/ports/clock.js'
import type { CertificateReport, ChainReport, CredentialReport } from '../../src/proxy/inspect.js'
import type { Registration, RegistrationState } from '../../src/registry/registration.js'
import type { Finding } from '../../src/renewal/checking/finding.js'
import type { Forecast } from '../../src/renewal/checking/forecast.js'
import type { RenewalDecision } from '../../src/renewal/decide-renewal.js'
import type { RenewalOutcome } from '../../src/renewal/outcome.js'
import type { QueryRow } from '../../src/renewal/query/query.js'
import type {
  RegisterResult,
  UnregisterResult,
} from '../../src/renewal/registering/register-request.js'
import { encodeAgents } from '../../src/report/agents-text.js'
import { encodeCheck } from '../../src/report/check-text.js'
import { encodeConfig } from '../../src/report/config-text.js'
import { encodeFailure } from '../../src/report/failure.js'
import { encodeForecast } from '../../src/report/forecast-text.js'
import { encodeInfo } from '../../src/report/info-text.js'
import { encodeMachineProxy } from '../../src/report/machine-proxy-text.js'
import { encodeMyProxyInfo } from '../../src/report/myproxy-info-text.js'
import { encodeMyProxyInit } from '../../src/report/myproxy-init-text.js'
import { encodeLogon, type LogonFacts } from '../../src/report/myproxy-logon-text.js'
import { encodeDestroyed, encodePassPhraseChanged } from '../../src/report/myproxy-owner-text.js'
import { encodeRetrieved } from '../../src/report/myproxy-retrieve-text.js'
import { encodeStored } from '../../src/report/myproxy-store-text.js'
import {
  encodeTrustRoots,
  type TrustRootsFacts,
} from '../../src/report/myproxy-trust-roots-text.js'
import { encodeProxyInit, type ProxyInitFacts } from '../../src/report/proxy-init-text.js'
import { encodeQuery } from '../../src/report/query-json.js'
import { encodeRegistered, encodeUnregistered } from '../../src/report/register-text.js'
import { encodeRenewals } from '../../src/report/renew-text.js'
import {
  encodeReplicated,
  type Replicated,
  type ReplicatedSecondary,
} from '../../src/report/replication-text.js'
import { encodeSetup } from '../../src/report/setup-text.js'
import type { AttributeReport, InnerAttributeReport } from '../../src/voms/attribute-report.js'
import { registration as registrationOf } from './registry.js'

/** Every optional member there, at every depth. */
export type Complete<T> = T extends string | number | boolean | null | undefined | Error
  ? T
  : T extends readonly (infer Item)[]
    ? readonly [Complete<Item>, ...Complete<Item>[]]
    : { [K in keyof T]-?: Complete<Exclude<T[K], undefined>> }

/** One of each kind of a union. */
type EachKind<T, Key extends keyof T> = {
  [Kind in T[Key] & (string | number)]: Complete<Extract<T, Record<Key, Kind>>>
}

const at = asUnixSeconds(1_800_000_000)
const server = 'px.example.org:7512'
const said = { message: 'one sentence', hint: 'what to do' }

const failure = new VoboxError('TLS_FAILED', said.message, {
  hint: said.hint,
  data: { vo: 'alice' },
})

const attempt: Complete<FailedAttempt> = {
  server,
  address: '192.0.2.1',
  code: 'CONNECTION_FAILED',
  message: said.message,
  persistence: 'transient',
}
const unreachable = new VoboxError('ALL_SERVERS_FAILED', said.message, {
  data: { attempts: [attempt], untried: 1, notAsked: [server] },
})

const registration: Complete<Registration> = {
  ...registrationOf('anna'),
  username: 'anna',
  credentialName: 'prod',
  passPhraseFile: '/home/alicesgm/phrase',
  refreshSeconds: 3600,
  email: 'anna@example.org',
  servers: [server],
  voms: ['alice'],
}

const shortGrant = {
  askedSeconds: 172_800,
  grantedSeconds: 43_200,
  limit: 'stored-lifetime',
} as const

const state: Complete<RegistrationState> = {
  attemptedAt: at,
  renewedAt: at,
  renewedFrom: server,
  failures: 1,
  retryAt: at,
  lastFailure: { ...said, at, code: 'TLS_FAILED', persistence: 'transient', stage: 'attributes' },
  storedEnd: { at, learnedAt: at, from: 'info', server },
  infoFailure: { at, code: 'MYPROXY_REFUSED', message: said.message },
  behind: { server, end: at, ahead: { server, end: at } },
  storedGoneAt: at,
  shortGrant,
  missingAttributes: ['alice'],
  cappedUntil: at,
}

const decisions: EachKind<RenewalDecision, 'action'> = {
  wait: { action: 'wait', until: at, reason: 'fresh' },
  renew: { action: 'renew', reason: 'due' },
  'give-up': { action: 'give-up', reason: 'expired' },
}

const usable: Complete<Extract<QueryRow['proxy'], { secondsLeft: number }>> = {
  times: {
    notBefore: at,
    end: at,
    chainEnd: at,
    hasAttributes: true,
    attributesEnd: at,
    writtenAt: at,
    jitter: 0,
  },
  secondsLeft: 1,
}

const attributes: Complete<AttributeReport> = {
  vo: 'alice',
  holder: '/CN=anna',
  issuer: '/CN=voms.example.org',
  uri: 'voms.example.org:15000',
  serial: '01',
  fqans: ['/alice'],
  fqansAsWritten: ['/alice/Role=NULL/Capability=NULL'],
  genericAttributes: [{ name: 'nickname', value: 'anna', qualifier: 'alice' }],
  targets: ['box.example.org'],
  notBefore: at,
  notAfter: at,
  secondsLeft: 1,
  verified: false,
  verifiedBy: 'lsc',
  problem: { ...said, code: 'VOMS_AC_EXPIRED' },
}

const row: Omit<Complete<QueryRow>, 'proxy' | 'next'> = {
  registration,
  state,
  file: '/repository/anna',
  stored: { kind: 'seen', end: at, learnedAt: at, from: 'info', server },
  storedSecondsLeft: 1,
  attributes: [attributes],
  grantNote: said,
  at,
}

const rows: QueryRow[] = [
  ...Object.values(decisions).map((next) => ({ ...row, proxy: usable, next })),
  { ...row, proxy: { problem: failure }, next: undefined },
]

const registered: Complete<RegisterResult> = {
  outcome: 'registered',
  registration,
  file: '/repository/anna',
  proxy: 'login-proxy',
  proxyEnd: at,
  stored: {
    server,
    username: 'anna',
    credentialName: 'prod',
    owner: '/CN=anna',
    end: at,
    from: 'info',
    infoFailure: { at, code: 'MYPROXY_REFUSED', message: said.message },
    renewer: '*/CN=host/*',
    askedSeconds: 1,
    grantedSeconds: 1,
    shortGrant: 'unknown',
    missingAttributes: ['alice'],
  },
  warnings: [{ ...said, code: 'short-grant', data: {} }],
}

const unregistered: Complete<UnregisterResult> = {
  registration,
  file: '/repository/anna',
  fileRemoved: true,
}

const outcomes: EachKind<RenewalOutcome, 'kind'> = {
  renewed: {
    kind: 'renewed',
    end: at,
    server,
    shortGrant,
    behind: state.behind,
    missingAttributes: ['alice'],
  },
  capped: { kind: 'capped', end: at, server, retryAt: at },
  'not-due': { kind: 'not-due', decision: decisions.wait },
  failed: { kind: 'failed', error: failure, retryAt: at },
  busy: { kind: 'busy' },
  'not-registered': { kind: 'not-registered' },
  cancelled: { kind: 'cancelled' },
}

const certificate: Complete<CertificateReport> = {
  subject: '/CN=anna/CN=1',
  issuer: '/CN=anna',
  role: 'proxy',
  kind: 'rfc3820',
  policy: 'inherit-all',
  pathLength: 0,
  keyType: 'rsa',
  keyBits: 2048,
  signatureAlgorithm: 'sha256WithRSAEncryption',
  signatureHash: 'sha256',
  notBefore: at,
  notAfter: at,
  serial: '01',
  fingerprintSha256: 'AB:CD',
  keyUsage: ['digitalSignature'],
  carriesAttributes: false,
}

const chain: Complete<ChainReport> = {
  identity: '/CN=anna',
  subject: '/CN=anna/CN=1',
  kind: 'rfc3820',
  policy: 'inherit-all',
  limited: false,
  depth: 1,
  notBefore: at,
  effectiveEnd: at,
  secondsLeft: 1,
  carriesAttributes: false,
}

const report: Omit<Complete<CredentialReport>, 'verdict'> = {
  certificates: [certificate],
  chain,
  weaknesses: [{ kind: 'small-key', subject: '/CN=anna', message: said.message }],
}

const inner: Complete<InnerAttributeReport> = {
  proxy: '/CN=anna/CN=1',
  vo: 'alice',
  fqans: ['/alice'],
  notAfter: at,
  secondsLeft: 1,
}

function infoWith(verdict: CredentialReport['verdict']): string {
  const { certificates, weaknesses } = report
  return encodeInfo({
    file: '/tmp/x509up_u0',
    mode: '0600',
    report: {
      ...report,
      verdict,
      certificates: [...certificates],
      weaknesses: [...weaknesses],
    },
    attributes: [attributes],
    innerAttributes: [inner],
  })
}

const proxyInit: Omit<Complete<ProxyInitFacts>, 'attributes' | 'warnings'> = {
  file: '/tmp/x509up_u0',
  identity: '/CN=anna',
  subject: '/CN=anna/CN=1',
  end: at,
  now: at,
  policy: 'inherit-all',
  keyBits: 2048,
  chainVerified: false,
}

const agents: EachKind<AgentResult, 'outcome'> = {
  started: { name: 'monitor', outcome: 'started', pid: 1 },
  ended: { name: 'monitor', outcome: 'ended' },
  failed: { name: 'monitor', outcome: 'failed', reason: said.message },
  killed: { name: 'monitor', outcome: 'killed', reason: said.message },
  skipped: { name: 'README', outcome: 'skipped', reason: said.message },
}

const origins: EachKind<ConfigOrigin, 'kind'> = {
  default: { kind: 'default' },
  file: { kind: 'file', path: '/etc/vobox-proxy/config.toml', line: 3 },
  environment: { kind: 'environment', variable: 'MYPROXY_SERVER' },
  flag: { kind: 'flag' },
}

const finding: Complete<Finding> = {
  check: 'server',
  verdict: 'bad',
  sentence: said.message,
  cure: said.hint,
  code: 'TLS_FAILED',
  identity: '/CN=anna',
  fileName: 'anna',
  server,
  end: at,
  root: 'TLS_FAILED',
}

const ending: Complete<Forecast> = {
  kind: 'user-certificate',
  key: '/CN=anna',
  end: at,
  name: '/CN=anna',
  identity: '/CN=anna',
  automatic: false,
  revivable: false,
  seen: 'info',
  cure: said.hint,
  sentence: said.message,
  secondsLeft: 1,
}

const trustRoots: Complete<TrustRootsFacts> = {
  server,
  directory: '/home/anna/.globus/certificates',
  added: ['8b33482b.0'],
  replaced: ['8b33482b.r0'],
  unchanged: ['8b33482b.signing_policy'],
  newerHere: ['1c8f0fba.r0'],
  refused: [{ name: 'README', reason: 'nothing that a CA directory holds' }],
  newAuthorities: [{ subject: '/CN=CA', fingerprint: '00ff', notAfter: at }],
  vouchedBy: { subject: '/CN=CA', fingerprint: '00ff' },
}

const logon: Omit<LogonFacts, 'received'> = { server, username: 'anna', credentialName: 'prod' }

const received: NonNullable<LogonFacts['received']> = {
  file: '/tmp/x509up_u1000',
  content: Buffer.alloc(0),
  identity: '/CN=anna',
  subject: '/CN=anna/CN=1',
  end: at,
  now: at,
  limited: false,
  attributes: [attributes],
  warnings: [{ ...said, code: 'short-grant', data: {} }],
}

const storedOnServer: Complete<StoredCredential> = {
  name: 'home',
  owner: '/CN=anna',
  start: at,
  end: at,
  renewer: '*',
  retriever: '*/CN=anna',
  keyRetriever: '*',
  trustedRetriever: '*',
  description: 'for home',
  lockMessage: 'under investigation',
}

const place = { server, username: 'anna', credentialName: 'home' }

const notReplicated: Complete<ReplicatedSecondary>['notReplicated'] = [
  { username: 'anna', name: 'grid', error: new VoboxError('MYPROXY_REFUSED', 'no') },
]
const secondary: Complete<ReplicatedSecondary> = {
  ...{ server: 'b.example.org:7512', stored: 1, destroyed: 2, behind: 3 },
  ...{ behindSince: at, completeAt: at, failure: new VoboxError('TLS_FAILED', 'no') },
  notReplicated,
}
const replicated: Complete<Replicated> = {
  ...{ directory: '/var/lib/myproxy', now: at, credentials: 4, secondaries: [secondary] },
  withheld: [{ username: 'anna', name: 'grid', reason: 'locked' }],
  broken: notReplicated,
}

/** Documents by the section of `docs/json.md` that describes them. */
export const DOCUMENTS: Readonly<Record<string, readonly string[]>> = {
  Failures: [encodeFailure(failure), encodeFailure(unreachable)],
  query: [encodeQuery('alice', rows)],
  register: [encodeRegistered('alice', { ...registered, warnings: [...registered.warnings] })],
  unregister: [encodeUnregistered('alice', [unregistered])],
  renew: [
    encodeRenewals(
      'alice',
      Object.values(outcomes).map((outcome) => ({ registration, outcome })),
    ),
  ],
  'machine-proxy': [
    encodeMachineProxy({ file: '/f', identity: '/CN=host', end: at, shortenedBySeconds: 0 }),
  ],
  agents: [encodeAgents({ vo: 'alice', action: 'start', agents: Object.values(agents) })],
  setup: [
    encodeSetup({
      vo: 'alice',
      admin: 'alicesgm',
      directory: '/var/lib/vobox/alice',
      dryRun: false,
      steps: [{ action: 'make', target: '/etc/cron.d/x', detail: 'root, 0644' }],
    }),
  ],
  config: [
    encodeConfig({
      file: '/etc/vobox-proxy/config.toml',
      settings: Object.values(origins).map((origin) => ({
        table: 'keys',
        key: 'pool',
        value: 1,
        origin,
      })),
      shellFiles: [{ path: '/etc/profile.d/grid-env.sh', variables: ['MYPROXY_SERVER'] }],
      set: new Set(),
    }),
  ],
  'proxy-init': [
    encodeProxyInit({
      ...proxyInit,
      attributes: [attributes],
      warnings: [{ ...said, code: 'weak-certificate', data: {} }],
    }),
  ],
  'myproxy init': [
    encodeMyProxyInit({
      ...{ ...place, identity: '/CN=anna', end: at, storedSeconds: 604_800, now: at },
      ...{ lifetimeSeconds: 43_200, policies: { renewer: '*' }, passPhrase: 'none' },
      ...{ replaced: storedOnServer, lost: ['retrieval'], attributes: [attributes] },
      localProxy: { file: '/tmp/x509up_u1000', end: at },
      warnings: [{ ...said, code: 'limited', data: {} }],
      vobox: [{ check: 'renewal', verdict: 'ok', message: said.message }],
    }),
  ],
  'myproxy info': [encodeMyProxyInfo({ ...place, credentials: [storedOnServer], now: at })],
  'myproxy destroy': [
    encodeDestroyed({ ...place, gone: storedOnServer, remaining: [storedOnServer], now: at }),
  ],
  'myproxy change-pass-phrase': [encodePassPhraseChanged(place)],
  'myproxy store': [
    encodeStored({
      ...{ ...place, identity: '/CN=anna', end: at, now: at, lifetimeSeconds: 43_200 },
      ...{ keyEncrypted: true, pairChecked: true, policies: { keyRetriever: '*' } },
      replaced: storedOnServer,
      warnings: [{ ...said, code: 'weak-certificate', data: {} }],
    }),
  ],
  'myproxy logon': [encodeLogon({ ...logon, received, trustRoots }), encodeLogon(logon)],
  'myproxy retrieve': [
    encodeRetrieved({
      ...logon,
      certificateFile: '/home/anna/.globus/usercert.pem',
      keyFile: '/home/anna/.globus/userkey.pem',
      keyEncrypted: true,
      identity: '/CN=anna',
      end: at,
      now: at,
      kept: ['/home/anna/.globus/usercert.pem.old'],
      trustRoots,
    }),
  ],
  'myproxy get-trustroots': [encodeTrustRoots(trustRoots)],
  'myproxy-server replicate': [encodeReplicated(replicated)],
  check: [encodeCheck({ vo: 'alice', at, findings: [finding] })],
  forecast: [encodeForecast({ vo: 'alice', at, days: 90, items: [ending], gaps: [said.message] })],
  info: [infoWith({ valid: true }), infoWith({ valid: false, code: 'CHAIN_EXPIRED', ...said })],
}
