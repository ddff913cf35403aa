import { chownSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { readEffectiveConfig, readQuickConfig } from '../../../src/node/compose/compose-config.js'
import { nodeFiles } from '../../../src/node/ports/files.js'
import { rejectionOf } from '../../support/failure.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

/** Whose files these are can only be arranged by root. */
describe.runIf(process.getuid?.() === 0)('the configuration that root reads', () => {
  /** A configuration of root's, in a directory of another user's and linked to from there. */
  async function led() {
    const directory = await temporaryDirectory()
    const theirs = join(directory, 'theirs')
    mkdirSync(theirs)
    chownSync(theirs, 1000, 1000)
    const text = 'root = "/srv/vobox"\n'
    writeFileSync(join(theirs, 'config.toml'), text, { mode: 0o644 })
    writeFileSync(join(directory, 'config.toml'), text, { mode: 0o644 })
    symlinkSync(join(directory, 'config.toml'), join(theirs, 'link.toml'))
    return { directory, theirs }
  }

  it.each(['config.toml', 'link.toml'])(
    'is refused by --config and by VOBOX_PROXY_CONFIG as %s in a directory of another user',
    async (name) => {
      const { theirs } = await led()
      const path = join(theirs, name)
      const environment = { VOBOX_PROXY_CONFIG: path }
      for (const failure of [
        await rejectionOf(readEffectiveConfig(nodeFiles, {}, 0, path)),
        await rejectionOf(readEffectiveConfig(nodeFiles, environment, 0)),
        await rejectionOf(readQuickConfig(nodeFiles, environment, 0)),
      ]) {
        expect(failure).toMatchObject({ code: 'FILE_UNSAFE', data: { path, at: theirs } })
      }
    },
  )

  it('is read where only root can write, and by that user from anywhere', async () => {
    const { directory, theirs } = await led()
    const own = { VOBOX_PROXY_CONFIG: join(directory, 'config.toml') }
    expect((await readQuickConfig(nodeFiles, own, 0)).root).toBe('/srv/vobox')
    const linked = { VOBOX_PROXY_CONFIG: join(theirs, 'link.toml') }
    expect((await readQuickConfig(nodeFiles, linked, 1000)).root).toBe('/srv/vobox')
  })

  it('may be missing only where nobody named one', async () => {
    const path = join(await temporaryDirectory(), 'none', 'config.toml')
    const failure = await rejectionOf(readQuickConfig(nodeFiles, { VOBOX_PROXY_CONFIG: path }, 0))
    expect(failure).toMatchObject({ code: 'CONFIG_INVALID', data: { path } })
  })
})
