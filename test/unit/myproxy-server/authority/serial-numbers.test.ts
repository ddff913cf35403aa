import { readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import {
  createSerialFile,
  FileSerials,
  type FileSerialsOptions,
  RandomSerials,
} from '../../../../src/myproxy/server/authority/serial-numbers.js'
import { makeFiles, nodeFiles } from '../../../../src/node/ports/files.js'
import { systemRandom } from '../../../../src/node/ports/random.js'
import { rejectionOf } from '../../../support/failure.js'
import { faultyDisk, systemError } from '../../../support/faulty-disk.js'
import { temporaryDirectory } from '../../../support/temporary-directory.js'

const signal = new AbortController().signal
const owners = [process.getuid?.() ?? 0]

let path: string
beforeEach(async () => {
  path = join(await temporaryDirectory(), 'serial')
})

const serials = (changes: Partial<FileSerialsOptions> = {}) =>
  new FileSerials({ files: nodeFiles, path, skip: 1, owners, ...changes })

const hexOf = (serial: Uint8Array) => Buffer.from(serial).toString('hex').toUpperCase()

const write = (text: string) => writeFile(path, text, { mode: 0o600 })

describe('FileSerials', () => {
  it.each([
    ['01', '01', 1, '02\n'],
    ['01\n', '01', 1, '02\n'],
    ['ff\n', 'FF', 1, '0100\n'],
    ['7F', '7F', 1, '80\n'],
    ['80', '80', 5, '85\n'],
    ['0100', '0100', 1, '0101\n'],
    ['00FFFFFFFF', 'FFFFFFFF', 1, '0100000000\n'],
    [
      '7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFE',
      '7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFE',
      1,
      '7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF\n',
    ],
  ])('of a file with %j gives %s, and leaves it %i further on', async (text, given, skip, left) => {
    await write(text)
    expect(hexOf(await serials({ skip }).next(signal))).toBe(given)
    expect(await readFile(path, 'utf8')).toBe(left)
  })

  it.each([
    ['is empty, where the C server begins with 1 again', '', 'damaged'],
    ['holds 0', '00', 'damaged'],
    ['holds half a byte', '1', 'damaged'],
    ['holds letters', 'zz', 'damaged'],
    ['holds a prefix', '0x10', 'damaged'],
    ['holds a negative number', '-5', 'damaged'],
    ['holds two numbers', '12 34', 'damaged'],
    ['holds two lines, as an overwritten longer one does', '13\n34\n', 'damaged'],
    ['holds zeros that a crash left', '\0\0\0', 'damaged'],
    ['holds the 160th bit', `80${'00'.repeat(19)}`, 'at-end'],
    ['holds 21 octets', `01${'00'.repeat(20)}`, 'at-end'],
  ])('gives nothing when the file %s, and leaves it alone', async (_what, text, reason) => {
    await write(text)
    const failure = await rejectionOf(serials().next(signal))
    expect(failure).toMatchObject({ code: 'SERIAL_FILE_UNUSABLE', data: { path, reason } })
    expect(await readFile(path, 'utf8')).toBe(text)
  })

  it('gives nothing more when the file is gone, where the C server begins with 1 again', async () => {
    await write('05')
    const ours = serials()
    await ours.next(signal)
    await rm(path)
    const failure = await rejectionOf(ours.next(signal))
    expect(failure).toMatchObject({ code: 'SERIAL_FILE_UNUSABLE', data: { reason: 'missing' } })
  })

  it('gives nothing more when an old copy of the file was put back', async () => {
    await write('05')
    const ours = serials()
    for (let i = 0; i < 3; i++) await ours.next(signal)
    await write('06')
    const failure = await rejectionOf(ours.next(signal))
    expect(failure).toMatchObject({ code: 'SERIAL_FILE_UNUSABLE', data: { reason: 'went-back' } })
    expect(failure.message).toContain('07 was given')
  })

  it('gives nothing for which a certificate is kept, also after a restart', async () => {
    await write('06')
    const wasIssued = async (serial: Uint8Array) => hexOf(serial) === '06'
    const failure = await rejectionOf(serials({ wasIssued }).next(signal))
    expect(failure).toMatchObject({ code: 'SERIAL_FILE_UNUSABLE', data: { reason: 'went-back' } })
    expect(await rejectionOf(serials({ wasIssued }).check())).toMatchObject({ code: failure.code })
  })

  it('gives nothing from a file that others can write', async () => {
    await nodeFiles.replace(path, Buffer.from('05'), { mode: 0o666 })
    const failure = await rejectionOf(serials().next(signal))
    expect(failure.code).toBe('FILE_UNSAFE')
  })

  it('gives nothing that is not on the disk yet', async () => {
    await write('05')
    const files = makeFiles(
      faultyDisk(({ name }) => {
        if (name === 'rename') throw systemError('ENOSPC')
      }),
    )
    const failure = await rejectionOf(serials({ files }).next(signal))
    expect(failure.code).toBe('FILE_UNWRITABLE')
    expect(hexOf(await serials().next(signal))).toBe('05')
  })

  it('gives 60 numbers once each to three instances at once', async () => {
    await write('F0')
    const instances = [serials(), serials(), serials()]
    const given = await Promise.all(
      Array.from({ length: 60 }, (_, i) => instances[i % 3]?.next(signal) ?? Promise.reject()),
    )
    expect(new Set(given.map(hexOf)).size).toBe(60)
    expect(await readFile(path, 'utf8')).toBe('012C\n')
  })

  it('gives two CAs with a skip of 2 numbers of which they share none', async () => {
    await write('01')
    const other = `${path}-2`
    await writeFile(other, '02', { mode: 0o600 })
    const given: string[] = []
    for (const ca of [serials({ skip: 2 }), serials({ skip: 2, path: other })]) {
      for (let i = 0; i < 10; i++) given.push(hexOf(await ca.next(signal)))
    }
    expect(new Set(given).size).toBe(20)
    expect(given.slice(0, 2)).toEqual(['01', '03'])
    expect(given.slice(10, 12)).toEqual(['02', '04'])
  })
})

describe('createSerialFile', () => {
  const create = (skip = 1) => createSerialFile({ files: nodeFiles, path, skip }, systemRandom)

  it('begins with a number of 63 bits, so that a lost file repeats none, and keeps one that is there', async () => {
    expect(await create()).toBe(true)
    const first = await readFile(path, 'utf8')
    expect(first).toMatch(/^[4-7][0-9A-F]{15}\n$/)
    expect(await create()).toBe(false)
    expect(await readFile(path, 'utf8')).toBe(first)
  })

  it('makes none where several CAs share the numbers: only a person knows which are whose', async () => {
    const failure = await rejectionOf(create(2))
    expect(failure).toMatchObject({ code: 'SERIAL_FILE_UNUSABLE', data: { reason: 'missing' } })
    expect(failure.hint).toContain(`echo 01 > ${path}`)
  })
})

describe('RandomSerials', () => {
  it('are positive, 16 octets long, and 1000 different ones', async () => {
    const random = new RandomSerials(systemRandom)
    const given = await Promise.all(Array.from({ length: 1000 }, () => random.next()))
    expect(new Set(given.map(hexOf)).size).toBe(1000)
    for (const serial of given) expect(hexOf(serial)).toMatch(/^[4-7][0-9A-F]{31}$/)
  })
})
