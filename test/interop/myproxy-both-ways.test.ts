/**
 * What our client stores on Debian's `myproxy-server` its own clients fetch, and what they store ours
 * fetches: each way of access, several credentials, limited and legacy proxies.
 */
import { createPrivateKey } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { GetCall, PutCall } from '../../src/myproxy/client.js'
import { type ChainFacts, describeChain } from '../../src/proxy/chain-facts.js'
import {
  BOTH_WAYS_PROGRAMS,
  type BothWaysGrid,
  encryptedKeyOf,
  leaveStored,
  required,
  startBothWays,
} from '../support/both-ways-grid.js'
import { rejectionOf } from '../support/failure.js'
import { addProxy, realNow } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'

const HOUR = 3600
const PASS_PHRASE = 'correct horse'
const OTHER_PHRASE = 'battery staple'
const VOBOX = '*/CN=vobox.example.org'

describeWithPrograms('stored by one side, fetched by the other', BOTH_WAYS_PROGRAMS, () => {
  let both: BothWaysGrid
  beforeAll(async () => {
    both = await startBothWays()
  })
  afterAll(() => both?.grid.stop())

  const aliceDn = () => both.grid.users.alice.dn

  /** Hours that are left, to the nearest. */
  const hoursOf = ({ effectiveEnd }: ChainFacts) => Math.round((effectiveEnd - realNow()) / HOUR)

  /** Ours stores 100 hours for proxies of at most 20. */
  const put = (username: string, changes: Partial<Omit<PutCall, 'servers'>> = {}) =>
    both.client.put({
      username,
      credential: both.grid.users.alice.credential,
      storedSeconds: 100 * HOUR,
      lifetimeSeconds: 20 * HOUR,
      ...changes,
    })

  /** Theirs does. */
  const init = async (args: readonly string[], passPhrase?: string, env = {}) => {
    const words = ['-c', '100', '-t', '20', ...args, ...(passPhrase === undefined ? [] : ['-S'])]
    const options = { as: both.grid.users.alice, input: passPhrase ?? '', env }
    required(await both.grid.run('myproxy-init', words, options))
  }

  const get = async (username: string, call: Partial<Omit<GetCall, 'servers'>>) => {
    const { credential } = await both.client.get({
      username,
      lifetimeSeconds: 12 * HOUR,
      ...call,
    })
    return describeChain(credential.chain)
  }

  describe('ours stores and theirs fetches', () => {
    it('with the pass phrase, anonymously, 12 of 20 hours', async () => {
      await put('ours-phrase', { passPhrase: PASS_PHRASE, policies: { retriever: '*' } })
      const facts = await both.logon(['-l', 'ours-phrase', '-S'], { input: `${PASS_PHRASE}\n` })
      expect(facts.identity.oneLine).toBe(aliceDn())
      expect(facts.kind).toBe('rfc3820')
      expect(hoursOf(facts)).toBe(12)
    })

    it('as the renewer that is named, whatever is asked at most 20 hours', async () => {
      await put('ours-renewer', { policies: { renewer: VOBOX } })
      const args = ['-l', 'ours-renewer', '-a', both.files.alice, '-t', '99']
      const facts = await both.logon(args, { proxy: both.files.vobox })
      expect(facts.identity.oneLine).toBe(aliceDn())
      expect(hoursOf(facts)).toBe(20)
    })

    it('as the trusted retriever that is named, without a pass phrase', async () => {
      await put('ours-trusted', { policies: { trustedRetriever: VOBOX, retriever: VOBOX } })
      const facts = await both.logon(['-l', 'ours-trusted', '-n'], { proxy: both.files.vobox })
      expect(facts.identity.oneLine).toBe(aliceDn())
    })

    it('as the key retriever that is named: certificate and key, or a proxy', async () => {
      const keyPem = encryptedKeyOf(both, PASS_PHRASE)
      const certificatesPem = await readFile(both.grid.users.alice.certificatePath, 'utf8')
      await both.client.store({
        username: 'ours-key',
        credential: both.alice,
        lifetimeSeconds: 20 * HOUR,
        policies: { keyRetriever: '*/CN=eve', retriever: '*/CN=eve' },
        stored: { certificatesPem, keyPem },
      })
      const [certificate, key] = ['ours.pem', 'ours.key'].map((n) => join(both.grid.directory, n))
      const args = ['-l', 'ours-key', '-S', '-c', certificate ?? '', '-y', key ?? '']
      const options = { proxy: both.files.eve, input: `${PASS_PHRASE}\n` }
      required(await both.grid.run('myproxy-retrieve', args, options))
      // It writes the key without its pass phrase.
      const fetched = createPrivateKey(await readFile(key ?? ''))
      expect(fetched.equals(both.grid.users.alice.credential.privateKey)).toBe(true)
      expect((await readFile(certificate ?? '', 'utf8')).trim()).toBe(certificatesPem.trim())
      const facts = await both.logon(['-l', 'ours-key', '-S'], options)
      expect(facts.depth).toBe(1)
    })

    it('one of three under a name, each with its own lifetime, which myproxy-info lists', async () => {
      const policies = { renewer: VOBOX }
      await put('ours-several', { policies, lifetimeSeconds: 4 * HOUR })
      await put('ours-several', { policies, lifetimeSeconds: 5 * HOUR, credentialName: 'five' })
      await put('ours-several', {
        ...{ policies, lifetimeSeconds: 6 * HOUR, credentialName: 'six' },
        description: 'for six hours, = and ü',
      })
      for (const [name, hours] of [
        [[], 4],
        [['-k', 'five'], 5],
        [['-k', 'six'], 6],
      ] as const) {
        const args = ['-l', 'ours-several', '-a', both.files.alice, '-t', '0', ...name]
        expect(hoursOf(await both.logon(args, { proxy: both.files.vobox }))).toBe(hours)
      }
      const { stdout } = await both.grid.run('myproxy-info', ['-l', 'ours-several'], {
        proxy: both.files.alice,
      })
      // In the order of the server's directory, the one without a name first.
      expect(stdout.match(/^ {2}name: .*$/gm)?.sort()).toEqual(['  name: five', '  name: six'])
      expect(stdout).toContain('  description: for six hours, = and ü\n')
      expect(stdout.match(/^ {2}renewal policy: .*$/gm)).toHaveLength(3)
    })

    it('a limited proxy stays limited', async () => {
      const signer = addProxy(both.grid.users.alice.credential, {
        ...{ key: 'rsa2048', policy: 'limited' },
      })
      await put('ours-kind', { signer, passPhrase: PASS_PHRASE, policies: { retriever: '*' } })
      const input = `${PASS_PHRASE}\n`
      const facts = await both.logon(['-l', 'ours-kind', '-S', '-t', '2'], { input })
      expect(facts).toMatchObject({ limited: true, kind: 'rfc3820' })
      expect(facts.identity.oneLine).toBe(aliceDn())
    })

    it('but a legacy proxy neither signs nor is taken', async () => {
      const legacy = addProxy(both.grid.users.alice.credential, { key: 'rsa2048', kind: 'legacy' })
      const failure = await rejectionOf(put('ours-legacy', { signer: legacy }))
      expect(failure.code).toBe('PROXY_KIND_REFUSED')
      expect(failure.hint).toContain('RFC 3820')
      const file = await both.grid.writeProxy('legacy.proxy', legacy)
      const args = ['-l', 'their-legacy', '-c', file, '-y', file]
      const theirs = await both.grid.run('myproxy-store', args, { proxy: both.files.alice })
      expect(theirs.stderr).toContain('Credentials are not valid.')
    })

    it('and theirs changes its pass phrase, and removes it', async () => {
      await put('ours-changed', { passPhrase: PASS_PHRASE, policies: { retriever: '*' } })
      const proxy = both.files.alice
      const change = await both.grid.run(
        'myproxy-change-pass-phrase',
        ['-l', 'ours-changed', '-S'],
        {
          ...{ proxy, input: `${PASS_PHRASE}\n${OTHER_PHRASE}\n` },
        },
      )
      expect(required(change).stdout).toBe('Pass phrase changed.')
      const facts = await get('ours-changed', { passPhrase: OTHER_PHRASE })
      expect(facts.identity.oneLine).toBe(aliceDn())
      required(await both.grid.run('myproxy-destroy', ['-l', 'ours-changed'], { proxy }))
      const info = await both.grid.run('myproxy-info', ['-l', 'ours-changed'], { proxy })
      expect(info.stderr).toContain('no credentials found for user ours-changed')
    })
  })

  describe('theirs stores and ours fetches', () => {
    it('with the pass phrase, anonymously, 12 of 20 hours', async () => {
      await init(['-l', 'their-phrase', '-a'], PASS_PHRASE)
      const facts = await get('their-phrase', { passPhrase: PASS_PHRASE })
      expect(facts.identity.oneLine).toBe(aliceDn())
      expect(facts.kind).toBe('rfc3820')
      expect(hoursOf(facts)).toBe(12)
    })

    it('one of three under a name: the renewer and the trusted retriever, and INFO of all', async () => {
      await init(['-l', 'their-several', '-n', '-R', 'vobox.example.org'])
      await init([
        '-l',
        'their-several',
        '-n',
        '-k',
        'cron',
        '-Z',
        'vobox.example.org',
        '-x',
        '-r',
        VOBOX,
      ])
      await init(['-l', 'their-several', '-k', 'portal', '-K', 'for the portal', '-a'], PASS_PHRASE)
      const renewed = await get('their-several', {
        ...{ credential: both.vobox, authorization: both.alice, lifetimeSeconds: 99 * HOUR },
      })
      expect(hoursOf(renewed)).toBe(20)
      const trusted = await get('their-several', { credential: both.vobox, credentialName: 'cron' })
      expect(trusted.identity.oneLine).toBe(aliceDn())
      const { credentials } = await both.client.info({
        ...{ username: 'their-several', credential: both.alice },
      })
      const byName = [...credentials].sort((a, b) => (a.name ?? '').localeCompare(b.name ?? ''))
      expect(byName).toEqual([
        expect.objectContaining({ owner: aliceDn(), renewer: VOBOX }),
        expect.objectContaining({ name: 'cron', trustedRetriever: VOBOX, retriever: VOBOX }),
        expect.objectContaining({ name: 'portal', description: 'for the portal', retriever: '*' }),
      ])
      expect(credentials[0]).not.toHaveProperty('name')
    })

    it('as the key retriever that is named: certificate and key, byte for byte', async () => {
      const keyPem = encryptedKeyOf(both, PASS_PHRASE)
      const keyFile = join(both.grid.directory, 'theirs.key')
      await writeFile(keyFile, keyPem, { mode: 0o600 })
      const { certificatePath } = both.grid.users.alice
      const args = [
        '-l',
        'their-key',
        '-c',
        certificatePath,
        '-y',
        keyFile,
        '-E',
        'eve',
        '-r',
        'eve',
      ]
      const { stdout } = await both.grid.run('myproxy-store', args, { proxy: both.files.alice })
      expect(stdout).toBe('Credentials saved to myproxy server.')
      const call = { username: 'their-key', credential: both.eve, passPhrase: PASS_PHRASE }
      const retrieved = await both.client.retrieve(call)
      expect(retrieved.keyPem.trim()).toBe(keyPem.trim())
      expect(retrieved.chain.map(({ subject }) => subject.oneLine)).toEqual([aliceDn()])
    })

    it('a limited proxy stays limited', async () => {
      const proxy = addProxy(both.grid.users.alice.credential, {
        ...{ key: 'rsa2048', policy: 'limited' },
      })
      const file = await both.grid.writeProxy('limited.proxy', proxy)
      const args = ['-l', 'their-kind', '-c', file, '-y', file, '-Z', 'vobox.example.org', '-a']
      required(await both.grid.run('myproxy-store', args, { proxy: both.files.alice }))
      const facts = await get('their-kind', { credential: both.vobox, lifetimeSeconds: 2 * HOUR })
      expect(facts).toMatchObject({ limited: true, kind: 'rfc3820' })
      expect(facts.identity.oneLine).toBe(aliceDn())
    })

    it('but a legacy proxy that an older server left there is given to neither', async () => {
      const legacy = addProxy(both.grid.users.alice.credential, { key: 'rsa2048', kind: 'legacy' })
      await leaveStored(both, { username: 'left' }, legacy, 'TRUSTED_RETRIEVERS=*', 'RETRIEVERS=*')
      const theirs = await both.grid.run('myproxy-logon', ['-l', 'left', '-n', '-t', '2'], {
        proxy: both.files.vobox,
      })
      expect(theirs.stderr).toContain('X509_verify_cert() failed')
      const failure = await rejectionOf(get('left', { credential: both.vobox }))
      expect(failure.code).toBe('MYPROXY_CREDENTIAL_UNUSABLE')
      expect(failure.data.serverMessage).toContain('X509_verify_cert() failed')
    })

    it('and ours changes its pass phrase, and removes it', async () => {
      await init(['-l', 'their-changed', '-a'], PASS_PHRASE)
      const owned = { username: 'their-changed', credential: both.alice }
      await both.client.changePassPhrase({
        ...owned,
        ...{ passPhrase: PASS_PHRASE, newPassPhrase: OTHER_PHRASE },
      })
      const facts = await both.logon(['-l', 'their-changed', '-S'], { input: `${OTHER_PHRASE}\n` })
      expect(facts.identity.oneLine).toBe(aliceDn())
      await both.client.destroy(owned)
      const info = await both.grid.run('myproxy-info', ['-l', 'their-changed'], {
        proxy: both.files.alice,
      })
      expect(info.stderr).toContain('no credentials found for user their-changed')
    })
  })
})
