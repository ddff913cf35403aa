/**
 * Registries that are damaged, foreign or planted, met by the programs as a site runs them: what can
 * be repaired is repaired and said, everything else is refused and left as it is; no proxy is lost.
 */
import {
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
} from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { proxyFileName } from '../../src/repository/proxy-file-name.js'
import { execFileSync } from '../support/bounded.js'
import { addProxy, TestAuthority, userName } from '../support/pki.js'
import { writeTrustDirectory } from '../support/pki-files.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'
import { codeOf, type Finished, VoBox } from '../support/vo-box.js'

let temporary: Awaited<ReturnType<typeof makeTemporaryDirectory>>
let box: VoBox
let carol: string
/** `registry.json` with alice and bob, and the copy from before bob, as the programs wrote them. */
let both: Buffer
let aliceAlone: Buffer
const ca = new TestAuthority()
const [aliceDn, bobDn] = [userName('alice').oneLine, userName('bob').oneLine]

beforeAll(async () => {
  temporary = await makeTemporaryDirectory()
  const trust = await writeTrustDirectory(temporary.path, ca)
  box = new VoBox(temporary.path, {
    kept: true,
    vo: 'alice',
    config: `[trust]\ndirectory = "${trust}"\n[myproxy]\nservers = ["localhost:1"]\n`,
  })
  await box.register(box.putLogin('alice', addProxy(ca.issueUser('alice'))))
  await box.register(box.putLogin('bob', addProxy(ca.issueUser('bob'))))
  carol = box.putLogin('carol', addProxy(ca.issueUser('carol')))
  both = readFileSync(box.paths.registry)
  aliceAlone = readFileSync(box.paths.registryPrevious)
})
afterAll(async () => {
  await box?.close()
  await temporary?.remove()
})

const write = (path: string, content: string | Uint8Array, mode = 0o600) => {
  rmSync(path, { force: true, recursive: true })
  renameSync(box.put(`new-${basename(path)}`, content, mode), path)
}

beforeEach(() => {
  for (const path of pathsAside()) rmSync(path)
  write(box.paths.registry, both)
  write(box.paths.registryPrevious, aliceAlone)
})

const fileOf = (dn: string) => box.repository.path(proxyFileName(dn, undefined))
/** Nothing but proxies, each with its mode and bytes. */
const proxies = () => box.picture(/^(?!proxy_repository\/)/)
const pathsAside = () =>
  readdirSync(box.paths.directory)
    .filter((name) => name.startsWith('registry.json.damaged-'))
    .map((name) => join(box.paths.directory, name))

/** What reads, what removes, and what adds. */
const commands: [string, () => Promise<Finished>][] = [
  ['query', () => box.call(['query', '--dn', 'all', '--json'])],
  ['unregister', () => box.call(['unregister', '--dn', bobDn, '--json'])],
  ['register', () => box.call(['register', '--no-check', '--no-voms', '--json', '--proxy', carol])],
]

/** All commands at once: none answers, each says the code and the file, nothing is touched. */
async function expectRefusals(code: string): Promise<void> {
  const before = box.picture()
  await Promise.all(
    commands.map(async ([command, call]) => {
      const refusal = await call()
      expect([command, refusal.status, refusal.stdout]).toEqual([command, 1, ''])
      expect([command, codeOf(refusal)]).toEqual([command, code])
      expect(refusal.stderr).toContain(box.paths.registry)
    }),
  )
  expect(box.picture()).toEqual(before)
  expect(pathsAside()).toEqual([])
}

const notParsing: [string, () => string | Uint8Array][] = [
  ['cut in the middle', () => both.subarray(0, both.length / 2)],
  ['empty', () => ''],
  ['100,000 brackets', () => '['.repeat(100_000)],
  ['another document', () => '[1, 2]'],
]

describe('a registry that does not parse', () => {
  it.each(notParsing)('being %s, is set aside, and the copy is used', async (_name, damage) => {
    const damaged = Buffer.from(damage())
    const before = proxies()
    write(box.paths.registry, damaged)
    const { status, stdout, stderr } = await box.call(['query-dn', '--dn', 'all'])
    expect([status, stdout]).toEqual([0, `${aliceDn}\n`])
    expect(stderr).toMatch(/^vobox-proxy: warning: .* is damaged: .* was set aside as .*\n$/)
    expect(pathsAside().map((path) => readFileSync(path))).toEqual([damaged])
    expect(readFileSync(box.paths.registry)).toEqual(aliceAlone)
    expect(proxies()).toEqual(before)
  })

  it('is repaired by register too, whose registration is not lost', async () => {
    write(box.paths.registry, both.subarray(0, 100))
    const args = ['register', '--no-check', '--no-voms', '--proxy', carol]
    const { status, stderr } = await box.call(args)
    expect(status).toBe(0)
    expect(stderr).toContain('was set aside as')
    const { stdout } = await box.call(['query-dn', '--dn', 'all'])
    expect(stdout.trim().split('\n').sort()).toEqual([aliceDn, userName('carol').oneLine])
    rmSync(fileOf(userName('carol').oneLine))
  })

  it.each(notParsing)('being %s, is refused and left when there is no copy', async (_n, damage) => {
    write(box.paths.registry, damage())
    rmSync(box.paths.registryPrevious)
    await expectRefusals('REGISTRY_MALFORMED')
  })

  it('is refused and left when the copy does not parse either, until both are moved away', async () => {
    write(box.paths.registry, both.subarray(0, 100))
    write(box.paths.registryPrevious, aliceAlone.subarray(0, 100))
    await expectRefusals('REGISTRY_MALFORMED')
    rmSync(box.paths.registry)
    await expectRefusals('REGISTRY_MALFORMED')
    rmSync(box.paths.registryPrevious)
    expect((await box.call(['query', '--dn', 'all'])).status).toBe(0)
  })
})

describe('a registry that is lost with its copy', () => {
  it('is made again by registering what lies in the repository', async () => {
    rmSync(box.paths.registry)
    rmSync(box.paths.registryPrevious)
    const before = proxies()
    expect(await box.call(['query', '--dn', 'all'])).toMatchObject({ status: 0, stdout: '' })
    for (const dn of [aliceDn, bobDn]) await box.register(fileOf(dn))
    const { stdout } = await box.call(['query-proxy-filename', '--dn', 'all'])
    expect(stdout).toBe(`${fileOf(aliceDn)}\n${fileOf(bobDn)}\n`)
    expect(proxies()).toEqual(before)
  })
})

describe('a registry that is not ours to believe', () => {
  const planted: [string, (path: string) => void, string][] = [
    [
      'that a later version wrote',
      (path) => write(path, `${both}`.replace('"version":1', '"version":3')),
      'REGISTRY_VERSION_UNKNOWN',
    ],
    ['that others can write', (path) => write(path, both, 0o666), 'FILE_UNSAFE'],
    ['that is a link', (path) => symlinkSync(box.put('elsewhere', both), path), 'FILE_UNSAFE'],
    ['that is a FIFO', (path) => execFileSync('mkfifo', [path]), 'FILE_UNSAFE'],
  ]

  it.each(planted)('%s is refused, and the copy not taken for it', async (_name, plant, code) => {
    rmSync(box.paths.registry)
    plant(box.paths.registry)
    await expectRefusals(code)
  })

  it('of 1 TB is refused before it is read', async () => {
    const before = proxies()
    truncateSync(box.paths.registry, 2 ** 40)
    const refusal = await box.call(['query', '--dn', 'all', '--json'])
    expect(codeOf(refusal)).toBe('FILE_TOO_LARGE')
    expect(refusal).toMatchObject({ status: 1, stdout: '' })
    expect(statSync(box.paths.registry).size).toBe(2 ** 40)
    expect(proxies()).toEqual(before)
  })
})

describe('a registration that is wrong, among others', () => {
  const wrong = (text: string) =>
    text.replace('"lifetimeSeconds":43200', '"lifetimeSeconds":"long"')
  const lineOf = (dn: string) =>
    readFileSync(box.paths.registry, 'utf8')
      .split('\n')
      .find((line) => line.includes(`"${dn}"`))
      ?.replace(/,$/, '')

  it('is named, left as it is by every change, and harms no other', async () => {
    const before = proxies()
    write(box.paths.registry, wrong(`${both}`))
    const line = lineOf(aliceDn)
    expect(line).toContain('"long"')
    const { stdout, stderr } = await box.call(['query-dn', '--dn', 'all'])
    expect(stdout).toBe(`${bobDn}\n`)
    expect(stderr).toMatch(/warning: .*alice\S*' is not a valid registration .*lifetimeSeconds/)
    expect((await box.call(['query', '--dn', aliceDn])).status).toBe(3)

    await box.register(carol)
    expect((await box.call(['unregister', '--dn', userName('carol').oneLine])).status).toBe(0)
    expect(lineOf(aliceDn)).toBe(line)
    expect(proxies()).toEqual(before)
  })
})
