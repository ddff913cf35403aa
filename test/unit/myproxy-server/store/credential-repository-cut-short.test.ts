/** Every change of a stored credential, stopped before every single call of the system that it makes. */
import { mkdir, readdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CredentialRepository } from '../../../../src/myproxy/server/store/credential-repository.js'
import { systemClock } from '../../../../src/node/ports/clock.js'
import { makeFiles, nodeFiles } from '../../../../src/node/ports/files.js'
import { type Files, TEMPORARY_PREFIX } from '../../../../src/ports/files.js'
import { silentJournal } from '../../../../src/ports/journal.js'
import { faultyDisk, systemError } from '../../../support/faulty-disk.js'
import {
  OLD_SECONDS,
  REPOSITORY_CHANGES,
  type RepositoryChange,
  STATES,
  stateOf,
  storedOf,
  workOn,
} from '../../../support/repository-changes.js'
import { temporaryDirectory } from '../../../support/temporary-directory.js'

const owners = [process.getuid?.() ?? 0]
const repositoryIn = (directory: string, files: Files = nodeFiles) =>
  new CredentialRepository({ files, clock: systemClock, journal: silentJournal, directory, owners })

/** Calls that open for reading alone change nothing. */
const MOST_STEPS = 200

/** A disk on which nothing works from the n-th change on, as for a process that is dead. */
function deadFrom(step: number) {
  let made = 0
  const files = makeFiles(
    faultyDisk(() => {
      made += 1
      if (made >= step) throw systemError('EIO')
    }),
  )
  return { files, died: () => made >= step }
}

/** What lies in a store before a change: ours, or as the C server writes it. */
async function prepare(directory: string, change: RepositoryChange, by: 'us' | 'C'): Promise<void> {
  await mkdir(directory, { mode: 0o700 })
  if (change === 'create') return
  if (by === 'us') {
    const old = storedOf('alice')
    return repositoryIn(directory).store(old, Buffer.from('old'), () => undefined)
  }
  const text = `OWNER=/DC=org/CN=alice\nLIFETIME=${OLD_SECONDS}\nUSERNAME=alice\nEND_OPTIONS\n`
  await writeFile(join(directory, 'alice.data'), text, { mode: 0o600 })
  await writeFile(join(directory, 'alice.creds'), 'old', { mode: 0o600 })
}

/** Files that hold a key which nothing needs; a temporary must be old before anybody says so. */
async function leftovers(directory: string): Promise<string[]> {
  const names = await readdir(directory)
  for (const name of names.filter((file) => file.startsWith(TEMPORARY_PREFIX))) {
    await utimes(join(directory, name), 1e9, 1e9)
  }
  await repositoryIn(directory).open()
  const isLeft = (name: string) => name.startsWith(TEMPORARY_PREFIX) || name.endsWith('.previous')
  return (await readdir(directory)).filter(isLeft)
}

const cases = REPOSITORY_CHANGES.flatMap((change) =>
  (change === 'create' ? (['us'] as const) : (['us', 'C'] as const)).map((by) => ({ change, by })),
)

describe('a change cut short', () => {
  it.each(cases)(
    '$change of what was stored by $by shows the old or the new one, whole, at every step',
    async ({ change, by }) => {
      const [before, after] = STATES[change]
      const seen = new Set<string | undefined>()
      const parent = await temporaryDirectory()
      let died = true
      let step = 0
      while (died) {
        step += 1
        expect(step).toBeLessThan(MOST_STEPS)
        const directory = join(parent, String(step))
        await prepare(directory, change, by)
        const dead = deadFrom(step)
        await workOn(repositoryIn(directory, dead.files), change, 'alice').catch(() => undefined)
        died = dead.died()

        const found = await stateOf(repositoryIn(directory), 'alice')
        expect([before, after], `stopped before step ${step}`).toContain(found)
        seen.add(found)

        // The next server ends what was begun: no key is left over, and the files are a pair by
        // themselves, which is all that a C program looks at.
        const next = repositoryIn(directory)
        await next.open()
        expect(await stateOf(next, 'alice'), `step ${step}, opened again`).toBe(found)
        expect(await leftovers(directory)).toEqual([])
        if (found !== undefined) {
          const key = await readFile(join(directory, 'alice.creds'), 'utf8')
          expect(found.startsWith(`${key} `), `step ${step}: ${found} beside ${key}`).toBe(true)
        }
        // And it can be done again, to its end.
        if (found === before) await workOn(next, change, 'alice')
        expect(await stateOf(next, 'alice')).toBe(after)
      }
      expect(step).toBeGreaterThan(3)
      expect(seen).toEqual(new Set([before, after]))
    },
  )
})

it('leaves a temporary of another process alone that is less than 10 minutes old', async () => {
  const directory = join(await temporaryDirectory(), 'store')
  await repositoryIn(directory).open()
  const [young, old] = ['young', 'old'].map((age) => join(directory, `${TEMPORARY_PREFIX}${age}`))
  for (const path of [young, old]) await writeFile(path as string, 'key', { mode: 0o600 })
  const elevenMinutesAgo = (await stat(young as string)).mtimeMs / 1000 - 660
  await utimes(old as string, elevenMinutesAgo, elevenMinutesAgo)
  await repositoryIn(directory).open()
  expect(await readdir(directory)).toContain(`${TEMPORARY_PREFIX}young`)
  expect(await readdir(directory)).not.toContain(`${TEMPORARY_PREFIX}old`)
})

it('leaves a damaged one of a user called vobox-temporary-1 for a person to look at', async () => {
  const directory = join(await temporaryDirectory(), 'store')
  await repositoryIn(directory).open()
  const kept = join(directory, '.vobox-temporary-1.previous')
  const data = 'OWNER=/CN=a\nUSERNAME=vobox-temporary-1\nEND_OPTIONS\n'
  await writeFile(join(directory, 'vobox-temporary-1.data'), `${data}CREDS_SHA256=00\n`, {
    mode: 0o600,
  })
  await writeFile(join(directory, 'vobox-temporary-1.creds'), 'another key', { mode: 0o600 })
  await writeFile(kept, 'a third one', { mode: 0o600 })
  await utimes(kept, new Date(0), new Date(0))
  await repositoryIn(directory).open()
  expect(await readFile(kept, 'utf8')).toBe('a third one')
})
