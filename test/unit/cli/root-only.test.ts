import { chmodSync, chownSync, lchownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
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

  it('refuses a link of another user that leads to a file of root, and one through such a link', async () => {
    const directory = await temporaryDirectory()
    const theirs = join(directory, 'theirs')
    mkdirSync(theirs)
    chownSync(theirs, 1, 1)
    writeFileSync(join(directory, 'key'), '', { mode: 0o400 })
    symlinkSync('../key', join(theirs, 'link'))
    symlinkSync('theirs/link', join(directory, 'through'))
    for (const path of [join(theirs, 'link'), join(directory, 'through')]) {
      const failure = failureOf(() => requireRootOnly(path))
      expect(failure).toMatchObject({ code: 'FILE_UNSAFE', data: { path, at: theirs } })
    }
    symlinkSync('key', join(directory, 'own'))
    lchownSync(join(directory, 'own'), 1, 1)
    const own = failureOf(() => requireRootOnly(join(directory, 'own')))
    expect(own.data.at).toBe(join(directory, 'own'))
  })

  it('follows links of root, relative, upwards and in a chain, but no circle', async () => {
    const directory = await temporaryDirectory()
    mkdirSync(join(directory, 'below'))
    writeFileSync(join(directory, 'key'), '', { mode: 0o400 })
    symlinkSync('../below/../key', join(directory, 'below', 'one'))
    symlinkSync(join(directory, 'below', 'one'), join(directory, 'two'))
    symlinkSync('circle', join(directory, 'circle'))
    expect(() => requireRootOnly(join(directory, 'two'))).not.toThrow()
    expect(() => requireRootOnly(relative(process.cwd(), join(directory, 'two')))).not.toThrow()
    const failure = failureOf(() => requireRootOnly(join(directory, 'circle')))
    expect(failure.code).toBe('FILE_UNSAFE')
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
