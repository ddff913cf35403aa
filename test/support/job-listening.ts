/** The desk of a {@link jobWorld} behind a real socket. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { JobSocket } from '../../src/jobs/job-socket.js'
import type { JobRequest } from '../../src/jobs/protocol/request.js'
import type { JobResponse } from '../../src/jobs/protocol/response.js'
import { systemClock } from '../../src/node/ports/clock.js'
import { listenOnSocket } from '../../src/node/service/job-listener.js'

export interface ListeningJobs {
  directory: string
  path: string
  /** Ends the service, and removes the directory. */
  close(): Promise<void>
}

export async function listenFor(
  serve: (request: JobRequest, signal: AbortSignal) => Promise<JobResponse>,
): Promise<ListeningJobs> {
  const directory = await mkdtemp(join(tmpdir(), 'jobs-'))
  const path = join(directory, 'jobs.sock')
  const uid = process.getuid?.() ?? 0
  const socket = new JobSocket({ clock: systemClock, journal: { write: () => undefined }, serve })
  socket.attach(await listenOnSocket({ path, mode: 0o600, uid }))
  return {
    directory,
    path,
    async close() {
      await socket.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
