/** `machine-proxy` as cron runs it: from the host's certificate into a directory of the VO admin's. */
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
} from 'node:fs'
import { join } from 'node:path'
import { beforeEach, describe, expect, it } from 'vitest'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { parseCredential } from '../../src/proxy/credential.js'
import { realNow, TestAuthority } from '../support/pki.js'
import { writeCredentialPair } from '../support/pki-files.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { VoBox } from '../support/vo-box.js'

const isRoot = process.getuid?.() === 0
const ca = new TestAuthority()

let box: VoBox
let directory: string
let host: { cert: string; key: string }

beforeEach(async () => {
  directory = await temporaryDirectory()
  box = new VoBox(directory, { vo: 'alice', config: '[keys]\nkind = "p256"\n' })
  host = await writeCredentialPair(directory, 'host', ca.issueHost('vobox.example.org'))
})

const make = (...words: string[]) =>
  box.call(['machine-proxy', '--cert', host.cert, '--key', host.key, ...words], { asRoot: true })

const proxyIn = (file: string) => describeChain(parseCredential(readFileSync(file)).chain)

describe('machine-proxy', () => {
  it('makes a proxy of 24 h with path length 0, mode 0400, owned by the owner of the directory', async () => {
    const { status, stdout, stderr } = await make()
    expect([status, stderr]).toEqual([0, ''])
    expect(stdout).toMatch(
      /^machine proxy of \/DC=org\/.*\/CN=vobox.example.org in .*renewal-proxy.pem, ends 20/,
    )
    const facts = proxyIn(box.paths.machineProxy)
    expect(facts.effectiveEnd - realNow()).toBeGreaterThan(24 * 3600 - 60)
    expect(facts.proxies).toMatchObject([{ policy: 'inherit-all', pathLength: 0 }])
    const { mode, uid } = statSync(box.paths.machineProxy)
    expect([mode & 0o777, uid]).toEqual([0o400, box.admin.uid])
    expect(readdirSync(box.paths.directory)).toEqual(['renewal-proxy.pem'])
  })

  it('answers to proxy too, with options before it, and replaces what is there', async () => {
    await make()
    const before = readFileSync(box.paths.machineProxy)
    const words = [
      '--hours',
      '6',
      '--cert',
      host.cert,
      '--key',
      host.key,
      '--owner',
      box.admin.name,
      'proxy',
    ]
    const { status } = await box.call(words, { asRoot: true })
    expect(status).toBe(0)
    expect(readFileSync(box.paths.machineProxy)).not.toEqual(before)
    const left = proxyIn(box.paths.machineProxy).effectiveEnd - realNow()
    expect(left).toBeGreaterThan(6 * 3600 - 60)
    expect(left).toBeLessThanOrEqual(6 * 3600)
  })

  it('says what it made as JSON', async () => {
    const { stdout } = await make('--json', '--hours', '90m')
    expect(JSON.parse(stdout)).toMatchObject({
      version: 1,
      file: box.paths.machineProxy,
      identity: '/DC=org/DC=example/OU=Hosts/CN=vobox.example.org',
      shortenedBySeconds: 0,
    })
  })

  it.each([
    ['0444', '0400'],
    ['0440', '0400'],
    ['0604', '0600'],
  ])('refuses a host key of mode %s', async (mode, cure) => {
    chmodSync(host.key, Number.parseInt(mode, 8))
    const { status, stdout, stderr } = await make()
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toContain(`${host.key} has mode ${mode}, which lets others at it`)
    expect(stderr).toContain(`chmod ${cure} ${host.key}`)
    expect(existsSync(box.paths.machineProxy)).toBe(false)
  })

  it('leaves the old one where the key belongs to another certificate', async () => {
    await make()
    const before = readFileSync(box.paths.machineProxy)
    const other = await writeCredentialPair(directory, 'other', ca.issueHost('other.example.org'))
    const words = ['machine-proxy', '--cert', host.cert, '--key', other.key, '--json']
    const { status, stdout, stderr } = await box.call(words, { asRoot: true })
    expect([status, stdout]).toEqual([1, ''])
    expect(JSON.parse(stderr).error).toMatchObject({ code: 'PROXY_KEY_MISMATCH' })
    expect(readFileSync(box.paths.machineProxy)).toEqual(before)
  })

  it('refuses a host certificate that is for servers only', async () => {
    const server = ca.issueHost('web.example.org', { extendedKeyUsage: ['1.3.6.1.5.5.7.3.1'] })
    host = await writeCredentialPair(directory, 'web', server)
    const { status, stderr } = await make()
    expect(status).toBe(1)
    expect(stderr).toContain('is for servers only')
  })

  it('refuses a lifetime of 0 hours', async () => {
    const { status, stderr } = await make('--hours', '0')
    expect(status).toBe(2)
    expect(stderr.split('\n')[0]).toBe('vobox-proxy: --hours: 0 is too short')
  })

  it('refuses a directory of another owner than --owner', async () => {
    const { status, stderr } = await make('--owner', isRoot ? 'root' : 'daemon')
    expect(status).toBe(1)
    expect(stderr).toContain(`${box.paths.directory} does not belong to`)
  })

  it('refuses an owner that could be an option of a program', async () => {
    const { status, stderr } = await make('--owner=-u')
    expect(status).toBe(2)
    expect(stderr).toContain("'-u' is no admin name")
  })
})

describe.runIf(isRoot)('machine-proxy as root', () => {
  it('follows no link that the VO admin planted', async () => {
    const victim = join(directory, 'victim')
    symlinkSync(victim, box.paths.machineProxy)
    const { status } = await make()
    expect(status).toBe(0)
    expect(existsSync(victim)).toBe(false)
    expect(statSync(box.paths.machineProxy).uid).toBe(box.admin.uid)
  })

  it('reads no host key below a directory that the VO admin can write', async () => {
    const theirs = join(directory, 'theirs')
    mkdirSync(theirs)
    host = await writeCredentialPair(theirs, 'host', ca.issueHost('vobox.example.org'))
    chownSync(theirs, box.admin.uid, box.admin.gid)
    const { status, stderr } = await make()
    expect(status).toBe(1)
    expect(stderr).toContain(`root does not touch ${host.cert}`)
  })

  it('writes as root where only root can, and nowhere else', async () => {
    const own = join(directory, 'own')
    mkdirSync(own, { mode: 0o700 })
    const made = await make('--out', join(own, 'machine.pem'))
    expect(made.status).toBe(0)
    expect(statSync(join(own, 'machine.pem'))).toMatchObject({ uid: 0 })

    chmodSync(own, 0o777)
    const refused = await make('--out', join(own, 'again.pem'))
    expect(refused.status).toBe(1)
    expect(readdirSync(own)).toEqual(['machine.pem'])
  })

  it('says why when the directory takes no file', async () => {
    mkdirSync(box.paths.machineProxy)
    const { status, stderr } = await make()
    expect(status).toBe(1)
    expect(stderr).toMatch(/^vobox-proxy: .*renewal-proxy\.pem/)
  })
})
