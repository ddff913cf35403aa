/** Something for every `--json` document to say that the `job` commands print. */
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

/** Documents by the section of `docs/json.md` that describes them. */
export const JOB_DOCUMENTS: Readonly<Record<string, readonly string[]>> = {
  'job register': [encodeJobRegistered('alice', done)],
  'job get': [encodeJobPath('alice', done)],
  'job unregister': [encodeJobUnregistered('alice', done)],
  'job list': [encodeJobs('alice', [shared])],
}
