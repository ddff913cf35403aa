/** The quick way and the long way to an answer give the same one; `--config` takes the long way. */
import { chmodSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { execa } from 'execa'
import { beforeEach, describe, expect, it } from 'vitest'
import { asUnixSeconds } from '../../src/ports/clock.js'
import type { Credential } from '../../src/proxy/credential.js'
import { TestVoms, writeVomsDirectory } from '../support/ac.js'
import { addProxy, realNow, TestAuthority } from '../support/pki.js'
import { writeTrustDirectory } from '../support/pki-files.js'
import { putRegistered, type Registered } from '../support/registered.js'
import { temporaryDirectory } from '../support/temporary-directory.js'
import { type Finished, VoBox } from '../support/vo-box.js'

let box: VoBox
let registered: Registered[]
let login: string

beforeEach(async () => {
  const ca = new TestAuthority()
  const voms = new TestVoms(ca)
  const directory = await temporaryDirectory()
  const env = {
    X509_CERT_DIR: await writeTrustDirectory(directory, ca),
    X509_VOMS_DIR: await writeVomsDirectory(join(directory, 'vomsdir'), voms),
  }
  box = new VoBox(directory, { vo: 'alice', config: '', env, kept: true })
  const [anna, eve, fritz] = ['Anna', 'Eve', 'Fritz'].map((name) => ca.issueUser(name)) as [
    Credential,
    Credential,
    Credential,
  ]
  const at = asUnixSeconds(realNow() + 500_000)
  const storedEnd = { at, learnedAt: realNow(), from: 'info' } as const
  registered = putRegistered(box, [
    { user: anna, voms: ['alice:/alice/Role=lcgadmin'], state: { failures: 0, storedEnd } },
    { user: ca.issueUser('Ben'), writtenAgoSeconds: 60 },
    {
      user: eve,
      voms: ['alice:/alice/team'],
      writtenAgoSeconds: 90,
      proxy: voms.addProxyTo(eve, { hours: 3, proxy: { hours: 9 }, fqans: ['/alice/team'] }),
    },
    {
      user: fritz,
      voms: ['alice:/alice/fritz'],
      writtenAgoSeconds: 120,
      proxy: voms.addProxyTo(fritz, { vo: 'bob', fqans: ['/bob'] }),
    },
  ])
  login = box.putLogin('login', addProxy(anna, { hours: 5 }))
})

const env = () => ({ X509_USER_PROXY: login })

const SECONDS = /\b\d{4,}\b/g

/** Text and numbers apart, since seconds pass between two calls. */
function parted({ status, stdout, stderr }: Finished) {
  const numbers = (stdout.match(SECONDS) ?? []).map(Number)
  return { rest: { status, stderr, stdout: stdout.replace(SECONDS, 'N') }, numbers }
}

describe('the quick way', () => {
  it.each([
    [['query']],
    [['query', '--dn', 'all']],
    [['query', '--dn', 'all', '--voms', 'alice:/alice/team']],
    [['query-proxy-timeleft', '--dn', 'all', '--voms', 'alice:/alice/team']],
    [['query-dn', '--dn', 'all']],
    [['query-dn', '--dn', 'all', '--voms', 'alice:/alice/Role=lcgadmin/Capability=NULL']],
    [['query-proxy-filename']],
    [['query-proxy-timeleft']],
    [['query-proxy-timeleft', '--vo', 'alice']],
    [['query-myproxy-timeleft']],
    [['env']],
    [['env', '--voms', 'alice:/alice/Role=lcgadmin']],
  ])('answers %s as the long way does', async (words) => {
    const quick = await box.callBare(words, { env: env() })
    const long = await box.callBare([...words, '--config', box.configFile], { env: env() })
    expect(quick.status).toBe(0)
    expect(parted(long).rest).toEqual(parted(quick).rest)
    for (const [index, seconds] of parted(quick).numbers.entries()) {
      const apart = seconds - (parted(long).numbers[index] ?? 0)
      expect(apart).toBeGreaterThanOrEqual(0)
      expect(apart).toBeLessThan(30)
    }
  })

  it('verifies attributes, of which 3 h are left in a proxy of 9 h, and says whom it does not believe', async () => {
    const { stdout } = await box.callBare(['query', '--dn', 'all'])
    const [, , eve = '', fritz = ''] = stdout.split('\n\n')
    const seconds = [...eve.matchAll(/Time Left \(seconds\): (\d+) /g)].map(([, n]) => Number(n))
    expect(seconds[0]).toBeGreaterThan(3 * 3600 - 60)
    expect(seconds[0]).toBeLessThanOrEqual(3 * 3600)
    expect(seconds[2]).toBe(seconds[0])
    expect(eve).toContain('\nAttributes: /alice/team \n')
    expect(eve).toContain('\nAttributes Verified: yes ')
    expect(fritz).toContain('\nAttributes: /bob \n')
    expect(fritz).toMatch(/\nAttributes Verified: no, nothing in .* \(VOMS_TRUST_MISSING\) \n/)
  })

  it.runIf(process.getuid?.() === 0)('answers root as it answers the VO admin', async () => {
    const words = ['query-dn', '--dn', 'all']
    const asAdmin = await box.callBare(words)
    expect(await box.callBare(words, { asRoot: true })).toEqual(asAdmin)
    expect(asAdmin.stdout.split('\n')).toHaveLength(5)
  })

  it('leaves node:crypto, streams and oclif alone for a query', async () => {
    const script = [
      `const { load, home } = require(${JSON.stringify(join(import.meta.dirname, '../../bin/load.cjs'))})`,
      "load('quick').main(['--vo', 'alice', 'query'], () => { throw new Error('long way') }, home)",
      '.then(() => process.stderr.write(process.moduleLoadList.join()))',
    ].join('\n')
    const { stdout, stderr } = await execa(process.execPath, ['-e', script], {
      extendEnv: false,
      env: { PATH: process.env.PATH ?? '', VOBOX_PROXY_ROOT: box.root, ...env() },
      ...(process.getuid?.() === 0 && { uid: box.admin.uid, gid: box.admin.gid }),
    })
    expect(stdout).toContain('Proxy Time Left')
    const loaded = stderr.split(',')
    expect(loaded).toContain('NativeModule fs')
    for (const name of ['crypto', 'tls', 'child_process', 'fs/promises']) {
      expect(loaded).not.toContain(`NativeModule ${name}`)
    }
  })

  it('gives way when the proxy file cannot be read: 0 in the block, the reason on stderr', async () => {
    const [first] = registered
    writeFileSync(first?.file ?? '', 'no proxy')
    const blocks = await box.callBare(['query'], { env: env() })
    expect(blocks.status).toBe(0)
    expect(blocks.stdout).toContain('\nProxy Time Left (seconds): 0 \n')
    expect(blocks.stderr).toMatch(/^vobox-proxy: warning: .*holds no/)

    const bare = await box.callBare(['--vo', 'alice', 'query-proxy-timeleft'], { env: env() })
    expect([bare.status, bare.stdout]).toEqual([1, ''])
    expect(bare.stderr).toMatch(/^vobox-proxy: .*holds no/)
  })

  it('refuses a proxy file that others can read', async () => {
    chmodSync(registered[0]?.file ?? '', 0o644)
    const { status, stdout, stderr } = await box.callBare(
      ['--vo', 'alice', 'query-proxy-timeleft'],
      { env: env() },
    )
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toContain('has mode 0644, which lets others at it')
    expect(stderr).toMatch(/\n {2}chmod 0600 \/.*\n$/)
  })

  it('reads a registry that was edited by hand, and one that is damaged from its good copy', async () => {
    const text = readFileSync(box.paths.registry, 'utf8')
    writeFileSync(box.paths.registry, JSON.stringify(JSON.parse(text), null, 4))
    const edited = await box.callBare(['query-dn', '--dn', 'all'])
    expect(edited.stdout.split('\n')).toHaveLength(5)

    box.put('previous', text)
    renameSync(join(box.root, '..', 'previous'), box.paths.registryPrevious)
    writeFileSync(box.paths.registry, text.slice(0, 100))
    const damaged = await box.callBare(['query-dn', '--dn', 'all'])
    expect(damaged.stdout).toBe(edited.stdout)
    expect(damaged.stderr).toContain('warning: ')
    expect(damaged.stderr).toContain('is damaged')
  })
})
