/** Something for every `--json` document to say; those of MyProxy's commands are in a file of their own. */
import type { AgentResult } from '../../src/agents/agent-result.js'
import type { ConfigOrigin } from '../../src/config/read-config.js'
import { VoboxError } from '../../src/errors.js'
import type { FailedAttempt } from '../../src/gsi/reach.js'
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
import { encodeQuery } from '../../src/report/query-json.js'
import { encodeRegistered, encodeUnregistered } from '../../src/report/register-text.js'
import { encodeRenewals } from '../../src/report/renew-text.js'
import { encodeSetup } from '../../src/report/setup-text.js'
import type { InnerAttributeReport } from '../../src/voms/attribute-report.js'
import { at, attributes, type Complete, type EachKind, said, server } from './json-sample-parts.js'
import { JOB_DOCUMENTS } from './json-samples-jobs.js'
import { MYPROXY_DOCUMENTS } from './json-samples-myproxy.js'
import { registration as registrationOf } from './registry.js'

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
  renewBeforeSeconds: 1800,
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

const row: Omit<Complete<QueryRow>, 'proxy' | 'next'> = {
  registration,
  state,
  file: '/repository/anna',
  jobs: 2,
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
      advice: [said.message],
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
  ...MYPROXY_DOCUMENTS,
  ...JOB_DOCUMENTS,
  check: [encodeCheck({ vo: 'alice', at, findings: [finding] })],
  forecast: [encodeForecast({ vo: 'alice', at, days: 90, items: [ending], gaps: [said.message] })],
  info: [infoWith({ valid: true }), infoWith({ valid: false, code: 'CHAIN_EXPIRED', ...said })],
}
