import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { nodeFiles } from '../../../src/node/ports/files.js'
import { PidFile } from '../../../src/node/service/pid-file.js'
import { parseArguments } from '../../../src/node/service/renewd.js'
import {
  findService,
  pidFilesOf,
  type ServiceFacts,
  takeServiceLock,
} from '../../../src/node/service/service-lock.js'
import { stopService } from '../../../src/node/service/stop-service.js'
import { encodeServiceStatus } from '../../../src/renewal/service-status.js'
import { execFileSync } from '../../support/bounded.js'
import { failureOf, rejectionOf } from '../../support/failure.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'
import { hours } from '../../support/time.js'

async function someService(): Promise<ServiceFacts & { directory: string }> {
  const directory = await temporaryDirectory()
  const run = join(directory, 'run')
  mkdirSync(run)
  return {
    directory,
    vo: 'alice',
    admin: 'alicesgm',
    adminUid: process.getuid?.() ?? 0,
    lockPath: join(directory, '.renewd.lock'),
    pidFiles: pidFilesOf('alice', directory, run),
    statusFile: join(directory, 'service.json'),
  }
}

describe('the lock of the service', () => {
  it('is free where there is no VO directory content yet', async () => {
    expect(await findService(nodeFiles, await someService())).toBeUndefined()
  })

  it('is taken once; who comes second hears the pid from the VO directory’s file', async () => {
    const service = await someService()
    const lock = await takeServiceLock(nodeFiles, service)
    writeFileSync(service.pidFiles[1] ?? '', `${process.pid}\n`)
    const failure = await rejectionOf(takeServiceLock(nodeFiles, service))
    expect(failure).toMatchObject({ code: 'SERVICE_ALREADY_RUNNING', data: { pid: process.pid } })
    expect(await findService(nodeFiles, service)).toBe(process.pid)
    await lock.release()
    expect(await findService(nodeFiles, service)).toBeUndefined()
    await (await takeServiceLock(nodeFiles, service)).release()
  })

  it('believes a pid only when that process holds the lock: 1 does not, we do', async () => {
    const service = await someService()
    const lock = await takeServiceLock(nodeFiles, service)
    writeFileSync(service.pidFiles[0] ?? '', '1\n')
    expect(await findService(nodeFiles, service)).toBe('unknown')
    const status = {
      pid: process.pid,
      startedAt: hours(1),
      registrations: 0,
      working: 0,
      queued: 0,
    }
    writeFileSync(service.statusFile, encodeServiceStatus(status))
    expect(await findService(nodeFiles, service)).toBe(process.pid)
    await lock.release()
  })

  it('believes no process of another user', async () => {
    const service = await someService()
    const lock = await takeServiceLock(nodeFiles, service)
    writeFileSync(service.pidFiles[0] ?? '', `${process.pid}\n`)
    const stranger = { ...service, adminUid: service.adminUid + 1 }
    expect(await findService(nodeFiles, stranger)).toBe('unknown')
    await lock.release()
  })

  it.each(['', '0', '-1', '12x', '1 2', '99999999999'])('reads no pid from "%s"', async (text) => {
    const service = await someService()
    const lock = await takeServiceLock(nodeFiles, service)
    writeFileSync(service.pidFiles[0] ?? '', text)
    expect(await findService(nodeFiles, service)).toBe('unknown')
    await lock.release()
  })

  it('is asked for in no time where a FIFO or an endless device has the name of the pid file', async () => {
    const service = await someService()
    const lock = await takeServiceLock(nodeFiles, service)
    execFileSync('mkfifo', [service.pidFiles[0] ?? ''])
    symlinkSync('/dev/zero', service.pidFiles[1] ?? '')
    expect(await findService(nodeFiles, service)).toBe('unknown')
    await lock.release()
  })

  it('is not stopped blindly when nobody knows in which pid it runs', async () => {
    const service = await someService()
    const lock = await takeServiceLock(nodeFiles, service)
    const failure = await rejectionOf(stopService(nodeFiles, service))
    expect(failure).toMatchObject({ code: 'FILE_MISSING', data: { path: service.lockPath } })
    await lock.release()
    expect(await stopService(nodeFiles, service)).toBe(true)
  })
})

describe('PidFile', () => {
  it('is one number that everybody may read, and gone afterwards', async () => {
    const { pidFiles } = await someService()
    const file = PidFile.open(pidFiles)
    expect(file.path).toBe(pidFiles[0])
    file.write(12_345)
    file.write(17)
    const { bytes, facts } = await nodeFiles.read(pidFiles[0] ?? '', { maxBytes: 100 })
    expect([bytes.toString(), facts.mode]).toEqual(['17\n', 0o644])
    file.clear()
    expect(await nodeFiles.facts(pidFiles[0] ?? '')).toBeUndefined()
  })

  it('goes to the second place where the first cannot be written', async () => {
    const { directory, pidFiles } = await someService()
    const missing = join(directory, 'nowhere', 'x.pid')
    const file = PidFile.open([missing, pidFiles[1] ?? ''])
    expect(file.path).toBe(pidFiles[1])
    file.clear()
  })

  it('follows no link', async () => {
    const { directory } = await someService()
    symlinkSync(join(directory, 'target'), join(directory, 'link.pid'))
    const file = PidFile.open([join(directory, 'link.pid')])
    file.write(17)
    expect(file.path).toBeUndefined()
    expect(await nodeFiles.facts(join(directory, 'target'))).toBeUndefined()
  })

  it('opens nothing of the VO directory before it is written', async () => {
    const { directory, pidFiles } = await someService()
    const nowhere = join(directory, 'nowhere', 'x.pid')
    const places = [nowhere, pidFiles[1] ?? '']
    const file = PidFile.open(places, places.slice(0, 1))
    expect(existsSync(pidFiles[1] ?? '')).toBe(false)
    file.write(17)
    expect(readFileSync(pidFiles[1] ?? '', 'utf8')).toBe('17\n')
    file.clear()
  })

  it.each<[string, (path: string) => void]>([
    ['removed', (path) => rmSync(path)],
    ['emptied', (path) => writeFileSync(path, '')],
    ['replaced by another file', (path) => replaceByAnother(path)],
  ])('is written again when it was %s, and left alone while it is there', async (_how, harm) => {
    const [path = ''] = (await someService()).pidFiles
    const file = PidFile.open([path])
    file.write(17)
    expect(file.keep(17)).toBe(false)
    harm(path)
    expect(file.keep(17)).toBe(true)
    expect(readFileSync(path, 'utf8')).toBe('17\n')
    expect(file.keep(17)).toBe(false)
    file.clear()
    expect(existsSync(path)).toBe(false)
  })

  it('moves to the second place when the first has gone with its directory', async () => {
    const { directory, pidFiles } = await someService()
    const file = PidFile.open(pidFiles)
    file.write(17)
    rmSync(join(directory, 'run'), { recursive: true })
    expect(file.keep(17)).toBe(true)
    expect(file.path).toBe(pidFiles[1])
    expect(readFileSync(pidFiles[1] ?? '', 'utf8')).toBe('17\n')
  })

  it('removes no file that is not its own', async () => {
    const [path = ''] = (await someService()).pidFiles
    const file = PidFile.open([path])
    file.write(17)
    replaceByAnother(path)
    file.clear()
    expect(readFileSync(path, 'utf8')).toBe('another')
  })
})

/** Under the same name, while the first still exists: another inode. */
function replaceByAnother(path: string): void {
  writeFileSync(`${path}.new`, 'another')
  renameSync(`${path}.new`, path)
}

describe('parseArguments', () => {
  it.each([
    [['alice', 'alicesgm', '/var/lib/vobox'], 'run'],
    [['alice', 'alicesgm', '/var/lib/vobox', 'status'], 'status'],
    [['a.b-c_d', 'alicesgm', '/r', 'stop'], 'stop'],
  ])('takes %j', (words, action) => {
    expect(parseArguments(words)).toEqual({ vo: words[0], admin: words[1], root: words[2], action })
  })

  it.each([
    [[], 'USAGE'],
    [['alice', 'alicesgm'], 'USAGE'],
    [['alice', 'alicesgm', 'relative'], 'USAGE'],
    [['alice', 'alicesgm', '/r', 'restart'], 'USAGE'],
    [['alice', 'alicesgm', '/r', 'stop', 'now'], 'USAGE'],
    [['../alice', 'alicesgm', '/r'], 'VO_NAME_INVALID'],
    [['alice', '-rf', '/r'], 'VO_NAME_INVALID'],
    [['$(id)', 'alicesgm', '/r'], 'VO_NAME_INVALID'],
  ])('refuses %j with %s', (words, code) => {
    expect(failureOf(() => parseArguments(words)).code).toBe(code)
  })
})
