import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keysAtOnce } from '../../../../src/node/myproxy-server/thread-pool.js'
import { spawnSync } from '../../../support/bounded.js'
import { bundleScript } from '../../../support/bundled-script.js'
import { makeTemporaryDirectory } from '../../../support/temporary-directory.js'

describe('widenThreadPool', () => {
  let directory: Awaited<ReturnType<typeof makeTemporaryDirectory>>
  let script: string

  beforeAll(async () => {
    directory = await makeTemporaryDirectory()
    script = await bundleScript('thread-pool-in-process.ts', directory.path)
  })
  afterAll(() => directory.remove())

  it.each([
    ['Node has 8 threads for files', {}, '8'],
    ['it has the 3 that an administrator wants', { UV_THREADPOOL_SIZE: '3' }, '3'],
  ])('%s', (_what, env, threads) => {
    const { stdout, stderr } = spawnSync(process.execPath, [script], { env, encoding: 'utf8' })
    expect([stdout, stderr]).toEqual([threads, ''])
  })
})

describe('keysAtOnce', () => {
  it.each([
    [1, 8, 1],
    [2, 8, 2],
    [16, 8, 5],
    [16, 4, 1],
    [16, 1, 1],
  ])('is with %d cores and %d threads %d, beside 2 derivations', (cores, threads, expected) => {
    expect(keysAtOnce(cores, threads)).toBe(expected)
  })
})
