/** The service killed before each call of the system that registering and ending a job make. */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { JobProxies } from '../../src/jobs/job-proxies.js'
import { encodeRecord } from '../../src/jobs/job-record.js'
import { JobStore } from '../../src/jobs/job-store.js'
import { systemClock } from '../../src/node/ports/clock.js'
import { nodeFiles } from '../../src/node/ports/files.js'
import { encodeCredential } from '../../src/proxy/credential.js'
import { ProxyRepository } from '../../src/repository/proxy-repository.js'
import { bundleScript } from '../support/bundled-script.js'
import { firstJob, jobFile } from '../support/jobs.js'
import { addProxy, TestAuthority } from '../support/pki.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'

/** More than there are: the last ones get through. */
const STEPS = 60
const DEADLINE_MS = 30_000

let temporary: Awaited<ReturnType<typeof makeTemporaryDirectory>>
let script: string
let proxy: string

beforeAll(async () => {
  temporary = await makeTemporaryDirectory()
  script = await bundleScript('jobs-in-process.ts', temporary.path)
  proxy = join(temporary.path, 'proxy')
  writeFileSync(proxy, encodeCredential(addProxy(new TestAuthority().issueUser('ann'))))
})
afterAll(() => temporary.remove())

/** What the next service finds: jobs with their files, and every name in the directory of files. */
async function reopened(directory: string) {
  const journal = {
    write(_level: string, event: string) {
      if (event === 'jobs-journal-damaged') throw new Error('the journal is damaged')
    },
  }
  const owners = [process.getuid?.() ?? 0]
  const files = nodeFiles
  const store = new JobStore({ files, clock: systemClock, journal, directory, owners })
  await store.open()
  const repository = new ProxyRepository({ files, directory: join(directory, 'jobs'), owners })
  await new JobProxies({ files, journal, repository, store }).removeStrays()
  return { book: store.book, names: readdirSync(join(directory, 'jobs')) }
}

describe('a service of jobs that is killed', () => {
  it('before any of its writes has what it said, no half, no key without a job', async () => {
    let kills = 0
    for (let step = 1; step <= STEPS; step += 1) {
      const directory = join(temporary.path, 'vo')
      rmSync(directory, { recursive: true, force: true })
      mkdirSync(join(directory, 'jobs'), { recursive: true, mode: 0o700 })
      writeFileSync(join(directory, 'jobs', jobFile(1)), 'old', { mode: 0o600 })
      const journal = join(directory, 'jobs.journal')
      writeFileSync(journal, encodeRecord(firstJob('old', 1)), { mode: 0o600 })
      const { stdout, signal, stderr } = spawnSync(
        process.execPath,
        [script, directory, proxy, String(step)],
        { encoding: 'utf8', timeout: DEADLINE_MS },
      )
      const { book, names } = await reopened(directory)
      expect(names.sort()).toEqual([...book.proxies.keys()].sort())
      const said = /registered (\S+)/.exec(stdout)?.[1]
      if (said !== undefined) {
        expect(book.ofJob('new')?.proxy.fileName).toBe(said)
        expect(existsSync(join(directory, 'jobs', said))).toBe(true)
      }
      if (stdout.includes('ended old')) expect(book.ofJob('old')).toBeUndefined()
      else if (said === undefined) expect(book.ofJob('old')).toBeDefined()
      if (signal === null) {
        expect([stderr, stdout]).toEqual(['', expect.stringContaining('done')])
        break
      }
      kills += 1
    }
    expect(kills).toBeGreaterThan(15)
    expect(kills).toBeLessThan(STEPS)
  })
})
