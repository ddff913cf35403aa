/** Job proxies beside the registrations of a VO-Box: one registry, one place of files, told apart by name. */
import { isJobFile } from '../registry/job-file-name.js'
import type { Registry } from '../registry/registry.js'
import type { KnownTimes } from '../renewal/proxy-times-cache.js'
import type { ProxyFiles } from '../repository/proxy-files.js'
import type { JobProxies } from './job-proxies.js'

export function registriesBeside(vobox: Registry, jobs: Registry): Registry {
  const of = (fileName: string) => (isJobFile(fileName) ? jobs : vobox)
  return {
    all: async () => new Map([...(await vobox.all()), ...(await jobs.all())]),
    get: (fileName) => of(fileName).get(fileName),
    update: (fileName, change, signal) => of(fileName).update(fileName, change, signal),
    state: (fileName) => of(fileName).state(fileName),
    writeState: (fileName, state) => of(fileName).writeState(fileName, state),
    lease: (fileName, deadlineMs, signal) => of(fileName).lease(fileName, deadlineMs, signal),
    watch: (onChange) => vobox.watch(onChange),
    takeWarnings: () => [...vobox.takeWarnings(), ...jobs.takeWarnings()],
  }
}

/** Whoever lists what is there means the VO-Box: job proxies are seen by nobody who does not know them. */
export function filesBeside(vobox: ProxyFiles, jobs: ProxyFiles): ProxyFiles {
  const of = (fileName: string) => (isJobFile(fileName) ? jobs : vobox)
  return {
    path: (fileName) => of(fileName).path(fileName),
    read: (fileName) => of(fileName).read(fileName),
    readBytes: (fileName) => of(fileName).readBytes(fileName),
    replace: (fileName, credential) => of(fileName).replace(fileName, credential),
    remove: (fileName) => of(fileName).remove(fileName),
    list: () => vobox.list(),
    newestFirst: (accept) => vobox.newestFirst(accept),
    probeWritable: (fileName = '') => of(fileName).probeWritable(fileName),
  }
}

/**
 * What is known of the files of both. That of job proxies is kept where they are written: the scheduler,
 * which looks before and after, need not read them a second time.
 */
export function timesBeside(vobox: KnownTimes, jobs: Pick<JobProxies, 'times'>): KnownTimes {
  return {
    get: (fileName) => (isJobFile(fileName) ? jobs.times(fileName) : vobox.get(fileName)),
    delete: (fileName) => vobox.delete(fileName),
    clear: () => vobox.clear(),
  }
}
