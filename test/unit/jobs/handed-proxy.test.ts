import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { oneServer, readHandedProxy } from '../../../src/jobs/handed-proxy.js'
import { nodeFiles } from '../../../src/node/ports/files.js'
import { failureOf, rejectionOf } from '../../support/failure.js'
import { temporaryDirectory } from '../../support/temporary-directory.js'

const uid = process.getuid?.() ?? 0
const read = (path: string) => readHandedProxy(nodeFiles, path, [uid])

async function proxyAndLink(mode: number) {
  const directory = join(await temporaryDirectory(), 'place')
  await mkdir(directory)
  const [proxy, link] = [join(directory, 'x509up_u1'), join(directory, 'old')]
  await writeFile(proxy, 'a proxy', { mode: 0o600 })
  await symlink(proxy, link)
  await chmod(directory, mode)
  return { proxy, link }
}

describe('a proxy file that is handed over', () => {
  it('is read by itself in a directory of everybody, and by a link in one that is ours alone', async () => {
    const shared = await proxyAndLink(0o1777)
    expect((await read(shared.proxy)).toString()).toBe('a proxy')
    const own = await proxyAndLink(0o700)
    expect((await read(own.link)).toString()).toBe('a proxy')
  })

  it.each([0o1777, 0o770])('is not read by a link in a directory of mode %o', async (mode) => {
    const { link } = await proxyAndLink(mode)
    expect(await rejectionOf(read(link))).toMatchObject({
      code: 'FILE_UNSAFE',
      data: { path: link },
    })
  })

  it('is not read when others can read it', async () => {
    const { proxy } = await proxyAndLink(0o700)
    await chmod(proxy, 0o644)
    expect((await rejectionOf(read(proxy))).code).toBe('FILE_UNSAFE')
  })
})

describe('the server of a job', () => {
  it('is one, with its port', () => {
    expect(oneServer('px.example.org', 7512)).toBe('px.example.org:7512')
    expect(oneServer('px.example.org:7513', 7512)).toBe('px.example.org:7513')
  })

  it.each(['px1,px2', ',', 'px:7512:1'])('is not %s', (text) => {
    expect(failureOf(() => oneServer(text, 7512)).code).toBe('SERVER_LIST_INVALID')
  })
})
