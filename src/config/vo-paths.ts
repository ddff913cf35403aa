/** Every path of one VO's directory, in one place. */
import { join } from 'node:path'

export interface VoPaths {
  /** `ROOT/VO`, 0750, the VO admin's. */
  directory: string
  machineProxy: string
  /**
   * 0700; holds user proxies under their contract names and nothing else that does not start with a
   * dot.
   */
  repository: string
  registry: string
  registryPrevious: string
  registryLock: string
  /** 0700; one file a registration, and the alerts. */
  state: string
  /** 0700; lock files of registrations. */
  locks: string
  /** 0700; mail that could not be sent. */
  spool: string
  log: string
  eventsLog: string
  agentsLog: string
  /** Held by the running service. */
  serviceLock: string
  /** Where the service says how it is, for `query` and `status`. */
  serviceStatus: string
  /** The socket where Prometheus asks, 0660. */
  metricsSocket: string
  /** 0700; files that jobs share, under names that say nothing. */
  jobRepository: string
  /** 0700; as `state`, for job proxies. */
  jobState: string
  /** Where workload managers ask, unless configured otherwise; its directory is the service's own. */
  jobSocket: string
  start: string
  stop: string
  agents: string
}

export function voPaths(root: string, vo: string): VoPaths {
  const directory = join(root, vo)
  const at = (...names: string[]) => join(directory, ...names)
  return {
    directory,
    machineProxy: at('renewal-proxy.pem'),
    repository: at('proxy_repository'),
    registry: at('registry.json'),
    registryPrevious: at('registry.json.previous'),
    registryLock: at('.registry.lock'),
    state: at('state'),
    locks: at('state', 'locks'),
    spool: at('spool'),
    log: at('log'),
    eventsLog: at('log', 'events.log'),
    agentsLog: at('log', 'agents.log'),
    serviceLock: at('.renewd.lock'),
    serviceStatus: at('state', 'service.json'),
    metricsSocket: at('metrics.sock'),
    jobRepository: at('job_repository'),
    jobState: at('state', 'jobs'),
    jobSocket: at('run', 'jobs.sock'),
    start: at('start'),
    stop: at('stop'),
    agents: at('agents'),
  }
}
