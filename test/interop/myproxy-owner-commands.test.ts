/** `myproxy info`, `destroy`, `change-pass-phrase` and `store` beside the C tools of those names. */
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { changeStoredPassPhrase } from '../../src/node/myproxy/change-pass-phrase.js'
import { destroyStored } from '../../src/node/myproxy/destroy.js'
import { askMyProxyInfo } from '../../src/node/myproxy/info.js'
import { PassPhrases } from '../../src/node/myproxy/pass-phrases.js'
import { type StoreOptions, storeCredential } from '../../src/node/myproxy/store.js'
import { showMyProxyInfo } from '../../src/report/myproxy-info-text.js'
import {
  BOTH_WAYS_PROGRAMS,
  type BothWaysGrid,
  encryptedKeyOf,
  expiredAlice,
  leaveStored,
  startBothWays,
} from '../support/both-ways-grid.js'
import { spawnSync } from '../support/bounded.js'
import { rejectionOf } from '../support/failure.js'
import { realNow } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'

const HOUR = 3600
const PHRASE = 'correct horse'
const OTHER = 'battery staple'
const ROOT = join(import.meta.dirname, '..', '..')

describeWithPrograms('an owner’s commands', [...BOTH_WAYS_PROGRAMS, 'script'], () => {
  let both: BothWaysGrid
  beforeAll(async () => {
    both = await startBothWays()
  })
  afterAll(() => both?.grid.stop())

  const put = (username: string, credentialName?: string, more = {}) =>
    both.client.put({
      ...{ username, credentialName, credential: both.grid.users.alice.credential },
      ...{ storedSeconds: 100.5 * HOUR, lifetimeSeconds: 20 * HOUR, ...more },
    })

  /** As alice, unless somebody else is meant. */
  const owned = (username: string, credentialName?: string, who: 'alice' | 'eve' = 'alice') => ({
    ...{ client: both.client, username, credentialName, credential: both[who] },
  })

  const secret = async (name: string, ...lines: string[]): Promise<string> => {
    const path = join(both.grid.directory, name)
    await writeFile(path, lines.map((line) => `${line}\n`).join(''), { mode: 0o600 })
    return path
  }

  /** Our built program, or one of its compat links, as alice. */
  const call = (program: string, args: readonly string[], proxy = both.files.alice) => {
    const { grid } = both
    const { status, stdout, stderr } = spawnSync(join(ROOT, program), args, {
      ...{ encoding: 'utf8', timeout: 30_000 },
      env: {
        PATH: process.env.PATH ?? '',
        HOME: grid.directory,
        X509_CERT_DIR: grid.trustDirectory,
        X509_USER_PROXY: proxy,
        MYPROXY_SERVER: `localhost:${grid.server.port}`,
        VOBOX_PROXY_CONFIG: join(grid.directory, 'config.toml'),
      },
    })
    return { status, stdout: String(stdout), stderr: String(stderr) }
  }

  /** Two programs never read the clock at once. */
  const withoutSeconds = (text: string) => text.replace(/(timeleft: \d+):\d\d:\d\d/g, '$1')

  describe('info', () => {
    beforeAll(async () => {
      const policies = {
        retriever: '*',
        renewer: '*/CN=v',
        trustedRetriever: '/x',
        keyRetriever: 'k',
      }
      await put('shown', undefined, { policies: { renewer: '*' } })
      await put('shown', 'all', { policies, description: 'with = and ü', passPhrase: PHRASE })
      await put('shown', 'brief', { storedSeconds: 1.5 * HOUR })
      await writeFile(join(both.grid.storeDirectory, 'shown-brief.lock'), 'lost laptop')
      await leaveStored(both, { username: 'shown', name: 'old' }, expiredAlice(both))
    })

    it('when terse has every line of myproxy-info: four credentials, one locked, one expired', async () => {
      const theirs = await both.grid.run('myproxy-info', ['-l', 'shown'], {
        proxy: both.files.alice,
      })
      const ours = showMyProxyInfo(await askMyProxyInfo(owned('shown')), true)
      expect(withoutSeconds(ours)).toBe(withoutSeconds(`${theirs.stdout}\n`))
      expect(ours.match(/^owner: /gm)).toHaveLength(4)
      expect(ours).toContain('  locked: lost laptop\n  timeleft: ')
      expect(ours).toContain('  timeleft: 0:00:00\n')
    })

    it('has under the name of the C tool the same, and the same exit codes', async () => {
      for (const args of [
        ['-l', 'shown'],
        ['-lshown', '--credname', 'brief'],
        ['-l', 'nobody'],
      ]) {
        const theirs = await both.grid.run('myproxy-info', args, { proxy: both.files.alice })
        const ours = call('compat/myproxy-info', args)
        expect(withoutSeconds(ours.stdout.trimEnd())).toBe(withoutSeconds(theirs.stdout))
        expect(ours.status).toBe(theirs.exitCode)
      }
    })

    it('says more by itself, and everything as JSON', () => {
      const { stdout } = call('bin/vobox-proxy', ['myproxy', 'info', '-l', 'shown', '-k', 'brief'])
      expect(stdout).toMatch(/^ {2}ends: \d{4}-\d\d-\d\d .* UTC \(in 1 h (29|30) min\)$/m)
      expect(stdout).toContain("  access: nobody is named: the server's defaults decide\n")
      const json = call('bin/vobox-proxy', ['myproxy', 'info', '-l', 'shown', '--json'])
      const { credentials } = JSON.parse(json.stdout) as { credentials: { name: string | null }[] }
      expect(credentials.map(({ name }) => name).sort()).toEqual(
        ['all', 'brief', null, 'old'].sort(),
      )
    })
  })

  it('who has neither a proxy nor a certificate is told where both were looked for', () => {
    const nowhere = join(both.grid.directory, 'no-proxy')
    const { status, stdout, stderr } = call('bin/vobox-proxy', ['myproxy', 'info', '-d'], nowhere)
    expect([status, stdout]).toEqual([1, ''])
    const globus = join(both.grid.directory, '.globus')
    expect(stderr.split('\n')).toEqual([
      `vobox-proxy: no valid proxy in ${nowhere}, and there is no user certificate in ${globus}`,
      '  vobox-proxy proxy-init makes a proxy; $X509_USER_PROXY names one that is elsewhere',
      '',
    ])
  })

  describe('destroy', () => {
    it('says what is gone and what remains, and then that there is nothing', async () => {
      await put('doomed', undefined, { policies: { renewer: '*' } })
      await put('doomed', 'one')
      const first = await destroyStored(owned('doomed'))
      expect(first.gone).toMatchObject({ renewer: '*', owner: both.grid.users.alice.dn })
      expect(first.remaining?.map(({ name }) => name)).toEqual(['one'])
      const missed = await rejectionOf(destroyStored(owned('doomed')))
      expect(missed).toMatchObject({ code: 'MYPROXY_NO_CREDENTIAL', data: { names: ['one'] } })
      expect(missed.message).toContain('there is nothing to remove')
      expect(missed.hint).toContain('--credname one')
      expect((await destroyStored(owned('doomed', 'one'))).remaining).toEqual([])
      const nothing = await rejectionOf(destroyStored(owned('doomed', 'one')))
      expect(nothing).toMatchObject({ code: 'MYPROXY_NO_CREDENTIAL', data: { names: [] } })
      expect(nothing.hint).toContain('--username')
    })

    it('is refused to whom it does not belong, and nothing is gone', async () => {
      await put('kept')
      const failure = await rejectionOf(destroyStored(owned('kept', undefined, 'eve')))
      expect(failure.code).toBe('MYPROXY_NOT_OWNER')
      expect((await askMyProxyInfo(owned('kept'))).credentials).toHaveLength(1)
    })

    it('has under the name of the C tool its line, and its exit codes', async () => {
      const args = ['-l', 'line', '-k', 'one']
      const line = "MyProxy credential 'one' for user line was successfully removed."
      await put('line', 'one')
      const theirs = await both.grid.run('myproxy-destroy', args, { proxy: both.files.alice })
      expect(theirs.stdout).toBe(line)
      await put('line', 'one')
      const ours = call('compat/myproxy-destroy', args)
      expect(ours).toEqual({ status: 0, stdout: `${line}\n`, stderr: '' })
      expect(call('compat/myproxy-destroy', args)).toMatchObject({ status: 1, stdout: '' })
    })
  })

  describe('change-pass-phrase', () => {
    const change = async (username: string, ...lines: string[]) => {
      const file = await secret('phrases', ...lines)
      return changeStoredPassPhrase({ ...owned(username), passPhrases: new PassPhrases({ file }) })
    }

    it('takes the old and the new one from two lines of a file', async () => {
      await put('lines', undefined, { passPhrase: PHRASE, policies: { retriever: '*' } })
      const place = await change('lines', PHRASE, OTHER)
      expect(place).toMatchObject({ username: 'lines', credentialName: null })
      const facts = await both.logon(['-l', 'lines', '-S'], { input: `${OTHER}\n` })
      expect(facts.depth).toBe(2)
    })

    it.each([
      ['is shorter than six characters', 'short', 'PASS_PHRASE_UNSUITABLE'],
      [
        'is empty, which their client takes and writes the key in the clear',
        '',
        'PASS_PHRASE_REQUIRED',
      ],
    ])('asks no server where the new one %s', async (_title, chosen, code) => {
      await put('guarded', undefined, { passPhrase: PHRASE, policies: { retriever: '*' } })
      expect((await rejectionOf(change('guarded', PHRASE, chosen))).code).toBe(code)
      const facts = await both.logon(['-l', 'guarded', '-S'], { input: `${PHRASE}\n` })
      expect(facts.depth).toBe(2)
    })

    it('asks three times on a terminal, without an echo', async () => {
      await put('typed', undefined, { passPhrase: PHRASE, policies: { retriever: '*' } })
      const log = join(both.grid.directory, 'typescript')
      const command = `${join(ROOT, 'compat/myproxy-change-pass-phrase')} -l typed; echo ended with $?`
      // Each line is typed when its prompt is there: what comes before, a terminal echoes by itself.
      const typing = ['current', 'Enter new', 'Verifying']
      const lines = [PHRASE, OTHER, OTHER]
      const waits = typing.map(
        (prompt, at) =>
          `until grep -q '${prompt}' "$1" 2>/dev/null; do sleep 0.05; done; ` +
          `sleep 0.1; printf '%s\\r' '${lines[at]}'`,
      )
      const shell = `{ ${waits.join('; ')}; sleep 0.5; } | script -qefc "$0" "$1"`
      const { stdout } = spawnSync('sh', ['-c', shell, command, log], {
        ...{ encoding: 'utf8', timeout: 30_000 },
        env: {
          PATH: process.env.PATH ?? '',
          HOME: both.grid.directory,
          X509_CERT_DIR: both.grid.trustDirectory,
          X509_USER_PROXY: both.files.alice,
          MYPROXY_SERVER: `localhost:${both.grid.server.port}`,
          VOBOX_PROXY_CONFIG: join(both.grid.directory, 'config.toml'),
        },
      })
      expect(String(stdout)).toContain('Pass phrase changed.')
      expect(String(stdout)).toContain('ended with 0')
      expect(String(stdout)).not.toMatch(/horse|staple/)
    })
  })

  describe('store', () => {
    /** Alice's files, with her key encrypted. */
    const store = async (username: string, more: Partial<StoreOptions> = {}) => {
      const keyFile = await secret('userkey.pem', encryptedKeyOf(both, PHRASE).trimEnd())
      const { certificatePath: certificateFile } = both.grid.users.alice
      return storeCredential({
        ...owned(username),
        files: { environment: { HOME: both.grid.directory }, certificateFile, keyFile },
        passPhrase: async () => Buffer.from(PHRASE),
        access: { policies: { retriever: '*' }, warnings: [] },
        ...more,
      })
    }

    it('has seen that key and certificate belong together, and the C client gets proxies of it', async () => {
      const stored = await store('checked', { credentialName: 'home', lifetimeSeconds: 5 * HOUR })
      expect(stored).toMatchObject({ keyEncrypted: true, pairChecked: true, warnings: [] })
      expect(stored).toMatchObject({ identity: both.grid.users.alice.dn, credentialName: 'home' })
      const args = ['-l', 'checked', '-k', 'home', '-S', '-t', '99']
      const facts = await both.logon(args, { input: `${PHRASE}\n` })
      expect(facts.depth).toBe(1)
      expect(Math.round((facts.effectiveEnd - realNow()) / HOUR)).toBe(5)
    })

    it('tells of a key without a pass phrase, of one nobody looked at, of somebody else’s', async () => {
      const { alice, eve } = both.grid.users
      const files = { environment: {}, certificateFile: eve.certificatePath, keyFile: eve.keyPath }
      const told: string[] = []
      const onWarning = async ({ code }: { code: string }) => {
        told.push(code)
        const there = await rejectionOf(askMyProxyInfo(owned('told')))
        expect(there.code).toBe('MYPROXY_NO_CREDENTIAL')
      }
      const plain = await store('told', { files, onWarning })
      // Before anything was sent.
      expect(told).toEqual(['key-not-encrypted', 'stored-by-another'])
      expect(plain.warnings.map(({ code }) => code)).toEqual([
        ...['key-not-encrypted', 'stored-by-another'],
      ])
      const { certificatePath } = alice
      const keyFile = await secret('other.pem', encryptedKeyOf(both, PHRASE).trimEnd())
      const unseen = await store('told', {
        files: { environment: {}, certificateFile: certificatePath, keyFile },
        passPhrase: undefined,
      })
      expect(unseen.warnings.map(({ code }) => code)).toEqual(['pair-not-checked'])
    })

    it('asks before it takes the place of what a VO-Box renews, and stores nothing without a yes', async () => {
      const policies = { renewer: '*/CN=vobox.example.org' }
      await put('renewed', undefined, { policies })
      const asked: string[] = []
      const mayReplace = (answer: boolean) => async (warning: { message: string }) => {
        asked.push(warning.message)
        return answer
      }
      const refused = await rejectionOf(store('renewed', { mayReplace: mayReplace(false) }))
      expect(refused.code).toBe('CANCELLED')
      expect(asked).toEqual([
        'the credential of renewed is there for others: renewal by vobox.example.org. The new one, ' +
          'in its place, is for: retrieval with the pass phrase by anybody whom the server lets',
      ])
      const kept = await askMyProxyInfo(owned('renewed'))
      expect(kept.credentials).toMatchObject([policies])
      const stored = await store('renewed', { mayReplace: mayReplace(true) })
      expect(stored.replaced).toMatchObject(policies)
      expect(stored.warnings.map(({ code }) => code)).toEqual(['replaces-other-mode'])
      expect((await askMyProxyInfo(owned('renewed'))).credentials).toMatchObject([
        { retriever: '*' },
      ])
    })

    it('tells of a pass phrase in the way of the renewer that is named, who gets nothing', async () => {
      const policies = { renewer: '*/CN=vobox.example.org' }
      const stored = await store('in-the-way', { access: { policies, warnings: [] } })
      expect(stored.warnings.map(({ code }) => code)).toEqual(['pass-phrase-in-the-way'])
      const renewal = both.client.get({
        ...{ username: 'in-the-way', lifetimeSeconds: HOUR },
        ...{ credential: both.vobox, authorization: both.alice },
      })
      expect((await rejectionOf(renewal)).code).toBe('MYPROXY_PASS_PHRASE_REQUIRED')
    })

    it.each([
      ['a key of another certificate', 'alice', 'eve', 'PROXY_KEY_MISMATCH'],
      ['a proxy by mistake', 'proxy', 'proxy', 'PROXY_KIND_REFUSED'],
      ['a key that others can read', 'alice', 'open', 'FILE_UNSAFE'],
    ])('sends nothing where there is %s', async (_title, certificate, key, code) => {
      const { alice, eve } = both.grid.users
      const open = await secret('open.pem', encryptedKeyOf(both, PHRASE))
      await chmod(open, 0o644)
      const paths: Readonly<Record<string, string>> = {
        ...{ alice: alice.certificatePath, eve: eve.keyPath, proxy: both.files.alice, open },
      }
      const files = { environment: {}, certificateFile: paths[certificate], keyFile: paths[key] }
      const failure = await rejectionOf(store('unsent', { files }))
      expect(failure.code).toBe(code)
      const info = await rejectionOf(askMyProxyInfo(owned('unsent')))
      expect(info.code).toBe('MYPROXY_NO_CREDENTIAL')
    })

    it('has under the name of the C tool its line, asks for no pass phrase, and says so', async () => {
      const keyFile = await secret('userkey.pem', encryptedKeyOf(both, PHRASE).trimEnd())
      const { certificatePath } = both.grid.users.alice
      const args = ['-l', 'line', '-c', certificatePath, '-y', keyFile, '-t24', '-xr', '*']
      const { status, stdout, stderr } = call('compat/myproxy-store', args)
      expect([status, stdout]).toEqual([0, 'Credentials saved to myproxy server.\n'])
      expect(stderr).toContain('nobody has looked whether the key belongs to the certificate')
      const facts = await both.logon(['-l', 'line', '-S', '-t', '99'], { input: `${PHRASE}\n` })
      expect(Math.round((facts.effectiveEnd - realNow()) / HOUR)).toBe(24)
    })
  })
})
