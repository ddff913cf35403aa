/** The process dies at every step between seeing that a proxy is short and having told it. */
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { AlertKeeper } from '../../src/alerts/alert-keeper.js'
import { MailSpool } from '../../src/alerts/spool.js'
import { nodeFiles } from '../../src/node/ports/files.js'
import type { FileLock, Files } from '../../src/ports/files.js'
import { silentJournal } from '../../src/ports/journal.js'
import { FakeClock } from '../support/fake-clock.js'
import { ScriptedMailer } from '../support/scripted-mailer.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { DAY, hours, later } from '../support/time.js'
import { observed, withoutMachineProxy } from '../unit/alerts/fixtures.js'

/**
 * A disk on which the process dies at the `step`-th change, before or after it takes effect: the
 * call never comes back, nothing after it happens, and its locks are free.
 */
function dyingDisk(step: number, when: 'before' | 'after') {
  const locks = new Set<FileLock>()
  let count = 0
  let die: () => void = () => undefined
  const died = new Promise<void>((resolve) => {
    die = resolve
  })
  const change = async <T>(work: () => Promise<T>): Promise<T> => {
    count += 1
    if (count > step) return new Promise<never>(() => undefined)
    if (count < step) return work()
    if (when === 'after') await work()
    for (const lock of locks) await lock.release()
    die()
    return new Promise<never>(() => undefined)
  }
  const held = async (lock: FileLock | undefined) => {
    if (lock !== undefined) locks.add(lock)
    return lock
  }
  const files: Files = {
    ...nodeFiles,
    replace: (path, bytes, options) => change(() => nodeFiles.replace(path, bytes, options)),
    remove: (path) => change(() => nodeFiles.remove(path)),
    lock: async (...given) => (await held(await nodeFiles.lock(...given))) as FileLock,
    tryLock: async (path) => held(await nodeFiles.tryLock(path)),
  }
  return { files, died }
}

const failing = { state: withoutMachineProxy }

async function world() {
  const root = await temporaryDirectory()
  const clock = new FakeClock(hours(100))
  const mailer = new ScriptedMailer()
  const open = (files: Files) => {
    const base = { files, clock, journal: silentJournal }
    const spool = new MailSpool({
      ...base,
      mailer,
      directory: join(root, 'spool'),
      deadlineMs: 1000,
    })
    return new AlertKeeper({
      ...base,
      stateDirectory: join(root, 'state'),
      spool,
      host: 'vobox.example.org',
      vo: 'alice',
      admin: 'root',
      reminderSeconds: DAY,
    })
  }
  const short = () => observed({ ...failing, at: clock.now(), proxyEnd: later(clock.now(), 1800) })
  const fine = () => observed({ at: clock.now(), proxyEnd: later(clock.now(), DAY) })
  return { clock, mailer, open, short, fine }
}

type World = Awaited<ReturnType<typeof world>>

/** Sees what is to be told and tells it; whether the process lived to the end. */
async function liveThrough(
  { open }: World,
  disk: { files: Files; died: Promise<void> },
  observation: ReturnType<World['short']>,
): Promise<boolean> {
  const keeper = open(disk.files)
  const work = async () => {
    await keeper.observe(observation)
    await keeper.flush()
    return true
  }
  return Promise.race([work(), disk.died.then(() => false)])
}

describe.each(['before', 'after'] as const)(
  'a process that dies %s a change takes effect',
  (when) => {
    it('tells the beginning once, wherever that happens', async () => {
      let lived = false
      let twice = 0
      for (let step = 1; !lived; step += 1) {
        const one = await world()
        lived = await liveThrough(one, dyingDisk(step, when), one.short())
        for (let restart = 0; restart < 3; restart += 1) {
          await one.clock.advanceSeconds(60)
          const keeper = one.open(nodeFiles)
          await keeper.observe(one.short())
          await keeper.flush()
        }
        expect(new Set(one.mailer.sent.map(({ messageId }) => messageId)).size).toBe(1)
        if (one.mailer.sent.length > 1) twice += 1
        expect(step).toBeLessThan(20)
      }
      // The one moment at which nobody can know: taken by the server, and not yet noted.
      expect(twice).toBe(when === 'before' ? 1 : 0)
    })

    it('tells the end once, wherever that happens', async () => {
      let lived = false
      for (let step = 1; !lived; step += 1) {
        const one = await world()
        await liveThrough(one, dyingDisk(Number.POSITIVE_INFINITY, when), one.short())
        await one.clock.advanceSeconds(60)
        lived = await liveThrough(one, dyingDisk(step, when), one.fine())
        for (let restart = 0; restart < 3; restart += 1) {
          await one.clock.advanceSeconds(60)
          const keeper = one.open(nodeFiles)
          await keeper.observe(one.fine())
          await keeper.flush()
        }
        const ids = one.mailer.sent.map(({ messageId }) => messageId)
        expect(new Set(ids).size).toBe(2)
        expect(one.mailer.subjects[0]).toBe('user proxy alicesgm: ends soon')
        expect(one.mailer.subjects.at(-1)).toBe('user proxy alicesgm: all clear')
        expect(step).toBeLessThan(20)
      }
    })
  },
)

describe('a disk that takes nothing', () => {
  const full: Files = {
    ...nodeFiles,
    replace: () => Promise.reject(new Error('ENOSPC')),
    makeDirectory: () => Promise.reject(new Error('ENOSPC')),
    lock: () => Promise.reject(new Error('ENOSPC')),
    tryLock: () => Promise.reject(new Error('ENOSPC')),
  }

  it('does not keep the mail from anybody, and does not make a hundred of one', async () => {
    const { open, short, clock, mailer } = await world()
    const keeper = open(full)
    for (let look = 0; look < 100; look += 1) {
      await keeper.observe(short())
      await keeper.flush()
      await clock.advanceSeconds(60)
    }
    expect(mailer.subjects).toEqual(['user proxy alicesgm: ends soon'])
  })
})
