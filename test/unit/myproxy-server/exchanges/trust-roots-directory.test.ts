import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TrustRootsDirectory } from '../../../../src/myproxy/server/exchanges/trust-roots-directory.js'
import { nodeFiles } from '../../../../src/node/ports/files.js'
import type { Journal } from '../../../../src/ports/journal.js'
import { rejectionOf } from '../../../support/failure.js'
import { FakeClock } from '../../../support/fake-clock.js'
import { makeTemporaryDirectory } from '../../../support/temporary-directory.js'

let directory: string
let remove: () => Promise<void>
let clock: FakeClock
let roots: TrustRootsDirectory
let log: string[]

beforeEach(async () => {
  ;({ path: directory, remove } = await makeTemporaryDirectory())
  clock = new FakeClock()
  log = []
  const journal: Journal = {
    write: (level, event, text) => void log.push(`${level} ${event} ${text}`),
  }
  roots = new TrustRootsDirectory({ files: nodeFiles, clock, journal, directory })
})
afterEach(() => remove())

const put = (name: string, content: string, mode = 0o644) =>
  writeFile(join(directory, name), content, { mode })
const names = async () => (await roots.current()).map(({ name }) => name)

describe('TrustRootsDirectory', () => {
  it('gives what a CA directory is made of, links followed, and none of the rest', async () => {
    await put('Some-CA.pem', 'certificate')
    await symlink('Some-CA.pem', join(directory, '8b33482b.0'))
    await put('8b33482b.signing_policy', 'policy')
    await put('8b33482b.r0', 'list')
    await put('.8b33482b.r0.new', 'half a list')
    await put('README', 'text')
    await put('fetch-crl.log', 'text')
    await mkdir(join(directory, 'old.pem'))
    await roots.check()
    expect(await names()).toEqual([
      '8b33482b.0',
      '8b33482b.r0',
      '8b33482b.signing_policy',
      'Some-CA.pem',
    ])
    expect((await roots.current())[0]?.content.toString()).toBe('certificate')
    expect(log).toEqual([])
  })

  it('sees what has changed after 30 s', async () => {
    await put('8b33482b.0', 'certificate')
    expect(await names()).toEqual(['8b33482b.0'])
    await put('8b33482b.r0', 'list')
    await clock.advance(29_000)
    expect(await names()).toEqual(['8b33482b.0'])
    await clock.advance(1000)
    expect(await names()).toEqual(['8b33482b.0', '8b33482b.r0'])
  })

  it.each([
    ['a file of mode 0600', 0o600, 'text', 'not-for-all'],
    ['a file of mode 0666', 0o666, 'text', 'mode'],
    ['a private key', 0o644, '-----BEGIN PRIVATE KEY-----', 'private-key'],
  ])(
    'does not begin with %s, and later leaves it out and says so once',
    async (_name, mode, text, reason) => {
      await put('8b33482b.0', 'certificate')
      await put('hostkey.pem', text)
      await chmod(join(directory, 'hostkey.pem'), mode)
      const { code, data } = await rejectionOf(roots.check())
      expect([code, data.reason]).toEqual(['FILE_UNSAFE', reason])
      expect(await names()).toEqual(['8b33482b.0'])
      await clock.advance(30_000)
      expect(await names()).toEqual(['8b33482b.0'])
      expect(log).toHaveLength(1)
      expect(log[0]).toContain('error trust-root-left-out')
    },
  )

  it('does not begin without its directory', async () => {
    await rm(directory, { recursive: true })
    expect((await rejectionOf(roots.check())).code).toBe('FILE_MISSING')
  })
})
