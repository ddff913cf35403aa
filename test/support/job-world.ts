/**
 * The desk of job proxies on a disk in memory, with a scripted MyProxy server behind it and a clock
 * that stands still: all real code from the request to the journal.
 */
import { JobDesk } from '../../src/jobs/job-desk.js'
import { JobProxies } from '../../src/jobs/job-proxies.js'
import type { JobRenewalSettings } from '../../src/jobs/job-registration.js'
import { JobStore } from '../../src/jobs/job-store.js'
import type { JobRequest } from '../../src/jobs/protocol/request.js'
import { type Credential, encodeCredential } from '../../src/proxy/credential.js'
import { attributeRulesNow } from '../../src/renewal/trust-now.js'
import { ProxyRepository } from '../../src/repository/proxy-repository.js'
import { addProxy, type ProxyOptions } from './pki.js'
import { type RenewalWorld, renewalWorld } from './renewal-world.js'
import { HOUR } from './time.js'

export const JOB_SETTINGS: JobRenewalSettings = {
  lifetimeSeconds: 12 * HOUR,
  condorLimitSeconds: 1800,
  proxySafeSeconds: HOUR,
  myproxySafeSeconds: 24 * HOUR,
  email: null,
}

export const JOB_SERVER = 'px.example.org:7512'

/** Names drawn one after the other, so that a test can tell them. */
function countingRandom() {
  let drawn = 0
  return {
    bytes: (length: number) => {
      drawn += 1
      return Uint8Array.from(Buffer.from(drawn.toString(16).padStart(2 * length, '0'), 'hex'))
    },
    fraction: () => 0.5,
  }
}

export async function jobWorld(world: RenewalWorld = renewalWorld()) {
  const { context, files, clock, config, paths } = world
  const { journal } = context
  const owners = [1000]
  const directory = `${paths.directory}/job_repository`
  const repository = new ProxyRepository({ files, directory, owners })
  const store = new JobStore({ files, clock, journal, directory: paths.directory, owners })
  await store.open()
  const proxies = new JobProxies({ files, journal, repository, store })
  const changed: string[] = []
  const ended: string[] = []
  const desk = new JobDesk({
    files,
    clock,
    journal,
    random: countingRandom(),
    config,
    settings: JOB_SETTINGS,
    store,
    proxies,
    attributeRules: (signal) => attributeRulesNow(context, signal),
    owners,
    onChanged: (fileName) => void changed.push(fileName),
    onEnded: (fileName) => void ended.push(fileName),
  })
  const users = new Map<string, Credential>()
  const user = (name: string) => {
    const known = users.get(name) ?? world.ca.issueUser(name)
    users.set(name, known)
    return known
  }
  let handed = 0

  return {
    ...world,
    desk,
    store,
    proxies,
    repository,
    directory,
    changed,
    ended,
    user,

    /** A proxy file as a workload manager has it; its path. */
    async hand(name: string, options: ProxyOptions & { voms?: readonly string[] } = {}) {
      const { voms = [], ...rest } = options
      const plain = addProxy(user(name), { now: clock.now(), hours: 10, ...rest })
      const proxy =
        voms.length === 0 ? plain : await world.dress(plain, voms, (rest.hours ?? 10) * HOUR)
      return this.handFile(proxy)
    },

    async handFile(proxy: Credential): Promise<string> {
      handed += 1
      const path = `/jobs/x509up_${handed}`
      await files.replace(path, encodeCredential(proxy), { mode: 0o600 })
      return path
    },

    ask: (request: JobRequest) => desk.serve(request, new AbortController().signal),

    register(jobId: string, proxyFile: string, server = JOB_SERVER) {
      return this.ask({ command: 'register', jobId, proxyFile, server })
    },

    /** Files of `job_repository/`. */
    kept: () => repository.list(),
  }
}
