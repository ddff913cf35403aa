/** A disk that is slower than a client may wait: what the client was told must be what happened. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type JobScene, openJobScene } from '../support/job-scene.js'

let scene: JobScene
/** The journal is being written, and waits. */
let reached: Promise<void>
let goOn: () => void

beforeEach(async () => {
  scene = await openJobScene()
  const append = scene.files.append.bind(scene.files)
  let arrive: () => void = () => undefined
  reached = new Promise((resolve) => {
    arrive = resolve
  })
  const gate = new Promise<void>((resolve) => {
    goOn = resolve
  })
  scene.files.append = async (path, ...rest) => {
    if (path.endsWith('jobs.journal')) {
      arrive()
      await gate
    }
    return append(path, ...rest)
  }
})
afterEach(async () => {
  goOn()
  await scene.close()
})

/** What a service finds that is started now. */
const jobsOnDisk = async () => (await scene.openService()).counts

describe('a job whose client was told that it failed, while the disk wrote it down', () => {
  it('for 31 s, is not registered when the disk is done: 1911 was true', async () => {
    const answer = scene.register('a', await scene.hand('ann'))
    await reached
    await scene.clock.advanceSeconds(31)
    expect((await answer).code).toBe(1911)
    goOn()
    await scene.clock.until(async () => (await scene.kept()).length === 0)
    expect((await scene.get('a')).code).toBe(1908)
    expect(await jobsOnDisk()).toEqual({ jobProxies: 0, jobs: 0 })
  })

  it('and who asks again is registered once', async () => {
    const proxy = await scene.hand('ann')
    const first = scene.register('a', proxy)
    await reached
    await scene.clock.advanceSeconds(31)
    expect((await first).code).toBe(1911)
    const again = scene.register('a', proxy)
    goOn()
    expect((await again).code).toBe(0)
    expect((await scene.end('a')).code).toBe(0)
    expect((await scene.get('a')).code).toBe(1908)
  })

  it('is not registered where the service was stopped meanwhile', async () => {
    const answer = scene.register('a', await scene.hand('ann'))
    await reached
    const closed = scene.service.close()
    await scene.clock.advanceSeconds(3)
    expect((await answer).code).toBe(1902)
    goOn()
    await closed
    expect(await jobsOnDisk()).toEqual({ jobProxies: 0, jobs: 0 })
    expect(await scene.kept()).toEqual([])
  })
})
