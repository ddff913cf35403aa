/** The spool of the C daemon, as its specification says it is written. */

import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readSpool } from '../../../src/jobs/spool/read-spool.js'
import { parseSlotLine } from '../../../src/jobs/spool/slot-line.js'
import { nodeFiles } from '../../../src/node/ports/files.js'
import { rejectionOf } from '../../support/failure.js'
import { SPOOL_HASH, writeSpool } from '../../support/glite-spool.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const LINE =
  'suffix=3, unique=0, voms_exts=1, server=px.example.org:7512, next_renewal=1800000000, ' +
  'end_time=1800009000'

describe('a line of .data', () => {
  const slot = { suffix: 3, server: 'px.example.org:7512', isEmpty: false, jobIds: [] }

  it.each([
    ['as it is written', LINE, slot],
    ['with FQANs', `${LINE}, fqans=/alice:/alice/Role=prod`, slot],
    [
      'with jobs, as old versions wrote them',
      `${LINE}, jobid=a, jobid=b`,
      { ...slot, jobIds: ['a', 'b'] },
    ],
    ['whose jobs have ended', LINE.replace(/\d+$/, '0'), { ...slot, isEmpty: true }],
    [
      'whose jobs have ended, without its server',
      LINE.replace(/\d+$/, '0').replace(/px[^,]*/, ''),
      { ...slot, server: '', isEmpty: true },
    ],
  ])('is read %s', (_name, line, expected) => {
    expect(parseSlotLine(line)).toEqual(expected)
  })

  it.each([
    ['nothing', ''],
    ['a part of it', LINE.slice(0, 60)],
    ['no server', LINE.replace(/px[^,]*/, '')],
    ['a server with another in it, which the C daemon would take', LINE.replace('px', 'server=px')],
    ['a comma in the server', LINE.replace('px', 'p,x')],
    ['a negative suffix', LINE.replace('=3', '=-3')],
    ['a suffix with a way up', LINE.replace('=3', '=../3')],
    ['a suffix of 16 digits', LINE.replace('=3', '=1234567890123456')],
    ['a flag of 2', LINE.replace('unique=0', 'unique=2')],
    ['another order', LINE.replace('unique=0, voms_exts=1', 'voms_exts=1, unique=0')],
    ['two lists of FQANs', `${LINE}, fqans=/a, fqans=/b`],
    ['a comma in an FQAN', `${LINE}, fqans=/a, /b`],
    ['an empty job', `${LINE}, jobid=`],
    ['an unknown key', `${LINE}, more=1`],
  ])('is damaged with %s', (_name, line) => {
    expect(parseSlotLine(line)).toBeUndefined()
  })
})

describe('a spool', () => {
  const uid = process.getuid?.() ?? 0
  const make = async () => join(await temporaryDirectory(), 'spool')
  const read = (directory: string) => readSpool({ files: nodeFiles, directory, uid })

  it('has the proxies that jobs share: not the slot whose jobs have ended', async () => {
    const directory = await make()
    const other = 'f'.repeat(32)
    const [one, , two] = writeSpool(directory, [
      { jobs: ['a', 'b', 'a'] },
      { jobs: [], end: 0 },
      { hash: other, jobs: ['c'], server: 'other', more: ', fqans=/alice' },
    ])
    const { proxies, problems, strays } = await read(directory)
    expect(proxies).toEqual([
      { path: one, server: 'px.example.org:7512', jobIds: ['a', 'b', 'a'], facts: undefined },
      { path: two, server: 'other', jobIds: ['c'], facts: undefined },
    ])
    expect([problems, strays]).toEqual([[], []])
  })

  it('takes jobs from the line where there is no .jobs, and from .jobs alone where there is', async () => {
    const directory = await make()
    writeSpool(directory, [{ more: ', jobid=a' }, { more: ', jobid=b', jobs: ['c'] }])
    const { proxies } = await read(directory)
    expect(proxies.map(({ jobIds }) => jobIds)).toEqual([['a'], ['c']])
  })

  it('names what is damaged, and reads the rest', async () => {
    const directory = await make()
    const [path] = writeSpool(directory, [
      { suffix: 0, jobs: ['a'] },
      { suffix: 0, jobs: ['a'] },
      { suffix: 1 },
      { suffix: 2, jobs: ['b'] },
      { suffix: 4, jobs: ['c'], more: ', more=1' },
    ])
    writeFileSync(join(directory, `${SPOOL_HASH}.2.jobs`), Buffer.from([0xff, 0x0a]))
    const { proxies, problems } = await read(directory)
    const file = (end: string) => join(directory, `${SPOOL_HASH}.${end}`)
    expect(proxies.map(({ path: one }) => one)).toEqual([path])
    expect(problems).toEqual([
      { path: file('data'), reason: 'line 2 is another one of suffix 0' },
      { path: file('1.jobs'), reason: 'it names no job, and the proxy has some' },
      { path: file('2.jobs'), reason: 'it is not UTF-8' },
      { path: file('data'), reason: 'line 5 is damaged' },
    ])
  })

  it('names keys that no job reads: of an expired registration, and what a crash left', async () => {
    const directory = await make()
    writeSpool(directory, [{ jobs: ['a'] }])
    const left = ['7', '0.aB3dE6', '0.myproxy.aB3dE6', '0.voms.aB3dE6', 'data.aB3dE6']
    for (const name of [...left.map((end) => `${SPOOL_HASH}.${end}`), 'README']) {
      writeFileSync(join(directory, name), '')
    }
    const { strays } = await read(directory)
    expect([...strays].sort()).toEqual(left.map((end) => `${SPOOL_HASH}.${end}`).sort())
  })

  it.each([
    ['that is not there', (_path: string) => undefined, 'FILE_MISSING', undefined],
    ['that is a link', (path: string) => symlinkSync('/tmp', path), 'FILE_UNSAFE', 'kind'],
    [
      'that others can write',
      (path: string) => {
        mkdirSync(path)
        chmodSync(path, 0o777)
      },
      'FILE_UNSAFE',
      'mode',
    ],
  ])('is not read %s', async (_name, prepare, code, reason) => {
    const directory = await make()
    prepare(directory)
    const failure = await rejectionOf(read(directory))
    expect([failure.code, failure.data.reason]).toEqual([code, reason])
  })

  it('is not read when it is another account’s', async () => {
    const directory = await make()
    mkdirSync(directory, { mode: 0o700 })
    const failure = rejectionOf(readSpool({ files: nodeFiles, directory, uid: uid + 1 }))
    expect((await failure).data).toMatchObject({ reason: 'owner', uid })
  })
})
