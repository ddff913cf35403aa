/** The server of ours, driven by Debian's `myproxy-*` programs. */
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { parseCredential } from '../../src/proxy/credential.js'
import { encodePem, parsePem } from '../../src/x509/pem.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../support/embedded-myproxy.js'
import { addProxy, realNow } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'

const HOUR = 3600
const PROGRAMS = [
  'myproxy-init',
  'myproxy-info',
  'myproxy-logon',
  'myproxy-destroy',
  'grid-proxy-info',
  'openssl',
]

describeWithPrograms('a server of ours, asked by the C clients', PROGRAMS, () => {
  let grid: EmbeddedGrid
  /** A proxy of alice's, and the machine proxies of two hosts, as files. */
  let alice: string
  let vobox: string
  let portal: string

  beforeAll(async () => {
    grid = await startEmbeddedGrid({ key: 'rsa2048', policy: { trustedRetrievers: ['*'] } })
    const rsa = { key: 'rsa2048' } as const
    alice = await grid.writeProxy('alice.proxy', addProxy(grid.users.alice.credential, rsa))
    vobox = await grid.writeProxy('vobox.proxy', addProxy(grid.hosts.vobox.credential, rsa))
    portal = await grid.writeProxy('portal.proxy', addProxy(grid.hosts.portal.credential, rsa))
    const stored = await upload(['-d', '-n', '-A', '-c', '168', '-t', '48'])
    expect(stored.stdout).toContain('now exists on localhost')
  })
  afterAll(() => grid.stop())

  const said = ({ stdout, stderr }: { stdout: string; stderr: string }) => `${stdout}\n${stderr}`

  const upload = async (args: readonly string[], input = '') => {
    const result = await grid.run('myproxy-init', args, { as: grid.users.alice, input })
    expect(result.exitCode, said(result)).toBe(0)
    return result
  }

  /** What a client wrote, and how long it lives. */
  const received = async (file: string) => {
    const { chain } = parseCredential(await readFile(join(grid.directory, file)))
    const facts = describeChain(chain)
    return { facts, hoursLeft: (facts.effectiveEnd - realNow()) / HOUR }
  }
  const output = (file: string) => ['-o', join(grid.directory, file)]

  it('renews for 48 h (`-a`) what was stored by DN (`-d -n -A`)', async () => {
    const args = ['-a', alice, '-d', '-t', '48', ...output('renewed')]
    const renewed = await grid.run('myproxy-logon', args, { proxy: vobox })
    expect(renewed.exitCode, said(renewed)).toBe(0)
    const { facts, hoursLeft } = await received('renewed')
    expect(facts.identity.oneLine).toBe(grid.users.alice.dn)
    expect(facts.kind).toBe('rfc3820')
    expect(hoursLeft).toBeGreaterThan(47.9)
    expect(hoursLeft).toBeLessThanOrEqual(48)
  })

  it('lets `-R` name the one host that may renew, and refuses the other in the C server’s words', async () => {
    await upload(['-l', 'picky', '-R', 'vobox.example.org', '-t', '24'])
    const args = ['-a', alice, '-l', 'picky', '-t', '48', ...output('picky')]
    const refused = await grid.run('myproxy-logon', args, { proxy: portal })
    expect(refused.exitCode).not.toBe(0)
    expect(refused.stderr).toContain(
      `"${grid.hosts.portal.dn}" not authorized by credential's authorized_renewers policy`,
    )
    const renewed = await grid.run('myproxy-logon', args, { proxy: vobox })
    expect(renewed.exitCode, said(renewed)).toBe(0)
    expect((await received('picky')).hoursLeft).toBeLessThanOrEqual(24)
  })

  it('refuses a proxy of somebody else as authorisation', async () => {
    const eve = await grid.writeProxy(
      'eve.proxy',
      addProxy(grid.users.eve.credential, { key: 'rsa2048' }),
    )
    const args = ['-a', eve, '-l', grid.users.alice.dn, ...output('stolen')]
    const refused = await grid.run('myproxy-logon', args, { proxy: vobox })
    expect(refused.exitCode).not.toBe(0)
    expect(refused.stderr).toContain('certificate subject does not match credential to be renewed')
  })

  it('stores with a pass phrase (`-S -l`) and gives a proxy for it to a client without a certificate', async () => {
    await upload(['-S', '-l', 'alicepass', '-c', '168', '-t', '24'], 'secret-pass\n')
    const args = ['-S', '-l', 'alicepass', '-t', '12', ...output('by-pass-phrase')]
    const got = await grid.run('myproxy-logon', args, { input: 'secret-pass\n' })
    expect(got.exitCode, said(got)).toBe(0)
    const { facts, hoursLeft } = await received('by-pass-phrase')
    expect(facts.identity.oneLine).toBe(grid.users.alice.dn)
    expect(hoursLeft).toBeGreaterThan(11.9)
  })

  it('refuses a wrong pass phrase, and a name that is not there, in the same words', async () => {
    const get = (name: string) =>
      grid.run('myproxy-logon', ['-S', '-l', name, ...output('none')], { input: 'wrong-pass\n' })
    const wrong = await get('alicepass')
    const unknown = await get('nobody')
    expect(wrong.exitCode).not.toBe(0)
    expect(wrong.stderr).toContain('invalid credential passphrase')
    expect(unknown.stderr).toBe(wrong.stderr)
  })

  it('shows the owner everything that is stored, as `myproxy-info` prints it', async () => {
    await upload(['-S', '-l', 'shown', '-k', 'one', '-K', 'a first one'], 'secret-pass\n')
    await upload(['-n', '-l', 'shown', '-k', 'two/x', '-R', 'vobox.example.org', '-c', '24'])
    const shown = await grid.run('myproxy-info', ['-l', 'shown'], { as: grid.users.alice })
    expect(shown.exitCode, said(shown)).toBe(0)
    expect(shown.stdout).toContain(`owner: ${grid.users.alice.dn}`)
    expect(shown.stdout).toMatch(/name: one\s+description: a first one/)
    expect(shown.stdout).toMatch(/name: two\/x\s+renewal policy: \*\/CN=vobox\.example\.org/)
    expect(shown.stdout).toMatch(/timeleft: (23:59:|24:00:00)/)

    const hidden = await grid.run('myproxy-info', ['-l', 'shown'], { as: grid.users.eve })
    expect(hidden.exitCode).not.toBe(0)
    expect(hidden.stderr).toContain(
      `no credentials found for user shown, owner "${grid.users.eve.dn}"`,
    )
  })

  it('gives a trusted retriever (`-Z`) a proxy for its certificate alone', async () => {
    await upload(['-l', 'trusted', '-Z', 'portal.example.org'])
    const args = ['-n', '-l', 'trusted', ...output('trusted')]
    const got = await grid.run('myproxy-logon', args, { proxy: portal })
    expect(got.exitCode, said(got)).toBe(0)
    expect((await received('trusted')).facts.identity.oneLine).toBe(grid.users.alice.dn)
    const refused = await grid.run('myproxy-logon', args, { proxy: vobox })
    expect(refused.exitCode).not.toBe(0)
    expect(refused.stderr).toContain("credential's trusted_retrievers policy")
  })

  it('removes what the owner removes, and nothing for anybody else', async () => {
    await upload(['-n', '-l', 'removed', '-R', 'vobox.example.org'])
    const destroy = (as: EmbeddedGrid['users']['alice']) =>
      grid.run('myproxy-destroy', ['-l', 'removed'], { as })
    const refused = await destroy(grid.users.eve)
    expect(refused.exitCode).not.toBe(0)
    expect(refused.stderr).toContain(`Credentials not owned by "${grid.users.eve.dn}".`)
    const removed = await destroy(grid.users.alice)
    expect(removed.exitCode, said(removed)).toBe(0)
    const again = await destroy(grid.users.alice)
    expect(again.stderr).toContain('Credentials do not exist.')
  })

  it('does not let eve overwrite what alice stored', async () => {
    await upload(['-n', '-l', 'taken', '-R', 'vobox.example.org'])
    const refused = await grid.run('myproxy-init', ['-n', '-l', 'taken'], { as: grid.users.eve })
    expect(refused.exitCode).not.toBe(0)
    expect(refused.stderr).toContain('Credentials are already stored for user taken')
  })

  it('delegates what `grid-proxy-info` and `openssl verify` find nothing wrong with', async () => {
    const args = ['-a', alice, '-d', ...output('looked-at')]
    expect((await grid.run('myproxy-logon', args, { proxy: vobox })).exitCode).toBe(0)
    const file = join(grid.directory, 'looked-at')
    const [leaf = '', ...chain] = parsePem(await readFile(file))
      .filter(({ label }) => label === 'CERTIFICATE')
      .map(({ label, bytes }) => encodePem(label, bytes))
    await writeFile(join(grid.directory, 'leaf'), leaf)
    await writeFile(join(grid.directory, 'chain'), chain.join(''))
    const verified = await grid.run('openssl', [
      'verify',
      '-allow_proxy_certs',
      ...['-CApath', grid.trustDirectory],
      ...['-untrusted', join(grid.directory, 'chain')],
      join(grid.directory, 'leaf'),
    ])
    expect(said(verified)).toContain('leaf: OK')
    const shown = await grid.run('grid-proxy-info', ['-f', file])
    expect(shown.stdout).toContain(`identity : ${grid.users.alice.dn}`)
    expect(shown.stdout).toContain('RFC 3820 compliant impersonation proxy')
  })
})
