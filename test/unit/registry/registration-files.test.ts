import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeFiles } from '../../../src/node/ports/files.js'
import { emptyState } from '../../../src/registry/registration.js'
import { RegistrationFiles } from '../../../src/registry/registration-files.js'
import { jobFile } from '../../support/jobs.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const DN = '+2fDC+3dorg+2fCN+3dann'

async function openStates() {
  const directory = join(await temporaryDirectory(), 'state')
  const files = new RegistrationFiles(nodeFiles, { state: directory, locks: directory })
  const fail = (fileName: string) => files.writeState(fileName, { ...emptyState, failures: 2 })
  return { directory, files, fail }
}

describe('removeStrays', () => {
  it('keeps states and locks of 2 that are registered, and removes those of 2 that are not', async () => {
    const { directory, files, fail } = await openStates()
    for (const name of [jobFile(1), jobFile(2), DN, '+gone']) {
      await fail(name)
      await (await files.lock(name, 1000)).release()
    }
    expect(readdirSync(directory)).toHaveLength(8)
    await files.removeStrays([jobFile(1), DN])
    expect(readdirSync(directory)).toHaveLength(4)
    const failures = async (name: string) => (await files.readState(name)).failures
    expect(await Promise.all([jobFile(1), jobFile(2), DN, '+gone'].map(failures))).toEqual([
      ...[2, 0, 2, 0],
    ])
  })

  it('leaves alone what is not ours, and what cannot be removed', async () => {
    const { directory, files, fail } = await openStates()
    await fail(jobFile(1))
    const unremovable = `${'0'.repeat(32)}.json`
    for (const name of ['lost+found', unremovable]) mkdirSync(join(directory, name))
    for (const name of ['.hidden', 'notes.txt', 'service.json']) {
      writeFileSync(join(directory, name), '')
    }
    await files.removeStrays([])
    expect(readdirSync(directory).sort()).toEqual(
      ['.hidden', 'lost+found', 'notes.txt', 'service.json', unremovable].sort(),
    )
  })

  it('finds nothing to do in an empty directory', async () => {
    const { directory, files } = await openStates()
    mkdirSync(directory)
    await files.removeStrays([jobFile(1)])
    expect(readdirSync(directory)).toEqual([])
  })
})
