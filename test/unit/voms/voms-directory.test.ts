import { chmod, mkdir, rename, symlink, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { execa } from 'execa'
import { beforeEach, describe, expect, it } from 'vitest'
import { VoboxError } from '../../../src/errors.js'
import { nodeFiles } from '../../../src/node/ports/files.js'
import type { Files } from '../../../src/ports/files.js'
import { VomsDirectory, type VomsDirectoryOptions } from '../../../src/voms/voms-directory.js'
import type { VomsTrust } from '../../../src/voms/voms-trust.js'
import { nameHash } from '../../../src/x509/name.js'
import { encodePem } from '../../../src/x509/pem.js'
import { TestVoms, writeVomsDirectory } from '../../support/ac.js'
import { FakeClock } from '../../support/fake-clock.js'
import { authority } from '../../support/path-validation.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const ca = authority('CA')
const alice = new TestVoms(ca)
const bob = new TestVoms(ca, { vo: 'bob', host: 'VOMS.bob.example.org' })
const pemOf = ({ certificate }: TestVoms) => encodePem('CERTIFICATE', certificate.der)

let clock = new FakeClock()
let directory = ''

beforeEach(async () => {
  clock = new FakeClock()
  directory = await writeVomsDirectory(join(await temporaryDirectory(), 'vomsdir'), alice, bob)
})

const open = (options: VomsDirectoryOptions = {}, files: Files = nodeFiles) =>
  new VomsDirectory(files, clock, directory, options)
const read = (options?: VomsDirectoryOptions) => open(options).current()

const subjects = (trust: VomsTrust, vo: string) =>
  trust.certificatesFor(vo).map(({ subject }) => subject.oneLine)
const aliceFile = () => join(directory, 'alice', `${alice.host}.lsc`)
const namesServer = (trust: VomsTrust) => trust.lscFor('alice', alice.host).length > 0

describe('a vomsdir', () => {
  it('has the .lsc files of 2 VOs, found by host in any letters, and by their own VO alone', async () => {
    const trust = await read()
    expect(trust.lscFor('alice', 'voms.ALICE.example.org')).toEqual([
      {
        file: aliceFile(),
        chains: [[{ subject: alice.certificate.subject.oneLine, issuer: ca.name.oneLine }]],
      },
    ])
    expect(trust.lscFor('bob', 'voms.bob.example.org')).toHaveLength(1)
    expect(trust.lscFor('alice', bob.host)).toEqual([])
    expect(trust.lscFor('Alice', alice.host)).toEqual([])
    expect(trust.problems).toEqual([])
    expect(trust.directory).toBe(directory)
  })

  it('has certificates of a VO and beside the VOs, as .pem and by their hash', async () => {
    await writeFile(join(directory, 'alice', 'server.pem'), `text\n${pemOf(alice)}`)
    await writeFile(join(directory, `${nameHash(bob.certificate.subject)}.0`), pemOf(bob))
    const trust = await read()
    const [aliceDn, bobDn] = [alice, bob].map(({ certificate }) => certificate.subject.oneLine)
    expect(subjects(trust, 'alice')).toEqual([aliceDn, bobDn])
    expect(subjects(trust, 'bob')).toEqual([bobDn])
  })

  it('follows links to files and to directories of VOs', async () => {
    const copy = join(directory, '..', 'copy')
    await mkdir(join(copy, 'carol'), { recursive: true })
    await writeFile(join(copy, 'carol.lsc'), alice.lscText)
    await symlink(join(copy, 'carol.lsc'), join(copy, 'carol', 'voms.carol.lsc'))
    await symlink(join(copy, 'carol'), join(directory, 'carol'))
    const trust = await read()
    expect(trust.lscFor('carol', 'voms.carol')).toHaveLength(1)
    expect(trust.problems).toEqual([])
  })

  it('passes over what is none of its files', async () => {
    for (const name of ['README', '.hidden.pem', 'x.lsc', 'alice/notes.txt', 'alice/.x.lsc']) {
      await writeFile(join(directory, name), 'noise')
    }
    await symlink('nowhere', join(directory, 'dangling'))
    await symlink('README', join(directory, 'link-to-file'))
    await mkdir(join(directory, '.git'))
    expect((await read()).problems).toEqual([])
  })

  it('that is not there trusts nobody and is one problem, which stays', async () => {
    directory = '/nonexistent/vomsdir'
    const trust = await read()
    expect(namesServer(trust)).toBe(false)
    expect(trust.problems).toMatchObject([
      { kind: 'directory-unusable', file: directory, vo: undefined, transient: false },
    ])
  })
})

describe('a vomsdir with something wrong in it', () => {
  const spoil: [string, string, () => Promise<void>][] = [
    ['a .lsc file with 1 name', 'lsc-unusable', () => writeFile(aliceFile(), '/CN=a\n')],
    [
      'a .lsc file of 65 KiB',
      'lsc-unusable',
      () => writeFile(aliceFile(), `${alice.lscText}#${' '.repeat(64 * 1024)}`),
    ],
    ['a .lsc file that all may write', 'lsc-unusable', () => chmod(aliceFile(), 0o666)],
    ['a .lsc file that its group may write', 'lsc-unusable', () => chmod(aliceFile(), 0o664)],
    [
      'a directory that all may write',
      'directory-unusable',
      () => chmod(join(directory, 'alice'), 0o777),
    ],
  ]

  it.each(spoil)('%s: that VO is not trusted, the other is', async (_title, kind, doIt) => {
    await doIt()
    const trust = await read()
    expect(trust.problems).toMatchObject([{ kind, vo: 'alice', transient: false }])
    expect(trust.problems[0]?.message).toMatch(/ cannot be used: /)
    expect(namesServer(trust)).toBe(false)
    expect(trust.lscFor('bob', bob.host)).toHaveLength(1)
  })

  it('all may write: nobody in it is trusted', async () => {
    await chmod(directory, 0o777)
    const trust = await read()
    expect(trust.problems).toMatchObject([{ kind: 'directory-unusable', file: directory }])
    expect(trust.lscFor('bob', bob.host)).toEqual([])
  })

  it('a certificate that is none is one problem', async () => {
    await writeFile(join(directory, 'broken.pem'), encodePem('CERTIFICATE', Buffer.of(0x30, 0)))
    expect((await read()).problems).toMatchObject([
      { kind: 'certificate-unusable', file: join(directory, 'broken.pem'), vo: undefined },
    ])
  })

  it('a FIFO in place of a .lsc file holds nobody up', async () => {
    await unlink(aliceFile())
    await execa('mkfifo', [aliceFile()])
    expect((await read()).problems).toMatchObject([{ kind: 'lsc-unusable', vo: 'alice' }])
  })

  it("an owner who is not among those to be believed: his files aren't either", async () => {
    const uid = process.getuid?.() ?? 0
    expect(namesServer(await read({ owners: [uid] }))).toBe(true)
    const trust = await read({ owners: [uid + 1] })
    expect(namesServer(trust)).toBe(false)
    expect(trust.problems).toHaveLength(2)
  })

  it('a file system that does not answer is a problem that may be over soon', async () => {
    const failing: Files = {
      ...nodeFiles,
      read: async (path) => {
        throw new VoboxError('FILE_UNREADABLE', `${path} cannot be read (ESTALE)`)
      },
    }
    const trust = await open({}, failing).current()
    expect(trust.problems.map(({ transient }) => transient)).toEqual([true, true])
  })
})

describe('what was read of a vomsdir', () => {
  it('is kept for a minute, and then read anew', async () => {
    const vomsdir = open()
    const first = await vomsdir.current()
    await unlink(aliceFile())
    await clock.advance(59_999)
    expect(await vomsdir.current()).toBe(first)
    await clock.advance(1)
    expect(namesServer(await vomsdir.current())).toBe(false)
    await writeFile(aliceFile(), alice.lscText)
    await clock.advance(60_000)
    expect(namesServer(await vomsdir.current())).toBe(true)
  })

  it('changes with a target elsewhere that a link leads to', async () => {
    const elsewhere = join(directory, '..', 'elsewhere.lsc')
    await rename(aliceFile(), elsewhere)
    await symlink(elsewhere, aliceFile())
    const vomsdir = open()
    expect(namesServer(await vomsdir.current())).toBe(true)
    await writeFile(elsewhere, '/CN=another\n/CN=authority\n')
    await clock.advance(60_000)
    const [lsc] = (await vomsdir.current()).lscFor('alice', alice.host)
    expect(lsc?.chains[0]?.[0]?.subject).toBe('/CN=another')
  })

  it('is one look for callers of one moment, and one that gives up leaves alone', async () => {
    const vomsdir = open()
    const abort = new AbortController()
    const leaving = vomsdir.current(abort.signal)
    const staying = [vomsdir.current(), vomsdir.current()]
    abort.abort(new Error('enough'))
    await expect(leaving).rejects.toThrow('enough')
    const [one, two] = await Promise.all(staying)
    expect(one).toBe(two)
    await expect(vomsdir.current(AbortSignal.abort(new Error('no')))).rejects.toThrow('no')
  })

  it('is forgotten on demand', async () => {
    const vomsdir = open()
    const first = await vomsdir.current()
    vomsdir.invalidate()
    expect(await vomsdir.current()).not.toBe(first)
    expect(vomsdir.path).toBe(directory)
  })
})
