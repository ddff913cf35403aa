/** Job proxies beside the registrations of a VO-Box: one registry, one place of files, told apart by name. */
import { isJobFile } from '../registry/job-file-name.js'
import type { Registry } from '../registry/registry.js'
import type { ProxyFiles } from '../repository/proxy-files.js'

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
