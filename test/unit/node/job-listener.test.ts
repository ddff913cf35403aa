import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { connect, createServer, type Server } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { listenOnSocket } from '../../../src/node/service/job-listener.js'
import { spawnSync } from '../../support/bounded.js'
import { rejectionOf } from '../../support/failure.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const uid = process.getuid?.() ?? 0
const isRoot = uid === 0
const STRANGER = 4711

let directory: string
let path: string
const servers: Server[] = []

beforeEach(async () => {
  directory = await temporaryDirectory()
  chmodSync(directory, 0o700)
  path = join(directory, 'jobs.sock')
})
afterEach(async () => {
  const open = servers.splice(0)
  await Promise.all(open.map((server) => new Promise((resolve) => server.close(resolve))))
})

const listen = async (changes: { mode?: number; sticky?: boolean; at?: string } = {}) => {
  const { mode = 0o600, sticky, at = path } = changes
  const server = await listenOnSocket({ path: at, mode, uid, ...(sticky && { sticky }) })
  server.on('connection', (socket) => socket.destroy())
  servers.push(server)
  return server
}
const modeOf = (of: string) => lstatSync(of).mode & 0o7777
const connects = (to: string) =>
  new Promise<boolean>((resolve) => {
    const socket = connect(to)
    socket.setTimeout(2000, () => socket.destroy())
    socket.once('connect', () => socket.destroy(resolve(true) as undefined))
    socket.once('error', () => resolve(false))
  })

/** A socket that a process of ours, killed since, left behind. */
function leaveSocket(at: string): void {
  const script = `require('node:net').createServer().listen(${JSON.stringify(at)}, () => process.kill(process.pid, 'SIGKILL'))`
  spawnSync(process.execPath, ['-e', script], { timeout: 10_000 })
  if (!lstatSync(at).isSocket()) throw new Error('no socket was left')
}

async function serveAt(at: string): Promise<void> {
  const server = createServer()
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(at, resolve))
}

describe('the job socket', () => {
  it.each([0o600, 0o660])('has mode %o whatever the umask, which stays as it was', async (mode) => {
    const before = process.umask(0o002)
    try {
      await listen({ mode })
      expect(process.umask()).toBe(0o002)
    } finally {
      process.umask(before)
    }
    expect(modeOf(path)).toBe(mode)
    expect(await connects(path)).toBe(true)
  })

  it('takes the place of one that a process of ours left when it was killed', async () => {
    leaveSocket(path)
    expect(await connects(path)).toBe(false)
    await listen()
    expect(await connects(path)).toBe(true)
  })

  it('is gone when the server has been closed', async () => {
    const server = await listen()
    servers.splice(0)
    await new Promise((resolve) => server.close(resolve))
    expect(existsSync(path)).toBe(false)
  })

  it.each<[string, string, () => void | Promise<void>]>([
    ['a file', 'no socket', () => writeFileSync(path, 'precious')],
    ['a directory', 'a directory', () => mkdirSync(path)],
    ['a link that leads nowhere', 'a symbolic link', () => symlinkSync('/nowhere', path)],
    [
      'a link to a socket that answers',
      'a symbolic link',
      async () => {
        await serveAt(join(directory, 'other.sock'))
        symlinkSync(join(directory, 'other.sock'), path)
      },
    ],
    ['a socket of ours that answers', 'another process of ours listens there', () => serveAt(path)],
  ])('is refused where %s is, which stays there', async (_what, why, squat) => {
    await squat()
    const before = lstatSync(path).ino
    const { code, data, message, hint } = await rejectionOf(listen())
    expect([code, data]).toMatchObject(['SOCKET_TAKEN', { path, uid }])
    expect(message).toContain(`is taken: ${why === 'no socket' ? 'it is no socket' : ''}`)
    expect(message).toContain(why)
    expect(hint).toContain(`ls -l ${path}`)
    expect(lstatSync(path).ino).toBe(before)
  })

  it.runIf(isRoot)('is refused where a dead socket of another user lies', async () => {
    leaveSocket(path)
    chownSync(path, STRANGER, STRANGER)
    const { code, data, message } = await rejectionOf(listen())
    expect([code, data]).toMatchObject(['SOCKET_TAKEN', { path, uid: STRANGER }])
    expect(message).toContain(`it belongs to the user ${STRANGER}`)
    expect(existsSync(path)).toBe(true)
  })

  it('is refused at a path of 108 bytes, which the system would cut off, and not at one of 107', async () => {
    const room = 107 - Buffer.byteLength(`${directory}/`)
    await listen({ at: join(directory, 'x'.repeat(room)) })
    const { code, data } = await rejectionOf(listen({ at: join(directory, 'y'.repeat(room + 1)) }))
    expect([code, data]).toMatchObject(['CONFIG_INVALID', { bytes: 108, mostBytes: 107 }])
    expect(readdirSync(directory)).toEqual(['x'.repeat(room)])
  })
})

describe('the directory of the job socket', () => {
  it.each([0o720, 0o702, 0o777, 0o1777])('is refused with mode %o', async (mode) => {
    chmodSync(directory, mode)
    const { code, data, hint } = await rejectionOf(listen())
    expect([code, data]).toMatchObject(['FILE_UNSAFE', { path: directory, reason: 'mode' }])
    expect(hint).toBe(`chmod go-w ${directory}`)
    expect(existsSync(path)).toBe(false)
  })

  it('is asked for where it is missing', async () => {
    const missing = join(directory, 'run')
    const { code, data, hint } = await rejectionOf(listen({ at: join(missing, 'jobs.sock') }))
    expect([code, data.reason, hint]).toEqual(['FILE_UNSAFE', 'missing', `mkdir -m 700 ${missing}`])
  })

  it('is refused where it is a link', async () => {
    const link = join(directory, 'link')
    symlinkSync(directory, link)
    const { code } = await rejectionOf(listen({ at: join(link, 'jobs.sock') }))
    expect(code).toBe('FILE_UNSAFE')
  })

  it.runIf(isRoot)(
    'may be one like /tmp, root’s and sticky, for the legacy path alone',
    async () => {
      chmodSync(directory, 0o1777)
      expect((await rejectionOf(listen())).code).toBe('FILE_UNSAFE')
      await listen({ sticky: true })
      expect(modeOf(path)).toBe(0o600)
    },
  )

  it.runIf(isRoot).each([
    ['not sticky', 0o777, 0],
    ['sticky, but another user’s', 0o1777, STRANGER],
  ])('is refused where it is %s, for the legacy path too', async (_what, mode, owner) => {
    chmodSync(directory, mode)
    chownSync(directory, owner, owner)
    expect((await rejectionOf(listen({ sticky: true }))).code).toBe('FILE_UNSAFE')
  })
})
