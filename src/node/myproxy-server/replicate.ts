/** `myproxy-server replicate`: one run over all `slave_servers`, from cron as a rule. */
import type { Config } from '../../config/config.js'
import { isVoboxError, printable, VoboxError } from '../../errors.js'
import type { MyProxyContext } from '../../myproxy/client.js'
import type { SyslogFacility } from '../../myproxy/server/config/server-config.js'
import { ReplicaStates } from '../../myproxy/server/replication/replica-states.js'
import { replicate } from '../../myproxy/server/replication/replicate.js'
import { remoteSecondary } from '../../myproxy/server/replication/secondary.js'
import { SeenCredentials } from '../../myproxy/server/replication/seen-credentials.js'
import { CredentialRepository } from '../../myproxy/server/store/credential-repository.js'
import type { Journal } from '../../ports/journal.js'
import type { Replicated } from '../../report/replication-text.js'
import { isRoot } from '../compose/become-owner.js'
import { readEffectiveConfig } from '../compose/compose-config.js'
import { currentUid } from '../compose/compose-login.js'
import { requireRootOnly } from '../compose/root-only.js'
import { trustDirectoryOf, trustFor } from '../compose/trust-directory.js'
import { systemClock } from '../ports/clock.js'
import { nodeDialer } from '../ports/dialer.js'
import { nodeFiles } from '../ports/files.js'
import { KeyPool } from '../ports/key-pool.js'
import { readConfigOf } from './open-server.js'
import { readLivingCredential, serverCredentialPlaces } from './server-credential.js'
import { serverOptionsOf } from './server-options.js'

export interface ReplicateRepositoryOptions {
  /** The server's storage directory; default as the server's, `/var/lib/myproxy`. */
  storage?: string | undefined
  /** Default `/etc/myproxy-server.config`. */
  config?: string | undefined
  /** `X509_USER_CERT`, `X509_USER_KEY`, `X509_USER_PROXY`, `X509_CERT_DIR`, `HOME`. */
  environment: Readonly<Record<string, string | undefined>>
  /** After so long the run ends, in milliseconds; default 540,000: before cron begins the next. */
  deadlineMs?: number | undefined
  /** Sends everything again, whatever was given before; default false. */
  resend?: boolean | undefined
  /** Told what the configuration says of syslog, before anything is done. */
  onFacility?: ((facility: SyslogFacility) => Promise<void>) | undefined
  /** Told of each step as it is done, in a sentence. */
  onStep?: ((sentence: string) => void) | undefined
  /** Told, in a sentence, of what is broken in the repository or in the way. */
  onWarning(sentence: string): void
  signal: AbortSignal
}

const DEADLINE_MS = 540_000

/**
 * A secondary that fails is in what is returned, and no failure of this.
 *
 * @throws VoboxError `CONFIG_INVALID`, `FILE_MISSING` without a repository or a host credential,
 *   `FILE_UNSAFE`, `LOCK_TIMEOUT` when another run is under way.
 */
export async function replicateRepository(
  options: ReplicateRepositoryOptions,
): Promise<Replicated> {
  const { environment, onStep, onFacility, resend, storage } = options
  const places = serverOptionsOf({ storage, config: options.config }, {})
  const { storageDirectory: directory } = places
  const config = await readConfigOf(places)
  await onFacility?.(config.syslogFacility)
  await requireDirectory(directory)
  const uid = currentUid()
  const journal = warningsTo(options.onWarning)
  const repository = new CredentialRepository({
    files: nodeFiles,
    clock: systemClock,
    journal,
    directory,
    owners: [uid],
  })
  await repository.open()
  const credential = await readLivingCredential(
    serverCredentialPlaces(environment),
    systemClock.now(),
  )
  const site = await readEffectiveConfig(nodeFiles, environment, uid)
  const context = contextOf(site, journal)
  const secondaries = config.secondaryServers.map((server) =>
    remoteSecondary(context, server, credential),
  )
  const deadline = new AbortController()
  const timer = setTimeout(() => deadline.abort(tooLate()), options.deadlineMs ?? DEADLINE_MS)
  try {
    const report = await replicate(secondaries, {
      source: new SeenCredentials({
        ...{ repository, journal, directory },
        ...{ files: nodeFiles, owners: [uid] },
      }),
      states: new ReplicaStates(nodeFiles, directory, [uid]),
      clock: systemClock,
      signal: AbortSignal.any([options.signal, deadline.signal]),
      resend,
      onStep: (server, { username, name }, { action, reason }) => {
        const did = action === 'store' ? 'stored' : 'removed'
        const which = name === undefined ? username : `${username} '${name}'`
        onStep?.(printable(`${server}: ${did} ${which} (${reason})`))
      },
    })
    return { directory, now: systemClock.now(), ...report }
  } finally {
    clearTimeout(timer)
  }
}

/** The repository makes what is not there; here that would be a mistake of whoever calls. */
async function requireDirectory(directory: string): Promise<void> {
  const facts = await nodeFiles.facts(directory).catch((error: unknown) => {
    if (isVoboxError(error, 'FILE_MISSING')) return undefined
    throw error
  })
  if (facts !== undefined) {
    if (isRoot()) requireRootOnly(directory, true)
    return
  }
  throw new VoboxError('FILE_MISSING', `there is no repository ${directory}`, {
    data: { path: directory },
    hint: '-r names the storage directory of the server',
  })
}

function contextOf({ trust, myproxy, limits }: Config, journal: Journal): MyProxyContext {
  return {
    dialer: nodeDialer,
    clock: systemClock,
    journal,
    // STORE and DESTROY delegate nothing, so that none is ever made.
    keys: new KeyPool({ kind: 'rsa2048', size: 0 }),
    keyKind: 'rsa2048',
    anchors: () => trustDirectoryOf({ trust }).current(),
    anchorsFor: trustFor({ trust }),
    connectMs: myproxy.connectSeconds * 1000,
    answerMs: myproxy.answerSeconds * 1000,
    tlsMaxVersion: myproxy.tlsMaxVersion,
    maxDelegationDepth: limits.maxDelegationDepth,
    allowLegacyProxies: trust.allowLegacyProxies,
    allowSha1Challenge: false,
    // Each secondary is known by its own name, whatever MYPROXY_SERVER_DN says of another server.
    serverDn: null,
  }
}

const warningsTo = (onWarning: (sentence: string) => void): Journal => ({
  write(level, _event, message, { stem } = {}) {
    if (level === 'warn' || level === 'error') {
      onWarning(stem === undefined ? message : `${printable(String(stem))}: ${message}`)
    }
  },
})

function tooLate(): VoboxError {
  return new VoboxError('DEADLINE_EXCEEDED', 'the run took too long, and ends before the next', {
    hint: 'The next one goes on where this one ended',
  })
}
