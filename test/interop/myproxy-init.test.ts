/** `myproxy init` at Debian's `myproxy-server`: what it stores, beside what `myproxy-init` stores. */
import { chmod, mkdir, readdir, readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { VoboxError } from '../../src/errors.js'
import { handOverTo, type MyProxyClient, PassPhrases, storeByDelegation } from '../../src/index.js'
import type { MyProxyInitOptions } from '../../src/node/myproxy/init-options.js'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { type Credential, encodeCredential, parseCredential } from '../../src/proxy/credential.js'
import { showMyProxyInit } from '../../src/report/myproxy-init-text.js'
import { TestVoms } from '../support/ac.js'
import { accessOf } from '../support/access-words.js'
import { rejectionOf } from '../support/failure.js'
import { addProxy, realNow, userName } from '../support/pki.js'
import { writeCredentialPair } from '../support/pki-files.js'
import { describeWithPrograms } from '../support/programs.js'
import { openClient } from '../support/real-client.js'
import { MYPROXY_PROGRAMS, type RealGrid, startRealGrid } from '../support/real-peers.js'

const HOUR = 3600
const DAY = 24 * HOUR
const PASS_PHRASE = 'correct horse'

describeWithPrograms('myproxy init', MYPROXY_PROGRAMS, () => {
  let grid: RealGrid
  let passPhraseFile: string
  let passPhrases: PassPhrases
  beforeAll(async () => {
    grid = await startRealGrid()
    passPhraseFile = await secret('pass-phrase', PASS_PHRASE)
  })
  afterAll(() => grid?.stop())

  async function secret(name: string, text: string): Promise<string> {
    const path = join(grid.directory, name)
    await writeFile(path, `${text}\n`, { mode: 0o600 })
    return path
  }

  /** As alice, who has a directory of her own for everything else. */
  async function init(
    username: string,
    words: readonly string[] = [],
    more: Partial<MyProxyInitOptions> = {},
  ) {
    passPhrases = new PassPhrases({ file: passPhraseFile })
    const { certificatePath, keyPath } = grid.users.alice
    return storeByDelegation({
      client: await openClient(grid),
      environment: {
        HOME: grid.directory,
        X509_CERT_DIR: grid.trustDirectory,
        X509_USER_CERT: certificatePath,
        X509_USER_KEY: keyPath,
        X509_USER_PROXY: join(grid.directory, 'login'),
        VOBOX_PROXY_ROOT: join(grid.directory, 'root'),
      },
      username,
      access: accessOf(words),
      passPhrases,
      noPassPhrase: words.includes('-n'),
      ...more,
    })
  }

  /** A client that does some of it differently. */
  const changed = (client: MyProxyClient, changes: Partial<MyProxyClient>) =>
    ({
      info: (call) => client.info(call),
      put: (call) => client.put(call),
      ...changes,
    }) as Pick<MyProxyClient, 'info' | 'put'> as MyProxyClient

  /** The lines that the server keeps of a credential, but for its name. */
  async function stored(username: string, credentialName = ''): Promise<string[]> {
    const name = credentialName === '' ? username : `${username}-${credentialName}`
    const text = await readFile(join(grid.storeDirectory, `${name}.data`), 'utf8')
    return text.split('\n').filter((line) => !line.startsWith('USERNAME='))
  }

  const isEncrypted = async (name: string) =>
    (await readFile(join(grid.storeDirectory, `${name}.creds`), 'utf8')).includes('ENCRYPTED')

  const as = async (credential: Credential, name: string) => {
    const file = await grid.writeProxy(name, credential)
    return { certificateFile: file, keyFile: file }
  }

  /** This machine becomes a VO-Box whose machine proxy is readable. */
  async function makeVobox(machine: Credential): Promise<void> {
    const directory = join(grid.directory, 'root', 'alice')
    await mkdir(directory, { recursive: true })
    await chmod(directory, 0o750)
    const file = join(directory, 'renewal-proxy.pem')
    await writeFile(`${file}.new`, encodeCredential(addProxy(machine)), { mode: 0o400 })
    await rename(`${file}.new`, file)
  }

  describe('who may do what', () => {
    it.each([
      [[], { passPhrase: 'given' }],
      [['-A'], { passPhrase: 'none' }],
      [['-a', '-n'], { passPhrase: 'none' }],
      [['-x', '-r', '/DC=org/.*', '-X', '-R', 'box.example.org'], { passPhrase: 'none' }],
      [['-x', '-Z', '/DC=org/DC=example/*'], { passPhrase: 'none' }],
    ])('%j is stored as myproxy-init stores it', async (words, expected) => {
      const all = ['-k', 'named', '-K', 'with = and ü', '-t', '20', '-c', '100', '-l', 'theirs']
      const given = { as: grid.users.alice, input: PASS_PHRASE }
      const theirs = await grid.run('myproxy-init', [...all, '-S', ...words], given)
      expect(theirs.exitCode).toBe(0)

      const result = await init('ours', words, {
        credentialName: 'named',
        description: 'with = and ü',
        lifetimeSeconds: 20 * HOUR,
        storedSeconds: 100 * HOUR,
      })
      expect(await stored('ours', 'named')).toEqual(await stored('theirs', 'named'))
      expect(await isEncrypted('ours-named')).toBe(await isEncrypted('theirs-named'))
      expect(result).toMatchObject({ ...expected, storedSeconds: 100 * HOUR })
      expect(showMyProxyInit(result, true)).toBe(
        'A proxy valid for 100 hours (4.2 days) for user ours now exists on localhost.\n',
      )
      expect(theirs.stdout).toContain('A proxy valid for 100 hours (4.2 days) for user theirs')
    })

    it('lets the C client fetch 12 h with the pass phrase, of a credential of 7 days', async () => {
      const { end, lifetimeSeconds } = await init('fetched', ['-a'])
      expect([lifetimeSeconds, Math.round((end - realNow()) / DAY)]).toEqual([12 * HOUR, 7])
      const out = join(grid.directory, 'fetched')
      const args = ['-S', '-l', 'fetched', '-o', out, '-t', '99']
      const got = await grid.run('myproxy-logon', args, { input: `${PASS_PHRASE}\n` })
      expect([got.exitCode, got.stderr]).toEqual([0, ''])
      const facts = describeChain(parseCredential(await readFile(out)).chain)
      expect(facts.identity.oneLine).toBe(grid.users.alice.dn)
      expect(facts.depth).toBe(2)
      expect(Math.round((facts.effectiveEnd - realNow()) / HOUR)).toBe(12)
    })
  })

  describe('the pass phrase', () => {
    it('of 5 characters is refused, and nothing is stored', async () => {
      const short = new PassPhrases({ file: await secret('short', '12345') })
      const failure = await rejectionOf(init('short', [], { passPhrases: short }))
      expect(failure).toMatchObject({
        code: 'PASS_PHRASE_UNSUITABLE',
        data: { reason: 'short', least: 6 },
      })
      await expect(stored('short')).rejects.toThrow('ENOENT')
    })

    it('that is made here opens what was stored, and is in a file of mode 0600', async () => {
      const file = join(grid.directory, 'generated')
      const result = await init('made', ['-a'], { handOver: await handOverTo(file) })
      expect(result.passPhrase).toBe('generated')
      expect((await stat(file)).mode & 0o777).toBe(0o600)
      const text = await readFile(file, 'utf8')
      expect(text).toMatch(/^([a-z2-9]{5}-){4}[a-z2-9]{5}\n$/)
      expect(JSON.stringify(result)).not.toContain(text.trim())
      const args = ['-S', '-l', 'made', '-o', join(grid.directory, 'made')]
      expect((await grid.run('myproxy-logon', args, { input: text })).exitCode).toBe(0)
    })

    it('that is made here does not stay in its file where nothing was stored', async () => {
      const file = join(grid.directory, 'not-used')
      const client = await openClient(grid, { servers: 'localhost:1' })
      const info = async () => ({ server: grid.server, credentials: [] })
      const handOver = await handOverTo(file)
      const failure = await rejectionOf(
        init('x', [], { client: changed(client, { info }), handOver }),
      )
      expect(failure.code).toBe('ALL_SERVERS_FAILED')
      await expect(readFile(file)).rejects.toThrow('ENOENT')
    })

    it('that is made here stays in its file where nobody knows whether it was stored', async () => {
      const file = join(grid.directory, 'perhaps')
      const put = async () => {
        throw new VoboxError('OUTCOME_UNKNOWN', 'the line was cut')
      }
      const client = changed(await openClient(grid), { put })
      const handOver = await handOverTo(file)
      const failure = await rejectionOf(init('perhaps', [], { client, handOver }))
      expect(failure.code).toBe('OUTCOME_UNKNOWN')
      expect(await readFile(file, 'utf8')).toMatch(/^[a-z2-9-]{29}\n$/)
    })

    it('never overwrites a file', async () => {
      const failure = await rejectionOf(handOverTo(passPhraseFile))
      expect(failure).toMatchObject({ code: 'FILE_UNSAFE', data: { path: passPhraseFile } })
      expect(await readFile(passPhraseFile, 'utf8')).toBe(`${PASS_PHRASE}\n`)
    })
  })

  describe('what is there already', () => {
    it('is not replaced where it serves renewal, retrieval is stored, and somebody says no', async () => {
      await init('serves', ['-n', '-A'])
      const before = await readFile(join(grid.storeDirectory, 'serves.creds'))
      const asked: string[] = []
      const failure = await rejectionOf(
        init('serves', ['-a'], {
          mayReplace: async ({ message }) => asked.push(message) === 0,
        }),
      )
      expect(failure.code).toBe('CANCELLED')
      expect(asked).toEqual([
        'the credential of serves is there for others: renewal by anybody whom the server lets. ' +
          'The new one, in its place, is for: retrieval with the pass phrase by anybody whom the ' +
          'server lets',
      ])
      expect(await readFile(join(grid.storeDirectory, 'serves.creds'))).toEqual(before)
    })

    it('is replaced with a warning where nobody is asked, and kept under a name of its own', async () => {
      await init('both', ['-n', '-A'])
      const named = await init('both', ['-a'], { credentialName: 'second' })
      expect([named.replaced, named.lost, named.warnings]).toEqual([null, [], []])
      const replaced = await init('both', ['-a'])
      expect(replaced.lost).toEqual(['renewal'])
      expect(replaced.replaced).toMatchObject({ renewer: '*', owner: grid.users.alice.dn })
      expect(replaced.warnings).toMatchObject([{ code: 'replaces-other-mode' }])
      expect(replaced.warnings[0]?.hint).toContain('--credname')
    })

    it('may be replaced without a word by one for the same', async () => {
      await init('same', ['-n', '-A'])
      const again = await init('same', ['-R', 'box.example.org'])
      expect([again.lost, again.warnings]).toEqual([[], []])
    })
  })

  describe('what signs', () => {
    it('cuts what is stored to its own end, 30 days from now, and the end is told', async () => {
      const notAfter = realNow() + 30 * DAY
      const user = grid.ca.issueUser(userName('alice'), { key: 'rsa2048', notAfter })
      const { cert, key } = await writeCredentialPair(grid.directory, 'ending', user)
      const files = { certificateFile: cert, keyFile: key }
      const result = await init('ending', ['-n'], { ...files, storedSeconds: 3000 * HOUR })
      expect(result.end).toBe(notAfter)
      expect(result.warnings).toMatchObject([{ code: 'certificate-cuts', data: { end: notAfter } }])
      expect(result.warnings[0]?.message).toContain('your certificate ends on')
      const most = await init('ending', ['-n'], { ...files, storedSeconds: 0 })
      expect([most.end, most.warnings]).toEqual([notAfter, []])
    })

    it('is refused with VOMS attributes, unless they are allowed', async () => {
      const voms = new TestVoms(grid.ca)
      const login = voms.addProxyTo(grid.users.alice.credential)
      const files = await as(login, 'with-voms')
      const failure = await rejectionOf(init('voms', ['-n'], files))
      expect(failure).toMatchObject({
        code: 'NOT_PERMITTED',
        data: { reason: 'carries-voms', identity: grid.users.alice.dn },
      })
      expect(failure.hint).toContain('--allow-voms')
      await expect(stored('voms')).rejects.toThrow('ENOENT')
      const allowed = await init('voms', ['-n'], { ...files, allowVoms: true })
      expect(allowed.warnings.map(({ code }) => code)).toContain('carries-voms')
      expect(await stored('voms')).toContain(`OWNER=${grid.users.alice.dn}`)
    })

    it('is told of where it is a limited proxy; a legacy one is refused', async () => {
      const { credential } = grid.users.alice
      const limited = await as(addProxy(credential, { policy: 'limited' }), 'limited')
      const { warnings } = await init('limited', ['-n'], limited)
      expect(warnings.map(({ code }) => code)).toContain('limited')
      const legacy = await as(addProxy(credential, { kind: 'legacy' }), 'legacy')
      expect((await rejectionOf(init('legacy', ['-n'], legacy))).code).toBe('PROXY_KIND_REFUSED')
    })

    it('is named where there is none, with the options that name one', async () => {
      const environment = { HOME: join(grid.directory, 'nobody') }
      const failure = await rejectionOf(init('none', ['-n'], { environment }))
      expect(failure.code).toBe('FILE_MISSING')
      expect(failure.hint).toContain('--certfile')
    })

    it('makes no legacy proxy for GT_PROXY_MODE=old', async () => {
      const environment = { HOME: grid.directory, GT_PROXY_MODE: 'old' }
      const failure = await rejectionOf(init('old', ['-n'], { environment }))
      expect(failure).toMatchObject({ code: 'NOT_PERMITTED', data: { variable: 'GT_PROXY_MODE' } })
    })

    it('makes a login proxy of 5 h too with --local-proxy', async () => {
      const more = { localProxy: true, lifetimeSeconds: 5 * HOUR }
      const { localProxy } = await init('local', ['-n'], more)
      expect(localProxy?.file).toBe(join(grid.directory, 'login'))
      const login = parseCredential(await readFile(join(grid.directory, 'login')))
      const { depth, effectiveEnd } = describeChain(login.chain)
      expect([depth, effectiveEnd]).toEqual([1, localProxy?.end])
      expect(Math.round((effectiveEnd - realNow()) / HOUR)).toBe(5)
      expect((await stat(join(grid.directory, 'login'))).mode & 0o777).toBe(0o600)
    })
  })

  describe('for a VO-Box', () => {
    const terms = { lifetimeSeconds: 48 * HOUR, storedSeconds: 3000 * HOUR, dnAsUsername: true }
    const forVobox = (more: Partial<MyProxyInitOptions> = {}) =>
      init('', [], { username: undefined, ...terms, forVobox: {}, ...more })

    const verdicts = ({ vobox }: Awaited<ReturnType<typeof init>>) =>
      Object.fromEntries(vobox.map(({ check, verdict }) => [check, verdict]))

    it('is stored under the DN, for four months, and left to the server where no machine is known', async () => {
      const result = await forVobox()
      expect(result).toMatchObject({
        username: grid.users.alice.dn,
        passPhrase: 'none',
        policies: {},
        storedSeconds: 3000 * HOUR,
        lifetimeSeconds: 48 * HOUR,
      })
      expect(verdicts(result)).toEqual({
        owner: 'ok',
        end: 'ok',
        renewers: 'unknown',
        renewal: 'unknown',
      })
    })

    it('names the machine whose DN is given', async () => {
      const dn = '/DC=org/DC=example/OU=Hosts/CN=box (1).example.org'
      const result = await forVobox({ forVobox: { dn }, credentialName: 'given' })
      const pattern = '/DC=org/DC=example/OU=Hosts/CN=box \\(1\\).example.org'
      expect(result.policies).toEqual({ renewer: pattern })
      expect(verdicts(result)).toMatchObject({ renewers: 'ok', renewal: 'unknown' })
    })

    it('leaves it to who renews what is replaced, where no machine is known, and asks nobody', async () => {
      const dn = '/DC=org/DC=example/OU=Hosts/CN=box.example.org'
      await forVobox({ forVobox: { dn }, credentialName: 'again' })
      const again = await forVobox({ credentialName: 'again', mayReplace: async () => false })
      expect(again).toMatchObject({ policies: { renewer: dn }, lost: [], warnings: [] })
      expect(again.replaced?.renewer).toBe(dn)
    })

    it('finds the machine by its proxy, and renews 48 h with it', async () => {
      await makeVobox(grid.hosts.vobox.credential)
      const result = await forVobox({ credentialName: 'found' })
      expect(result.policies).toEqual({ renewer: grid.hosts.vobox.dn })
      expect(result.vobox).toMatchObject([
        { check: 'owner', verdict: 'ok' },
        { check: 'end', verdict: 'ok' },
        { check: 'renewers', verdict: 'ok' },
        { check: 'renewal', verdict: 'ok' },
      ])
      expect(result.vobox[3]?.message).toMatch(/^renewed for (48 h|47 h 59 min) /)
    })

    it('says that a machine cannot renew which the server does not let', async () => {
      await makeVobox(grid.users.eve.credential)
      const result = await forVobox({ credentialName: 'refused' })
      expect(verdicts(result)).toMatchObject({ renewers: 'ok', renewal: 'failed' })
      const [, , , renewal] = result.vobox
      expect(renewal?.message).toContain('does not list this machine among its renewers')
      expect(renewal?.hint).toContain('authorized_renewers')
    })

    it('says that the C server makes no proxies of what a P-256 key signs', async () => {
      await makeVobox(grid.hosts.vobox.credential)
      const ec = grid.ca.issueUser(userName('alice'))
      const files = await writeCredentialPair(grid.directory, 'ec', ec)
      const result = await init('ec', [], {
        ...{ certificateFile: files.cert, keyFile: files.key, forVobox: {} },
      })
      expect(result.warnings.map(({ code }) => code)).toEqual(['key-not-rsa'])
      expect(result.vobox[3]).toMatchObject({ check: 'renewal', verdict: 'failed' })
    })

    it('says that 12 h is less than what was asked for, where the server gives no more', async () => {
      await makeVobox(grid.hosts.vobox.credential)
      const short = await forVobox({ credentialName: 'ends', storedSeconds: 12 * HOUR })
      expect(verdicts(short)).toMatchObject({ end: 'failed', renewal: 'failed' })
    })
  })

  it('leaves nothing but what it was asked for', async () => {
    const names = await readdir(grid.directory)
    expect(names.filter((name) => name.startsWith('.vobox-temporary-'))).toEqual([])
  })
})
