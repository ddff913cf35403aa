import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { startEmbeddedGrid } from '../support/embedded-myproxy.js'
import { describeWithPrograms } from '../support/programs.js'

/** Four lists of revoked certificates, as far as a client can tell. */
const NAMES = ['8b334820.r0', '8b334821.r0', '8b334822.r0', '8b334823.r0']
const LIST = Buffer.alloc(200_000, 'not a list of revoked certificates\n')

describeWithPrograms('CA files of 800 kB', ['myproxy-get-trustroots'], () => {
  // It takes what has come for all of an answer: one that is written piece by piece is cut short.
  it('come whole to the C client, from one write', async () => {
    const grid = await startEmbeddedGrid({
      key: 'rsa2048',
      async config(directory) {
        const given = join(directory, 'given')
        await mkdir(given)
        for (const name of NAMES) await writeFile(join(given, name), LIST, { mode: 0o644 })
        return `cert_dir ${given}\n`
      },
    })
    try {
      const as = grid.users.alice
      const { exitCode, stderr } = await grid.run('myproxy-get-trustroots', [], { as })
      expect(exitCode, stderr).toBe(0)
      for (const name of NAMES) {
        expect((await readFile(join(grid.trustDirectory, name))).equals(LIST)).toBe(true)
      }
    } finally {
      await grid.stop()
    }
  })
})
