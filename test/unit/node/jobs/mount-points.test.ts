import { mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { MountPoints } from '../../../../src/node/jobs/mount-points.js'
import { FakeClock } from '../../../support/fake-clock.js'

let root: string
let lines: string[]
let mounts: MountPoints
let clock: FakeClock

const mount = (place: string, kind: string, source = 'source') =>
  lines.push(`30 27 0:26 / ${place} rw,relatime shared:7 - ${kind} ${source} rw`)

beforeEach(async () => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'mounts-')))
  await mkdir(join(root, 'nfs'))
  await mkdir(join(root, 'disk'))
  lines = []
  mount('/', 'ext4')
  clock = new FakeClock()
  mounts = new MountPoints(clock, () => lines.join('\n'))
})

afterEach(() => rmSync(root, { recursive: true }))

describe('the mount of a path', () => {
  it('is the nearest mount point at it or above it, and no name that only begins alike', () => {
    mount(join(root, 'nfs'), 'nfs4')
    expect(mounts.of(join(root, 'nfs/alice/x'))).toBe(join(root, 'nfs'))
    expect(mounts.of(join(root, 'nfs'))).toBe(join(root, 'nfs'))
    expect(mounts.of(join(root, 'nfs2/alice/x'))).toBe('/')
    expect(mounts.of(`${root}/nfs/../disk/./x`)).toBe(join(root, 'nfs'))
  })

  it('is the one that a link leads to, absolute or not, of a directory or of the file', () => {
    mount(join(root, 'nfs'), 'nfs4')
    symlinkSync(join(root, 'nfs'), join(root, 'home'))
    symlinkSync('../nfs', join(root, 'disk/home'))
    symlinkSync('home/bob', join(root, 'disk/bob'))
    for (const path of ['home/alice/x', 'disk/home/x', 'disk/bob']) {
      expect(mounts.of(join(root, path))).toBe(join(root, 'nfs'))
    }
  })

  it.each(['nfs', 'nfs4', 'autofs', 'cifs', 'fuse.sshfs', 'lustre', 'unheard-of'])(
    'asks %s nothing: a link that lies there is not looked at',
    (kind) => {
      mount(join(root, 'nfs'), kind)
      symlinkSync(join(root, 'disk'), join(root, 'nfs/away'))
      expect(mounts.of(join(root, 'nfs/away/x'))).toBe(join(root, 'nfs'))
    },
  )

  it.each([
    ['nfs4', 'homes.example.org:/alice', 'homes.example.org:/bob', 'homes.example.org'],
    ['nfs', '[2001:db8::1]:/alice', '[2001:db8::1]:/bob', '[2001:db8::1]'],
    ['cifs', '//homes/alice', '//homes/bob', 'homes'],
  ])(
    'counts as one with all others of its server, where %s has one',
    (kind, one, other, server) => {
      mount('/home/alice', kind, one)
      mount('/home/bob', kind, other)
      expect(['/home/alice/x', '/home/bob/x', '/home/x'].map((path) => mounts.of(path))).toEqual([
        server,
        server,
        '/',
      ])
    },
  )

  it('is found anew a second after something is mounted or gone; the later of two at one place counts', async () => {
    const nfs = join(root, 'nfs')
    symlinkSync(join(root, 'disk'), join(nfs, 'away'))
    expect(mounts.of(join(nfs, 'x'))).toBe('/')
    mount(nfs, 'nfs')
    expect(mounts.of(join(nfs, 'x'))).toBe('/')
    await clock.advance(1000)
    expect(mounts.of(join(nfs, 'x'))).toBe(nfs)
    expect(mounts.of(join(nfs, 'away/x'))).toBe(nfs)
    mount(nfs, 'tmpfs')
    await clock.advance(1000)
    expect(mounts.of(join(nfs, 'away/x'))).toBe('/')
    lines.splice(1)
    await clock.advance(1000)
    expect(mounts.of(join(nfs, 'x'))).toBe('/')
  })

  it('may have a space in its name, which the kernel writes as \\040', () => {
    mount(`${root}/a\\040b`, 'nfs')
    expect(mounts.of(`${root}/a b/x`)).toBe(`${root}/a b`)
  })

  it('is that of the directory where links lead in a circle', () => {
    symlinkSync('circle', join(root, 'circle'))
    expect(mounts.of(join(root, 'circle/x'))).toBe('/')
  })

  it('is not known where /proc is not mounted, and is what the kernel says where it is', () => {
    const none = new MountPoints(clock, () => {
      throw new Error('ENOENT')
    })
    expect(none.of('/tmp/x')).toBeUndefined()
    expect(new MountPoints(clock).of('/proc/self/x')).toBe('/proc')
  })
})
