import { chmodSync, chownSync, mkdirSync, readdirSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { voPaths } from '../../../src/config/vo-paths.js'
import {
  becomeVoOwner,
  checkVoDirectory,
  ownerHint,
} from '../../../src/node/compose/become-owner.js'
import {
  prepareForJobs,
  prepareVoDirectory,
} from '../../../src/node/compose/prepare-vo-directory.js'
import { nodeFiles } from '../../../src/node/ports/files.js'
import { execFileSync } from '../../support/bounded.js'
import { bundleScript } from '../../support/bundled-script.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const uid = process.getuid?.() ?? 0

async function voDirectory(mode = 0o750) {
  const root = await temporaryDirectory()
  const paths = voPaths(root, 'alice')
  mkdirSync(paths.directory)
  chmodSync(paths.directory, mode)
  return { root, paths, directory: paths.directory }
}

describe('checkVoDirectory', () => {
  it('accepts a directory of mode 0750 and says whose it is', async () => {
    const { directory } = await voDirectory()

    expect(await checkVoDirectory(nodeFiles, directory)).toMatchObject({ uid, mode: 0o750 })
  })

  it.each([0o770, 0o757, 0o1777])('refuses mode %o with the chmod that cures it', async (mode) => {
    const { directory } = await voDirectory(mode)

    await expect(checkVoDirectory(nodeFiles, directory)).rejects.toMatchObject({
      code: 'VO_DIRECTORY_UNSAFE',
      hint: `chmod go-w ${directory}`,
      data: { directory, kind: 'directory', mode },
    })
  })

  it('refuses a link to a directory, and knows no VO without one', async () => {
    const { directory, root } = await voDirectory()
    symlinkSync(directory, join(root, 'link'))

    await expect(checkVoDirectory(nodeFiles, join(root, 'link'))).rejects.toMatchObject({
      code: 'VO_DIRECTORY_UNSAFE',
      data: { kind: 'symlink' },
    })
    await expect(checkVoDirectory(nodeFiles, join(root, 'none'))).rejects.toMatchObject({
      code: 'VO_UNKNOWN',
      data: { directory: join(root, 'none') },
    })
  })
})

describe('ownerHint', () => {
  it('lets root change what is root’s, following no link', () => {
    expect(ownerHint('alicesgm', 0, '/var/lib/vobox/alice')).toBe(
      'As root: chown -hR alicesgm /var/lib/vobox/alice',
    )
  })

  it('advises no chown below a directory that another user can write', () => {
    const hint = ownerHint('alicesgm', 1000, '/var/lib/vobox/alice')
    expect(hint).toContain('uid 1000')
    expect(hint).not.toContain('chown')
  })
})

describe('becomeVoOwner', () => {
  it('stays who it is in a directory of its own', async () => {
    const { directory } = await voDirectory()

    expect(await becomeVoOwner(nodeFiles, directory)).toMatchObject({ uid })
    expect(process.getuid?.()).toBe(uid)
  })

  it.runIf(uid === 0).each([
    ['an account, whose own group it takes instead of root', 1, 0, 1],
    ['a number without an account, whose directory has a group', 54_321, 54_322, 54_322],
  ])('as root becomes %s', async (_name, owner, directoryGid, gid) => {
    const { directory, root } = await voDirectory()
    chmodSync(root, 0o755)
    chownSync(directory, owner, directoryGid)
    const script = await bundleScript('become-owner-in-process.ts', root)

    expect(JSON.parse(execFileSync(process.execPath, [script, directory]).toString())).toEqual({
      owner: { uid: owner, gid },
      uid: [owner, owner],
      gid: [gid, gid],
      groups: [gid],
      regained: false,
    })
  })

  it.runIf(uid === 0)(
    'as root refuses a directory of its own with a repository of somebody else inside',
    async () => {
      const { directory, paths } = await voDirectory()
      mkdirSync(paths.repository, { mode: 0o700 })
      await becomeVoOwner(nodeFiles, directory)
      chownSync(paths.repository, 1, 1)
      await expect(becomeVoOwner(nodeFiles, directory)).rejects.toMatchObject({
        code: 'VO_DIRECTORY_UNSAFE',
        data: { directory: paths.repository, uid: 1 },
      })
    },
  )

  it.runIf(uid === 0)(
    'as root refuses a directory of its own below one of somebody else, who could exchange it',
    async () => {
      const { directory, root } = await voDirectory()
      chownSync(root, 1, 1)
      await expect(becomeVoOwner(nodeFiles, directory)).rejects.toMatchObject({
        code: 'FILE_UNSAFE',
        data: { path: directory, at: root },
      })
    },
  )

  it.runIf(uid === 0)(
    'as root refuses an owner without an account in the group of root',
    async () => {
      const { directory, root } = await voDirectory()
      chownSync(directory, 54_321, 0)
      const script = await bundleScript('become-owner-in-process.ts', root)

      expect(JSON.parse(execFileSync(process.execPath, [script, directory]).toString())).toEqual({
        code: 'VO_DIRECTORY_UNSAFE',
      })
    },
  )
})

describe('prepareVoDirectory', () => {
  it('makes what is missing: 0700 for keys and state, 0750 for the rest', async () => {
    const { paths } = await voDirectory()
    await prepareVoDirectory(nodeFiles, paths)
    await prepareVoDirectory(nodeFiles, paths)

    const modeOf = (path: string) => statSync(path).mode & 0o7777
    for (const path of [paths.repository, paths.state, paths.locks, paths.spool]) {
      expect(modeOf(path)).toBe(0o700)
    }
    for (const path of [paths.log, paths.start, paths.stop, paths.agents]) {
      expect(modeOf(path)).toBe(0o750)
    }
  })

  it('refuses a repository that the group can write, and one that is a link', async () => {
    const { paths, root } = await voDirectory()
    mkdirSync(paths.repository)
    chmodSync(paths.repository, 0o770)
    await expect(prepareVoDirectory(nodeFiles, paths)).rejects.toMatchObject({
      code: 'VO_DIRECTORY_UNSAFE',
      data: { directory: paths.repository, mode: 0o770 },
    })

    chmodSync(paths.repository, 0o700)
    symlinkSync(root, paths.state)
    await expect(prepareVoDirectory(nodeFiles, paths)).rejects.toMatchObject({
      code: 'FILE_UNSAFE',
      data: { path: paths.state, reason: 'not-a-directory' },
    })
  })
})

describe('prepareForJobs', () => {
  it('makes two directories of 0700 for keys and states, and nothing else', async () => {
    const { paths } = await voDirectory()
    await prepareVoDirectory(nodeFiles, paths)
    const before = readdirSync(paths.directory)
    await prepareForJobs(nodeFiles, paths)
    await prepareForJobs(nodeFiles, paths)
    for (const path of [paths.jobRepository, paths.jobState]) {
      expect(statSync(path).mode & 0o7777).toBe(0o700)
    }
    const made = readdirSync(paths.directory).filter((name) => !before.includes(name))
    expect(made).toEqual(['job_repository'])
  })

  it('refuses a job_repository that the group can write, and states that are a link', async () => {
    const { paths, root } = await voDirectory()
    await prepareVoDirectory(nodeFiles, paths)
    mkdirSync(paths.jobRepository)
    chmodSync(paths.jobRepository, 0o770)
    await expect(prepareForJobs(nodeFiles, paths)).rejects.toMatchObject({
      code: 'VO_DIRECTORY_UNSAFE',
      data: { directory: paths.jobRepository, mode: 0o770 },
    })
    chmodSync(paths.jobRepository, 0o700)
    symlinkSync(root, paths.jobState)
    await expect(prepareForJobs(nodeFiles, paths)).rejects.toMatchObject({
      code: 'FILE_UNSAFE',
      data: { path: paths.jobState, reason: 'not-a-directory' },
    })
  })
})
