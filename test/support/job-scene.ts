/**
 * Jobs from the socket to the renewal: the whole service in this process, with a real socket, a
 * scripted MyProxy server, a disk in memory and a clock of its own.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { filesBeside, registriesBeside } from '../../src/jobs/beside.js'
import { JobService } from '../../src/jobs/job-service.js'
import { listenOnSocket } from '../../src/node/service/job-listener.js'
import { encodeCredential } from '../../src/proxy/credential.js'
import { type DaemonContext, RenewalDaemon } from '../../src/renewal/daemon.js'
import { attributeRulesNow } from '../../src/renewal/trust-now.js'
import { addProxy, type ProxyOptions } from './pki.js'
import { ask, registerLines } from './raw-jobs.js'
import { renewalWorld } from './renewal-world.js'
import { HOUR } from './time.js'

export type JobScene = Awaited<ReturnType<typeof openJobScene>>

/** @param watch who hears what the scheduler sees and does. */
export async function openJobScene(
  world = renewalWorld(),
  watch: Partial<Pick<DaemonContext, 'sink' | 'onOutcome' | 'onTurn'>> = {},
) {
  await world.putMachineProxy()
  const { context, files, clock } = world
  let drawn = 0
  const bytes = (length: number) => {
    drawn += 1
    return Uint8Array.from(Buffer.from(drawn.toString(16).padStart(2 * length, '0'), 'hex'))
  }
  const openService = () =>
    JobService.open({
      ...context,
      paths: world.paths,
      random: { bytes, fraction: () => 0.5 },
      owners: [1000],
      attributeRules: (signal) => attributeRulesNow(context, signal),
    })
  const service = await openService()
  const daemon = new RenewalDaemon({
    ...context,
    ...watch,
    registry: registriesBeside(context.registry, service.registry),
    repository: filesBeside(context.repository, service.proxies.files()),
    retire: (registration) => service.retire(registration),
    seenAlive: (fileName) => service.seenAlive(fileName),
  })
  service.touched = (fileName) => void daemon.touch(fileName)
  const directory = await mkdtemp(join(tmpdir(), 'jobs-'))
  const socket = join(directory, 'jobs.sock')
  const place = { path: socket, mode: 0o600, uid: process.getuid?.() ?? 0 }
  service.socket.attach(await listenOnSocket(place))
  const stopping = new AbortController()
  const run = daemon.run(stopping.signal)
  await clock.advance(1000)
  let handed = 0

  return {
    ...world,
    service,
    directory,
    place,
    /** Another service that opens what this one has on disk. */
    openService,
    ask: (lines: string) => ask(socket, lines),
    get: async (job: string) => ask(socket, `Command=3\nJobid=${job}\n`),
    end: async (job: string) => ask(socket, `Command=2\nJobid=${job}\n`),
    pass: (hours: number) => clock.advance(hours * HOUR * 1000),

    /** A proxy file of somebody who has stored a credential as well. */
    async hand(name: string, options: ProxyOptions & { voms?: readonly string[] } = {}) {
      const { voms = [], hours = 10, ...rest } = options
      const user = world.users.get(name) ?? world.store(name, 30)
      const plain = addProxy(user, { now: clock.now(), hours, ...rest })
      const proxy = voms.length === 0 ? plain : await world.dress(plain, voms, hours * HOUR)
      handed += 1
      const path = `/jobs/x509up_${handed}`
      await files.replace(path, encodeCredential(proxy), { mode: 0o600 })
      return path
    },

    register: (job: string, proxyFile: string, server = 'px.example.org') =>
      ask(socket, registerLines(job, proxyFile, server)),

    /** Names in `job_repository/`, halves of files too. */
    kept: () => files.list(world.paths.jobRepository),

    async close() {
      await service.close()
      stopping.abort()
      await clock.advance(1000)
      await run
      await rm(directory, { recursive: true, force: true })
    },
  }
}
