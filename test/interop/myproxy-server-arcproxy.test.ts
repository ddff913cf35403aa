/**
 * The server of ours, driven by `arcproxy --myproxysrv`, which speaks the protocol by itself: without
 * the NUL behind a request, and with an exit code of 1 for INFO and GET that went well (6.17).
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { parseCredential } from '../../src/proxy/credential.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../support/embedded-myproxy.js'
import { addProxy, realNow } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'

const HOUR = 3600

describeWithPrograms('arcproxy with a server of ours', ['arcproxy', 'myproxy-logon'], () => {
  let grid: EmbeddedGrid
  /** Whom arcproxy connects as: it wants a proxy, except to store. */
  let proxy: string

  beforeAll(async () => {
    grid = await startEmbeddedGrid({
      key: 'rsa2048',
      config: 'trusted_retrievers "/DC=org/DC=example/OU=Hosts/*"\n',
    })
    proxy = await grid.writeProxy(
      'alice.proxy',
      addProxy(grid.users.alice.credential, { key: 'rsa2048' }),
    )
  })
  afterAll(() => grid?.stop())

  const arc = async (command: string, user: string, args: readonly string[], passPhrase = '') => {
    const { certificatePath, keyPath } = grid.users.alice
    const common = ['-L', `localhost:${grid.port}`, '-M', command, '-U', user]
    const files = ['-C', certificatePath, '-K', keyPath, '-T', grid.trustDirectory]
    const secret = passPhrase === '' ? [] : ['-p', 'all=stdin']
    const { exitCode, stdout, stderr } = await grid.run(
      'arcproxy',
      [...common, ...files, ...secret, ...args],
      { input: passPhrase === '' ? '' : `${passPhrase}\n`.repeat(3) },
    )
    return { exitCode, said: `${stdout}\n${stderr}` }
  }

  it('stores (PUT), shows (INFO), fetches (GET) and removes (DESTROY)', async () => {
    const stored = await arc('put', 'arc', ['-P', join(grid.directory, 'made')], 'secret-pass')
    expect(stored.exitCode, stored.said).toBe(0)

    const shown = await arc('info', 'arc', ['-P', proxy], 'secret-pass')
    expect(shown.said).toContain(`owner: ${grid.users.alice.dn}`)

    const refused = await arc('get', 'arc', ['-P', join(grid.directory, 'none')], 'wrong-pass')
    expect(refused.said).toContain('invalid credential passphrase')

    const out = join(grid.directory, 'fetched')
    const fetched = await arc('get', 'arc', ['-P', out], 'secret-pass')
    expect(fetched.said).toContain(`Succeeded to get a proxy in ${out}`)
    const facts = describeChain(parseCredential(await readFile(out)).chain)
    expect(facts.identity.oneLine).toBe(grid.users.alice.dn)
    expect(facts.kind).toBe('rfc3820')
    expect((facts.effectiveEnd - realNow()) / HOUR).toBeGreaterThan(11.9)

    const removed = await arc('destroy', 'arc', ['-P', proxy], 'secret-pass')
    expect(await grid.repository.list('arc'), removed.said).toEqual([])
  })

  it('stores what a host may fetch by its certificate alone (-R)', async () => {
    const { vobox } = grid.hosts
    const stored = await arc('put', 'by-host', ['-P', join(grid.directory, 'made'), '-R', vobox.dn])
    expect(stored.exitCode, stored.said).toBe(0)
    const [entry] = await grid.repository.list('by-host')
    expect(entry?.data).toMatchObject({ trustedRetriever: vobox.dn, owner: grid.users.alice.dn })
    const out = join(grid.directory, 'by-host')
    const machine = addProxy(vobox.credential, { key: 'rsa2048' })
    const fetched = await grid.run('myproxy-logon', ['-n', '-l', 'by-host', '-o', out], {
      proxy: await grid.writeProxy('vobox.proxy', machine),
    })
    expect(fetched.exitCode, fetched.stderr).toBe(0)
    const { identity } = describeChain(parseCredential(await readFile(out)).chain)
    expect(identity.oneLine).toBe(grid.users.alice.dn)
  })
})
