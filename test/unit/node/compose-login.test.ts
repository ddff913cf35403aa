import { chownSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readForLooking } from '../../../src/node/compose/compose-login.js'
import { nodeFiles } from '../../../src/node/ports/files.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

describe.runIf(process.getuid?.() === 0)('a proxy file of root’s that root looks at', () => {
  it('is read where only root can change the way to it, and nowhere else', async () => {
    const directory = join(await temporaryDirectory(), 'theirs')
    mkdirSync(directory)
    const path = join(directory, 'proxy.pem')
    writeFileSync(path, 'proxy', { mode: 0o600 })
    const { bytes } = await readForLooking(nodeFiles, { path, named: true })
    expect(bytes.toString()).toBe('proxy')

    chownSync(directory, 1, 1)
    await expect(readForLooking(nodeFiles, { path, named: true })).rejects.toMatchObject({
      code: 'FILE_UNSAFE',
      data: { path, at: directory },
    })
  })
})
