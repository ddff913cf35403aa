/** Something for every `--json` document to say that the `job` commands print. */
import { VoboxError } from '../../src/errors.js'
import { encodeImported, type Imported } from '../../src/report/job-import-text.js'
import {
  encodeJobPath,
  encodeJobRegistered,
  encodeJobs,
  encodeJobUnregistered,
  type JobDone,
  type SharedJobProxy,
} from '../../src/report/jobs-text.js'
import { jobFile } from './jobs.js'
import { at, type Complete, server } from './json-sample-parts.js'

const file = `/var/lib/vobox/alice/job_repository/${jobFile(1)}`
const done: Complete<JobDone> = { jobId: 'job-17', proxyFile: file, end: at, renewalAt: at }

const shared: Complete<SharedJobProxy> = {
  ...{ identity: '/CN=anna', server, voms: ['alice:/alice'], kind: 'rfc3820', limited: true },
  ...{ registeredAt: at, file, end: at, jobs: [{ jobId: 'job-17', count: 2 }] },
}

const imported: Imported = {
  ...{ directory: '/var/spool/glite-renewd', dryRun: false },
  proxies: [
    {
      ...{ path: '/var/spool/glite-renewd/00.0', server, outcome: 'imported', proxyFile: file },
      ...{ jobs: 1, refused: [{ jobId: 'job-18', error: new VoboxError('USAGE', 'no') }] },
    },
  ],
  problems: [{ path: '/var/spool/glite-renewd/01.data', reason: 'line 1 is damaged' }],
  strays: ['/var/spool/glite-renewd/02.7'],
}

/** Documents by the section of `docs/json.md` that describes them. */
export const JOB_DOCUMENTS: Readonly<Record<string, readonly string[]>> = {
  'job register': [encodeJobRegistered('alice', done)],
  'job get': [encodeJobPath('alice', done)],
  'job unregister': [encodeJobUnregistered('alice', done)],
  'job import': [encodeImported('alice', imported)],
  'job list': [encodeJobs('alice', [shared])],
}
