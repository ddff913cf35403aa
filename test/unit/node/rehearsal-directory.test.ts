import { existsSync, mkdirSync, readdirSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import {
  inRehearsalDirectory,
  removeOldRehearsals,
} from '../../../src/node/check/rehearsal-directory.js'
import { nodeFiles } from '../../../src/node/ports/files.js'
import { asUnixSeconds } from '../../../src/ports/clock.js'
import { FakeClock } from '../../support/fake-clock.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const now = asUnixSeconds(1_800_000_000)

it('a rehearsal has a directory of 0700, which goes with it, also when it fails', async () => {
  const directory = await temporaryDirectory()
  const failed = inRehearsalDirectory(nodeFiles, directory, async (scratch) => {
    expect(statSync(scratch).mode & 0o777).toBe(0o700)
    writeFileSync(join(scratch, 'proxy'), 'x')
    throw new Error('no')
  })
  await expect(failed).rejects.toThrow('no')
  expect(readdirSync(directory)).toEqual([])
})

it('what a killed one left is removed after an hour, and nothing that is younger or named otherwise', async () => {
  const directory = await temporaryDirectory()
  const put = (name: string, ageSeconds: number) => {
    const path = join(directory, name)
    mkdirSync(path)
    writeFileSync(join(path, 'proxy'), 'x')
    utimesSync(path, now - ageSeconds, now - ageSeconds)
    return path
  }
  const old = put(`.rehearsal-${'a'.repeat(24)}`, 3601)
  const young = put(`.rehearsal-${'b'.repeat(24)}`, 3599)
  const other = put('.rehearsal-mine', 9999)
  const file = join(directory, `.rehearsal-${'c'.repeat(24)}`)
  writeFileSync(file, 'no directory')
  utimesSync(file, now - 9999, now - 9999)
  await removeOldRehearsals(new FakeClock(now), directory)
  expect([old, young, other, file].map((path) => existsSync(path))).toEqual([
    false,
    true,
    true,
    true,
  ])
})
