import { chmodSync, chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { requireRootOnly } from '../../../src/node/compose/root-only.js'
import { failureOf } from '../../support/failure.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

/** Whose files these are can only be arranged by root. */
describe.runIf(process.getuid?.() === 0)('requireRootOnly', () => {
  it('accepts a key of root in a directory of root', async () => {
    const directory = await temporaryDirectory()
    writeFileSync(join(directory, 'key'), '', { mode: 0o400 })
    expect(() => requireRootOnly(join(directory, 'key'))).not.toThrow()
  })

  it('refuses what lies below a directory of another user, also through a link', async () => {
    const directory = await temporaryDirectory()
    const theirs = join(directory, 'theirs')
    mkdirSync(theirs)
    writeFileSync(join(theirs, 'key'), '', { mode: 0o400 })
    chownSync(theirs, 1, 1)
    symlinkSync(join(theirs, 'key'), join(directory, 'link'))
    for (const path of [join(theirs, 'key'), join(directory, 'link')]) {
      const failure = failureOf(() => requireRootOnly(path))
      expect(failure).toMatchObject({ code: 'FILE_UNSAFE', data: { path, at: theirs } })
    }
  })

  it.each([
    ['a directory that a group can write', 0o770, true],
    ['a directory that everybody can write', 0o777, true],
    ['a sticky directory such as /tmp', 0o1777, false],
  ])('%s', async (_name, mode, refused) => {
    const directory = join(await temporaryDirectory(), 'open')
    mkdirSync(directory)
    chmodSync(directory, mode)
    writeFileSync(join(directory, 'key'), '', { mode: 0o400 })
    const attempt = () => requireRootOnly(join(directory, 'key'))
    if (refused) expect(failureOf(attempt).data).toMatchObject({ at: directory })
    else expect(attempt).not.toThrow()
  })

  it('says that a file is not there', async () => {
    const path = join(await temporaryDirectory(), 'none')
    expect(failureOf(() => requireRootOnly(path))).toMatchObject({
      code: 'FILE_MISSING',
      data: { path },
    })
  })
})
