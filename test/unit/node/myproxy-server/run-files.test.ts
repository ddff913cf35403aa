import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { ServerPidFile, writePortFile } from '../../../../src/node/myproxy-server/run-files.js'
import { rejectionOf } from '../../../support/failure.js'
import { temporaryDirectory } from '../../../support/temporary-directory.js'

it('a pid file is refused to a second server, and free again when the first has removed it', async () => {
  const path = join(await temporaryDirectory(), 'pid')
  const first = await ServerPidFile.take(path)
  first.write(4711)
  expect(readFileSync(path, 'utf8')).toBe('4711\n')
  const error = await rejectionOf(ServerPidFile.take(path))
  expect([error.code, error.data]).toEqual(['SERVICE_ALREADY_RUNNING', { path, pid: 4711 }])
  await first.remove()
  const second = await ServerPidFile.take(path)
  second.write(12)
  expect(readFileSync(path, 'utf8')).toBe('12\n')
  await second.remove()
})

it('a pid file that a killed server left is taken over', async () => {
  const path = join(await temporaryDirectory(), 'left')
  writeFileSync(path, '2147483646\nand more')
  const file = await ServerPidFile.take(path)
  file.write(7)
  expect(readFileSync(path, 'utf8')).toBe('7\n')
  await file.remove()
})

it('a pid file of a server that takes no lock is left to it by one that does not come to write its own', async () => {
  const directory = await temporaryDirectory()
  const theirs = join(directory, 'theirs')
  writeFileSync(theirs, '4711\n')
  await (await ServerPidFile.take(theirs)).remove()
  expect(readFileSync(theirs, 'utf8')).toBe('4711\n')
  const fresh = join(directory, 'fresh')
  await (await ServerPidFile.take(fresh)).remove()
  expect(existsSync(fresh)).toBe(false)
})

it('a port file is for everybody, and replaces the one before', async () => {
  const path = join(await temporaryDirectory(), 'port')
  await writePortFile(path, 7512)
  await writePortFile(path, 1)
  expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777]).toEqual(['1\n', 0o644])
})

it('neither is written into a directory that is not there', async () => {
  const path = join(await temporaryDirectory(), 'no', 'file')
  for (const attempt of [ServerPidFile.take(path), writePortFile(path, 1)]) {
    expect((await rejectionOf(attempt)).code).toMatch(/^FILE_(MISSING|UNWRITABLE)$/)
  }
})
