import { chmod, chown, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readServerConfig } from '../../../../src/myproxy/server/config/read-server-config.js'
import { nodeFiles } from '../../../../src/node/ports/files.js'
import { rejectionOf } from '../../../support/failure.js'
import { makeTemporaryDirectory } from '../../../support/temporary-directory.js'

const uid = process.getuid?.() ?? 0
const SECRET = 'certificate_issuer_cert /c\ncertificate_issuer_key /k\n'.concat(
  'certificate_issuer_key_passphrase swordfish\n',
)

describe('readServerConfig', () => {
  let temporary: Awaited<ReturnType<typeof makeTemporaryDirectory>>
  let path: string
  beforeAll(async () => {
    temporary = await makeTemporaryDirectory()
    path = join(temporary.path, 'myproxy-server.config')
  })
  afterAll(() => temporary?.remove())

  const write = async (text: string, mode: number) => {
    await writeFile(path, text)
    await chmod(path, mode)
  }
  const read = (named = path, as = uid) => readServerConfig(nodeFiles, { path: named, uid: as })

  it('reads a file that all can read, by a link too', async () => {
    await write('max_proxy_lifetime 5', 0o644)
    const link = join(temporary.path, 'link')
    await symlink(path, link)
    expect((await read()).maxProxyLifetimeSeconds).toBe(18_000)
    expect((await read(link)).maxProxyLifetimeSeconds).toBe(18_000)
  })

  it.each([0o664, 0o646])('refuses one of mode %o: others decide who gets what', async (mode) => {
    await write('max_proxy_lifetime 5', mode)
    expect((await rejectionOf(read())).code).toBe('FILE_UNSAFE')
  })

  it('refuses one that is neither of root nor of who we run as', async () => {
    await write('max_proxy_lifetime 5', 0o600)
    if (uid === 0) await chown(path, 65_534, 65_534)
    expect((await rejectionOf(read(path, uid === 0 ? 0 : uid + 1))).code).toBe('FILE_UNSAFE')
    if (uid === 0) await chown(path, 0, 0)
  })

  it.each([0o644, 0o640])('refuses a pass phrase in a file of mode %o', async (mode) => {
    await write(SECRET, mode)
    const { code, data, message } = await rejectionOf(read())
    expect({ code, data }).toEqual({
      code: 'FILE_UNSAFE',
      data: { path, mode, directive: 'certificate_issuer_key_passphrase' },
    })
    expect(message).not.toContain('swordfish')
  })

  it('reads a pass phrase in a file of mode 600', async () => {
    await write(SECRET, 0o600)
    expect((await read()).authority.keyPassPhrase).toBe('swordfish')
  })

  it('says of a file that is not there which one', async () => {
    const missing = join(temporary.path, 'missing')
    const { code, data } = await rejectionOf(read(missing))
    expect({ code, data }).toEqual({ code: 'CONFIG_INVALID', data: { path: missing } })
  })
})
