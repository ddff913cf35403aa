/** `check`: the whole line of a VO, looked at side by side, and judged when all has been seen. */

import { setMaxListeners } from 'node:events'
import type { UnixSeconds } from '../../ports/clock.js'
import { showDistance } from '../../ports/time-text.js'
import type { Credential } from '../../proxy/credential.js'
import { validateProxyChain } from '../../proxy/validate-proxy-chain.js'
import { isJobFile } from '../../registry/job-file-name.js'
import type { Registration } from '../../registry/registration.js'
import { type CheckName, type Finding, failed, good } from '../../renewal/checking/finding.js'
import { foldConsequences } from '../../renewal/checking/fold-consequences.js'
import { judgeWeaknesses, type SeenChain } from '../../renewal/checking/judge-chain.js'
import { type DatedByServer, judgeClock } from '../../renewal/checking/judge-clock.js'
import {
  type HostCertificateLook,
  judgeHostCertificate,
} from '../../renewal/checking/judge-host-certificate.js'
import {
  judgeDisk,
  judgeMail,
  judgeRegistry,
  judgeService,
  judgeWritable,
} from '../../renewal/checking/judge-machine.js'
import { judgeTrust, newestCrlOf } from '../../renewal/checking/judge-trust.js'
import { type Probe, runProbes, type Seen } from '../../renewal/checking/run-probes.js'
import { EVERY_DN } from '../../renewal/query/query-selection.js'
import { anchorsNow } from '../../renewal/trust-now.js'
import { type OpenVoOptions, openVo, type VoContext } from '../compose/compose.js'
import { jobViewOf } from '../compose/compose-jobs.js'
import { selectWithJobs } from '../compose/compose-select.js'
import { lookAtRegistration } from './check-registration.js'
import { serverProbes, vomsProbes } from './check-servers.js'
import { machineProxyFindings } from './from-conditions.js'
import { type HostFiles, lookAtHost } from './look-at-host.js'
import { lookAtJobs } from './look-at-jobs.js'
import {
  isClockKept,
  lookAtDirectories,
  lookAtDisk,
  lookAtMail,
  lookAtService,
} from './look-at-machine.js'
import { removeOldRehearsals } from './rehearsal-directory.js'

export interface CheckOptions extends OpenVoOptions, HostFiles {
  /** Identity DN; default `all`. */
  dn?: string | undefined
  /** Renew and dress for real, from every server, and throw it away. */
  rehearse?: boolean | undefined
  /** Send a mail to `mail.admin`. */
  sendMail?: boolean | undefined
  signal?: AbortSignal | undefined
  /** Called after each look. */
  onDone?: ((done: number, all: number) => void) | undefined
}

export interface CheckReport {
  vo: string
  at: UnixSeconds
  /** In the order of the line: machine, registrations, servers. */
  findings: readonly Finding[]
}

/** What all looks share. */
export interface Walk {
  vo: VoContext
  host: HostCertificateLook
  /** Undefined where there is none that works; then its own finding says why. */
  machine: Credential | undefined
  registrations: readonly Registration[]
  rehearse: boolean
  /** Filled as servers answer. */
  dated: DatedByServer[]
  chains: SeenChain[]
}

/** For each look, in milliseconds: a VOMS server that is silent takes as long in a renewal. */
const DEADLINE_MS = 120_000
const REHEARSAL_DEADLINE_MS = 300_000
const AT_ONCE = 16

/**
 * Looks at everything. Run as root it looks at the host key first, and then becomes the VO admin.
 *
 * @throws VoboxError what `openVo` throws, `NOT_REGISTERED` for a DN that is not, `CANCELLED`.
 */
export async function checkVo(options: CheckOptions): Promise<CheckReport> {
  const host = await lookAtHost(options)
  const vo = await openVo(options)
  try {
    const { registrations, findings: ofRegistry } = await readRegistrations(vo, options)
    const walk: Walk = {
      vo,
      host,
      machine: await vo.machineProxy().catch(() => undefined),
      registrations,
      rehearse: options.rehearse === true,
      dated: [],
      chains: [],
    }
    if (walk.rehearse) await removeOldRehearsals(vo.clock, vo.paths.directory)
    const { signal, onDone } = options
    if (signal !== undefined) setMaxListeners(0, signal)
    const probes = probesOf(walk, ofRegistry, options).map(withManyListeners)
    const findings = await runProbes(probes, {
      clock: vo.clock,
      deadlineMs: walk.rehearse ? REHEARSAL_DEADLINE_MS : DEADLINE_MS,
      atOnce: AT_ONCE,
      signal,
      onDone,
    })
    return { vo: vo.vo, at: vo.clock.now(), findings: foldConsequences(findings) }
  } finally {
    vo.close()
  }
}

/** One look opens many connections side by side, each of which listens to its signal. */
function withManyListeners(probe: Probe): Probe {
  return {
    ...probe,
    look: (signal) => {
      setMaxListeners(0, signal)
      return probe.look(signal)
    },
  }
}

/** A registry that cannot be read is a finding, and nobody is registered for all that is known. */
async function readRegistrations(
  vo: VoContext,
  { dn = EVERY_DN, environment }: CheckOptions,
): Promise<{ registrations: Registration[]; findings: Finding[] }> {
  try {
    await vo.registry.all()
  } catch (error) {
    return { registrations: [], findings: [failed('registry', error)] }
  }
  // Whoever has job proxies alone is somebody too; a journal that cannot be read has its own finding.
  const jobs = dn === EVERY_DN ? undefined : await jobViewOf(vo).catch(() => undefined)
  const chosen = await selectWithJobs(vo, jobs, { dn }, environment)
  const registrations = chosen.filter(({ fileName }) => !isJobFile(fileName))
  const all = (await vo.registry.all()).size
  return { registrations, findings: judgeRegistry(all, vo.registry.takeWarnings()) }
}

function probesOf(walk: Walk, ofRegistry: readonly Finding[], options: CheckOptions): Probe[] {
  const { vo, registrations } = walk
  const { paths } = vo
  const send = options.sendMail === true
  const probe = (check: CheckName, look: Probe['look']): Probe => ({ check, look })
  return [
    probe('clock', (signal) => lookAtClock(walk, signal)),
    probe('trust', (signal) => lookAtTrust(walk, signal)),
    probe('host-certificate', (signal) => lookAtHostChain(walk, signal)),
    probe('machine-proxy', (signal) => lookAtMachineProxy(walk, signal)),
    probe('repository', async () => {
      const looks = await lookAtDirectories(vo)
      return () => judgeWritable(looks)
    }),
    probe('disk', async () => {
      const facts = await lookAtDisk(paths.directory)
      return () => [judgeDisk(facts)]
    }),
    probe('registry', async () => () => ofRegistry),
    probe('service', async () => {
      const look = await lookAtService(vo)
      return () => [judgeService(look)]
    }),
    probe('mail', async (signal) => {
      const look = await lookAtMail(vo, registrations, send, signal)
      return () => [judgeMail(look)]
    }),
    ...serverProbes(walk),
    ...registrations.map(
      (one): Probe => ({
        check: 'user-proxy',
        about: { identity: one.identity, fileName: one.fileName },
        look: (signal) => lookAtRegistration(walk, one, signal),
      }),
    ),
    probe('jobs', () => lookAtJobs(vo, options.dn)),
    ...vomsProbes(walk),
    probe('chain', async () => () => judgeWeaknesses(walk.chains)),
  ]
}

async function lookAtClock(walk: Walk, signal: AbortSignal): Promise<Seen> {
  const { vo, dated } = walk
  const synchronised = await isClockKept(signal)
  const newestCrl = await anchorsNow(vo, signal).then(newestCrlOf, () => undefined)
  const facts = {
    now: vo.clock.now(),
    ...(synchronised !== undefined && { synchronised }),
    ...(newestCrl !== undefined && { newestCrl }),
  }
  return () => [judgeClock({ ...facts, dated })]
}

async function lookAtTrust({ vo }: Walk, signal: AbortSignal): Promise<Seen> {
  const anchors = await anchorsNow(vo, signal)
  return () => judgeTrust(anchors, vo.config.trust.directory, vo.clock.now())
}

/** Whether the host certificate is one that servers here would believe. */
async function lookAtHostChain(walk: Walk, signal: AbortSignal): Promise<Seen> {
  const { host, vo, chains } = walk
  const now = vo.clock.now()
  const findings = judgeHostCertificate(host, now)
  if (!Array.isArray(host.chain)) return () => findings
  chains.push({ chain: host.chain })
  if (findings.at(-1)?.verdict === 'bad') return () => findings
  const untrusted = await judgeAgainstAnchors(walk, 'host-certificate', host.chain, signal)
  // That it ends some day is no news of a certificate that nobody believes.
  if (untrusted.length > 0) return () => [...findings.slice(0, -1), ...untrusted]
  return () => findings
}

async function lookAtMachineProxy(walk: Walk, signal: AbortSignal): Promise<Seen> {
  const { vo, machine, chains } = walk
  const observation = await vo.machineProxyFile.observe()
  const found = machineProxyFindings(vo.vo, observation)
  if (machine === undefined) return () => found
  chains.push({ chain: machine.chain })
  const untrusted = await judgeAgainstAnchors(walk, 'machine-proxy', machine.chain, signal)
  const { end, at } = observation
  if (found.length > 0 || untrusted.length > 0 || end === undefined) {
    return () => [...found, ...untrusted]
  }
  return () => [good('machine-proxy', `the machine proxy ends ${showDistance(end, at)}`, { end })]
}

/** Nothing where it is believed. */
async function judgeAgainstAnchors(
  { vo }: Walk,
  check: CheckName,
  chain: Credential['chain'],
  signal: AbortSignal,
): Promise<Finding[]> {
  try {
    validateProxyChain(chain, await anchorsNow(vo, signal), {
      now: vo.clock.now(),
      allowLegacyProxies: vo.config.trust.allowLegacyProxies,
      maxDelegationDepth: vo.config.limits.maxDelegationDepth,
    })
    return []
  } catch (error) {
    signal.throwIfAborted()
    return [failed(check, error)]
  }
}
