import { mkdirSync, statSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs'
import * as promises from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { nodeFiles as files, makeFiles } from '../../../src/node/ports/files.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const bytes = (text: string) => Buffer.from(text)
const modeOf = (path: string) => statSync(path).mode & 0o7777

describe('Files.lock', () => {
  it('excludes a second holder in the same process until it is released', async () => {
    const path = join(await temporaryDirectory(), '.lock')
    const first = await files.lock(path, 1000)

    expect(await files.tryLock(path)).toBeUndefined()
    await first.release()
    await first.release()
    const second = await files.tryLock(path)
    expect(second).toBeDefined()
    await second?.release()
    expect(modeOf(path)).toBe(0o600)
  })

  it('holds nothing after a try that failed half-way', async () => {
    const path = join(await temporaryDirectory(), '.lock')
    const lstat = async () => {
      throw Object.assign(new Error('EIO'), { code: 'EIO' })
    }
    const failing = makeFiles({ ...promises, lstat })

    await expect(failing.tryLock(path)).rejects.toMatchObject({ code: 'FILE_UNREADABLE' })
    const lock = await files.tryLock(path)
    expect(lock).toBeDefined()
    await lock?.release()
  })

  it('gives up after 100 ms with the path and the deadline', async () => {
    const path = join(await temporaryDirectory(), '.lock')
    const holder = await files.lock(path, 1000)
    await expect(files.lock(path, 100)).rejects.toMatchObject({
      code: 'LOCK_TIMEOUT',
      persistence: 'transient',
      data: { path, deadlineMs: 100 },
    })
    await holder.release()
  })

  it('stops waiting with the reason of the signal', async () => {
    const path = join(await temporaryDirectory(), '.lock')
    const holder = await files.lock(path, 1000)
    const reason = new Error('going down')
    const controller = new AbortController()
    const waiting = files.lock(path, 60_000, controller.signal)
    setTimeout(() => controller.abort(reason), 20)

    await expect(waiting).rejects.toBe(reason)
    await holder.release()
  })

  it('lets 20 holders in one after the other', async () => {
    const path = join(await temporaryDirectory(), '.lock')
    let inside = 0
    const hold = async () => {
      const lock = await files.lock(path, 20_000)
      inside++
      expect(inside).toBe(1)
      await new Promise((resolve) => setTimeout(resolve, 2))
      inside--
      await lock.release()
    }
    await Promise.all(Array.from({ length: 20 }, hold))

    expect(inside).toBe(0)
  })

  it('takes the file that has the name now when the locked one was removed', async () => {
    const path = join(await temporaryDirectory(), '.lock')
    const first = await files.lock(path, 1000)
    unlinkSync(path)
    const second = await files.lock(path, 1000)
    expect(await files.tryLock(path)).toBeUndefined()
    await Promise.all([first.release(), second.release()])
  })

  it('refuses a symlink as the lock file', async () => {
    const directory = await temporaryDirectory()
    symlinkSync(join(directory, 'elsewhere'), join(directory, '.lock'))

    await expect(files.tryLock(join(directory, '.lock'))).rejects.toMatchObject({
      code: 'FILE_UNSAFE',
      data: { reason: 'symlink' },
    })
  })
})

describe('Files.watch', () => {
  // Events of the file system come when they like; what is promised are the looks in between.
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] })
  })
  afterEach(() => void vi.useRealTimers())

  it('calls once within a second after a replacement, and no more after close', async () => {
    const path = join(await temporaryDirectory(), 'registry.json')
    const onChange = vi.fn()
    const watcher = files.watch(path, onChange)
    await files.replace(path, bytes('1'), { mode: 0o600 })
    await vi.advanceTimersByTimeAsync(1000)
    expect(onChange).toHaveBeenCalledTimes(1)
    await vi.advanceTimersByTimeAsync(60_000)
    expect(onChange).toHaveBeenCalledTimes(1)

    watcher.close()
    await files.replace(path, bytes('2'), { mode: 0o600 })
    await vi.advanceTimersByTimeAsync(60_000)
    expect(onChange).toHaveBeenCalledTimes(1)
  })

  it('ignores its neighbours', async () => {
    const directory = await temporaryDirectory()
    const onChange = vi.fn()
    const watcher = files.watch(join(directory, 'registry.json'), onChange)
    await files.replace(join(directory, 'other'), bytes('1'), { mode: 0o600 })
    await vi.advanceTimersByTimeAsync(60_000)
    watcher.close()

    expect(onChange).not.toHaveBeenCalled()
  })

  it('notices a file in a directory that is made later, within a second', async () => {
    const directory = join(await temporaryDirectory(), 'later')
    const path = join(directory, 'registry.json')
    const onChange = vi.fn()
    const watcher = files.watch(path, onChange)
    mkdirSync(directory)
    writeFileSync(path, '{}')
    await vi.advanceTimersByTimeAsync(1000)
    expect(onChange).toHaveBeenCalledTimes(1)
    watcher.close()
  })

  it('notices by the events of the file system, without a look in between', async () => {
    const path = join(await temporaryDirectory(), 'registry.json')
    const changed = new Promise<void>((resolve) => {
      const watcher = files.watch(path, resolve)
      onTestFinished(() => watcher.close())
    })
    writeFileSync(path, '{}')
    vi.useRealTimers()
    await changed
  })
})
