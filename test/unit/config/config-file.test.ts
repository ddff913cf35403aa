import { chmodSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { DEFAULT_CONFIG_FILE, readConfigFile } from '../../../src/config/config-file.js'
import { nodeFiles } from '../../../src/node/ports/files.js'
import type { Files } from '../../../src/ports/files.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const uid = process.getuid?.() ?? 0

async function writtenConfig(name = 'config.toml') {
  const path = join(await temporaryDirectory(), name)
  writeFileSync(path, `root = "/${name}"`, { mode: 0o644 })
  return path
}

describe('readConfigFile', () => {
  it('prefers --config to $VOBOX_PROXY_CONFIG', async () => {
    const [flag, named] = [await writtenConfig('flag'), await writtenConfig('environment')]
    const environment = { VOBOX_PROXY_CONFIG: named }

    expect(await readConfigFile(nodeFiles, { flag, environment, uid })).toEqual({
      path: flag,
      text: 'root = "/flag"',
    })
    expect((await readConfigFile(nodeFiles, { environment, uid }))?.path).toBe(named)
  })

  it('looks at the default file when none is named, and does without it', async () => {
    const asked: string[] = []
    const files: Files = {
      ...nodeFiles,
      read: (path, rules) => {
        asked.push(path)
        return nodeFiles.read(`${path}/none`, rules)
      },
    }

    expect(await readConfigFile(files, { environment: {}, uid })).toBeUndefined()
    expect(asked).toEqual([DEFAULT_CONFIG_FILE])
  })

  it('fails when a named file is not there, saying who named it', async () => {
    const path = join(await temporaryDirectory(), 'none.toml')

    await expect(
      readConfigFile(nodeFiles, { environment: { VOBOX_PROXY_CONFIG: path }, uid }),
    ).rejects.toMatchObject({
      code: 'CONFIG_INVALID',
      message: `${path}, named by $VOBOX_PROXY_CONFIG, is not there`,
      data: { path },
    })
  })

  it('refuses a file that the group may write, also behind a link', async () => {
    const path = await writtenConfig()
    chmodSync(path, 0o664)
    const link = `${path}.link`
    symlinkSync(path, link)

    for (const flag of [path, link]) {
      await expect(readConfigFile(nodeFiles, { flag, environment: {}, uid })).rejects.toMatchObject(
        {
          code: 'FILE_UNSAFE',
          data: { path: flag, reason: 'mode' },
        },
      )
    }
  })
})
