import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeFiles } from '../../../src/node/ports/files.js'
import { VomsesFiles } from '../../../src/voms/vomses-files.js'
import { rejectionOf } from '../../support/failure.js'
import { FakeClock } from '../../support/fake-clock.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const line = (alias: string, host: string, vo = alias, port = 15_000) =>
  `"${alias}" "${host}" "${port}" "/DC=org/CN=${host}" "${vo}"\n`

/** A directory with these files, and the reader of these paths in it. */
async function given(
  files: Readonly<Record<string, string>>,
  paths: readonly string[] = ['vomses'],
) {
  const directory = await temporaryDirectory()
  await mkdir(join(directory, 'vomses'))
  const write = async (name: string, text: string, mode = 0o644) => {
    await writeFile(join(directory, name), text)
    await chmod(join(directory, name), mode)
  }
  for (const [name, text] of Object.entries(files)) await write(name, text)
  const clock = new FakeClock()
  const absolute = paths.map((path) => join(directory, path))
  const vomses = new VomsesFiles(nodeFiles, clock, absolute)
  const hostsOf = async (vo: string) => (await vomses.serversOf(vo)).map(({ host }) => host)
  return { directory, write, clock, vomses, hostsOf, paths: absolute }
}

describe('vomses files', () => {
  it('are all files of a directory, in the order of their names', async () => {
    const { hostsOf } = await given({
      'vomses/2': line('alice', 'two.org'),
      'vomses/1': line('alice', 'one.org') + line('bob', 'bob.org'),
    })
    expect(await hostsOf('alice')).toEqual(['one.org', 'two.org'])
    expect(await hostsOf('bob')).toEqual(['bob.org'])
  })

  it('may be one file, links to files and directories, and places that are not there', async () => {
    const { directory, hostsOf } = await given(
      {
        'vomses/a': line('alice', 'one.org'),
        file: line('alice', 'two.org'),
        far: line('alice', 'three.org'),
      },
      ['nowhere', 'file', 'link', 'linked'],
    )
    await symlink(join(directory, 'vomses'), join(directory, 'link'))
    await symlink(join(directory, 'far'), join(directory, 'linked'))
    expect(await hostsOf('alice')).toEqual(['two.org', 'one.org', 'three.org'])
  })

  it('in two places that say the same are asked once', async () => {
    const { hostsOf } = await given(
      {
        'vomses/a': line('alice', 'one.org') + line('alice', 'ONE.org'),
        file: line('alice', 'one.org'),
      },
      ['file', 'vomses'],
    )
    expect(await hostsOf('alice')).toEqual(['one.org'])
  })

  it('are asked by alias before by VO', async () => {
    const { hostsOf } = await given({
      'vomses/a':
        line('mine', 'one.org', 'alice') + line('alice', 'two.org') + line('x', 'y.org', 'z'),
    })
    expect(await hostsOf('mine')).toEqual(['one.org'])
    expect(await hostsOf('alice')).toEqual(['two.org'])
    expect(await hostsOf('z')).toEqual(['y.org'])
  })

  it('leave out copies that editors and package managers made', async () => {
    const names = [
      '.hidden',
      'alice~',
      'alice.rpmsave',
      'alice.rpmnew',
      'alice.dpkg-old',
      'alice.bak',
    ]
    const files = Object.fromEntries(
      names.map((name) => [`vomses/${name}`, line('alice', 'old.org')]),
    )
    const { hostsOf } = await given({ ...files, 'vomses/alice': line('alice', 'new.org') })
    expect(await hostsOf('alice')).toEqual(['new.org'])
  })

  it('with a line that cannot be read give the others, and say so for a VO that is missing', async () => {
    const { hostsOf, vomses, paths } = await given({
      'vomses/a': `nonsense\n${line('alice', 'one.org')}`,
    })
    expect(await hostsOf('alice')).toEqual(['one.org'])
    const failure = await rejectionOf(vomses.serversOf('bob'))
    expect(failure.code).toBe('VOMS_VO_UNKNOWN')
    expect(failure.data).toMatchObject({ vo: 'bob', paths, known: ['alice'] })
    expect(failure.data.problems).toMatchObject([{ code: 'VOMSES_INVALID' }])
    expect(failure.message).toContain(`looked in ${paths[0]}`)
    expect(failure.message).toContain(`${paths[0]}/a, line 1: it has 1 fields of 5`)
    expect(failure.hint).toContain('one that is known: alice')
  })

  it('that others may write are not believed', async () => {
    const { vomses, write } = await given({})
    await write('vomses/a', line('alice', 'evil.org'), 0o666)
    const failure = await rejectionOf(vomses.serversOf('alice'))
    expect(failure.code).toBe('VOMS_VO_UNKNOWN')
    expect(failure.data.problems).toMatchObject([{ code: 'FILE_UNSAFE' }])
    expect((await vomses.problems())[0]?.data.reason).toBe('mode')
  })

  it('of more than 256 KiB are not read', async () => {
    const { vomses, write } = await given({})
    await write('vomses/a', `#${' '.repeat(256 * 1024)}\n${line('alice', 'one.org')}`)
    await rejectionOf(vomses.serversOf('alice'))
    expect((await vomses.problems())[0]?.code).toBe('FILE_TOO_LARGE')
  })

  it('are read again after a minute, and not before', async () => {
    const { clock, hostsOf, write } = await given({ 'vomses/a': line('alice', 'one.org') })
    expect(await hostsOf('alice')).toEqual(['one.org'])
    await write('vomses/a', line('alice', 'two.org'))
    await clock.advance(59_000)
    expect(await hostsOf('alice')).toEqual(['one.org'])
    await clock.advance(1000)
    expect(await hostsOf('alice')).toEqual(['two.org'])
  })

  it('are read at once after being invalidated, and once for questions of the same moment', async () => {
    const { hostsOf, write, vomses } = await given({ 'vomses/a': line('alice', 'one.org') })
    await hostsOf('alice')
    await write('vomses/a', line('alice', 'two.org'))
    vomses.invalidate()
    expect(await Promise.all([hostsOf('alice'), hostsOf('alice')])).toEqual([
      ['two.org'],
      ['two.org'],
    ])
  })

  it('of no place at all name the places where one may put them', async () => {
    const { vomses } = await given({}, [])
    const failure = await rejectionOf(vomses.serversOf('alice\x1b[2J'))
    expect(failure.code).toBe('VOMS_VO_UNKNOWN')
    expect(failure.persistence).toBe('permanent')
    expect(failure.message).not.toContain('\x1b')
    expect(failure.hint).toContain('/etc/vomses')
  })
})
