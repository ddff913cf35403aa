import { existsSync, lstatSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type LogonOptions, logOn } from '../../src/node/myproxy/logon.js'
import { describeChain } from '../../src/proxy/chain-facts.js'
import {
  encodeCredential,
  parseCertificateChain,
  parseCredential,
} from '../../src/proxy/credential.js'
import { sayLogon } from '../../src/report/myproxy-logon-text.js'
import type { BothWaysGrid } from '../support/both-ways-grid.js'
import { rejectionOf } from '../support/failure.js'
import {
  FETCHING_PROGRAMS,
  type FetchingGrid,
  PASS_PHRASE,
  startFetching,
} from '../support/fetching-grid.js'
import { openssl } from '../support/openssl-ca.js'
import { realNow, TestAuthority } from '../support/pki.js'
import { writeTrustDirectory } from '../support/pki-files.js'
import { describeWithPrograms } from '../support/programs.js'

const HOME = join(import.meta.dirname, '..', '..')
const PROGRAM = join(HOME, 'bin', 'vobox-proxy')

describeWithPrograms('fetching from a MyProxy server', FETCHING_PROGRAMS, () => {
  let fetching: FetchingGrid
  let both: BothWaysGrid
  let environment: Record<string, string>
  beforeAll(async () => {
    fetching = await startFetching()
    both = fetching.both
    environment = fetching.environment
  }, 60_000)
  afterAll(() => both?.grid.stop())

  const at = (name: string) => fetching.at(name)
  const open: FetchingGrid['open'] = (...words) => fetching.open(...words)
  const store: FetchingGrid['store'] = (...words) => fetching.store(...words)

  const optionsFor = (changes: Partial<LogonOptions>): LogonOptions => ({
    open: (settings) => open(settings, { ...environment, ...changes.environment } as never),
    environment,
    keyKind: 'p256',
    passPhrase: async () => Buffer.from(PASS_PHRASE),
    keyPassPhrase: async () => Buffer.from('none'),
    ...changes,
  })

  const logon = (changes: Partial<LogonOptions>) => logOn(optionsFor(changes))

  const factsOf = (file: string) => describeChain(parseCredential(readFileSync(file)).chain)

  describe('logon', () => {
    it('fetches 12 hours with the pass phrase, in a file 0600 that Globus reads', async () => {
      const out = at('pass')
      const result = await logon({ username: 'anna', out })
      expect(result).toMatchObject({
        server: `localhost:${both.grid.server.port}`,
        username: 'anna',
        credentialName: null,
        received: { file: out, identity: both.grid.users.alice.dn, limited: false, warnings: [] },
      })
      expect(lstatSync(out).mode & 0o777).toBe(0o600)
      const { stdout } = await both.grid.run('grid-proxy-info', ['-f', out, '-timeleft'])
      expect(Math.abs(Number(stdout) - 43_200)).toBeLessThan(120)
    })

    it('for 0 hours fetches the 20 that it was stored for, and has nothing to say of that', async () => {
      const { received } = await logon({ username: 'anna', out: at('all'), lifetimeSeconds: 0 })
      expect(received?.warnings).toEqual([])
      expect(Math.abs((received?.end ?? 0) - realNow() - 72_000)).toBeLessThan(400)
    })

    it('makes an RSA-2048 key where nothing else is said', async () => {
      const out = at('rsa')
      await logon({ username: 'anna', out, keyKind: undefined })
      const { stdout } = await both.grid.run('grid-proxy-info', ['-f', out, '-strength'])
      expect(stdout.trim()).toBe('2048')
    })

    it('takes one of several by name, and says that it ends 11 hours early', async () => {
      const { received } = await logon({
        username: 'anna',
        credentialName: 'short',
        out: at('short'),
      })
      expect(received?.warnings.map(({ code, data }) => [code, data?.askedSeconds])).toEqual([
        ['short-grant', 43_200],
      ])
      expect((received?.end ?? 0) - realNow()).toBeLessThan(3700)
    })

    it('puts it where X509_USER_PROXY says, over an expired one', async () => {
      const place = at('usual')
      writeFileSync(place, 'what was there', { mode: 0o600 })
      const env = { ...environment, X509_USER_PROXY: place }
      const { received } = await logon({ username: 'anna', environment: env })
      expect(received?.file).toBe(place)
      expect(factsOf(place).identity.oneLine).toBe(both.grid.users.alice.dn)
    })

    it('leaves a certificate in X509_USER_CERT that has expired at home', async () => {
      const old = both.grid.ca.issueUser('alice', { key: 'rsa2048', notAfter: realNow() - 60 })
      const file = at('old.pem')
      writeFileSync(file, encodeCredential(old), { mode: 0o600 })
      const env = { ...environment, X509_USER_CERT: file, X509_USER_KEY: file }
      const { received } = await logon({ username: 'anna', out: at('anon'), environment: env })
      expect(received?.identity).toBe(both.grid.users.alice.dn)
    })

    it('gives it to standard output with -o -, and writes no file', async () => {
      const result = await logon({ username: 'anna', out: '-' })
      const { stdout, stderr } = sayLogon('vobox-proxy', result, {})
      expect(stderr).toBe('')
      expect(parseCredential(Buffer.from(stdout)).chain[0]?.subject.oneLine).toBe(
        result.received?.subject,
      )
      expect(existsSync(environment.X509_USER_PROXY ?? '')).toBe(false)
    })

    it('renews a proxy as the VO-Box with -d -a, of the same identity', async () => {
      const out = at('renewed')
      const { username, received } = await logon({
        environment: { ...environment, X509_USER_PROXY: both.files.vobox },
        dnAsUsername: true,
        authorizationFile: both.files.alice,
        lifetimeSeconds: 172_800,
        out,
      })
      expect([username, received?.identity]).toEqual([
        both.grid.users.alice.dn,
        both.grid.users.alice.dn,
      ])
      expect(Math.abs((received?.end ?? 0) - realNow() - 172_800)).toBeLessThan(120)
    })

    it('lets a trusted retriever in with -n, and tells a stranger so', async () => {
      const asWhom = (X509_USER_PROXY: string) =>
        logon({
          environment: { ...environment, X509_USER_PROXY },
          username: 'trusted',
          noPassPhrase: true,
          out: at('trusted'),
        })
      expect((await asWhom(both.files.eve)).received?.identity).toBe(both.grid.users.alice.dn)
      const failure = await rejectionOf(asWhom(both.files.vobox))
      expect(failure.code).toBe('MYPROXY_NOT_AUTHORISED_RETRIEVER')
    })

    it('needs a credential of ours with -n', async () => {
      const failure = await rejectionOf(logon({ username: 'trusted', noPassPhrase: true }))
      expect(failure.code).toBe('FILE_MISSING')
    })

    it('only authenticates with -N, and is told the same as it would be', async () => {
      expect(await logon({ username: 'anna', noCredentials: true })).toEqual({
        server: `localhost:${both.grid.server.port}`,
        username: 'anna',
        credentialName: null,
      })
      const wrong = {
        username: 'anna',
        noCredentials: true,
        passPhrase: async () => Buffer.from('wrong one'),
      }
      expect((await rejectionOf(logon(wrong))).code).toBe('MYPROXY_PASS_PHRASE_WRONG')
    })

    it('has a request of somebody else’s certified with -Q, without a key', async () => {
      const [key, request, out] = [at('q.key'), at('q.req'), at('q.out')]
      await openssl([
        'req',
        '-new',
        '-newkey',
        'rsa:2048',
        '-nodes',
        '-keyout',
        key,
        '-subj',
        '/CN=x',
        '-out',
        request,
      ])
      await logon({ username: 'anna', requestFile: request, out })
      const written = readFileSync(out, 'utf8')
      expect(written).not.toContain('PRIVATE KEY')
      const [leaf] = parseCertificateChain(Buffer.from(written))
      const wanted = await openssl(['req', '-in', request, '-noout', '-pubkey'])
      expect(leaf?.publicKey.export({ type: 'spki', format: 'pem' }).toString().trim()).toBe(
        wanted.trim(),
      )
    })

    it.each<[string, string, Partial<LogonOptions>]>([
      [
        'a wrong pass phrase',
        'MYPROXY_PASS_PHRASE_WRONG',
        { passPhrase: async () => Buffer.from('wrong one') },
      ],
      ['nobody’s name', 'MYPROXY_NOT_AUTHORISED_RETRIEVER', { username: 'nobody' }],
      [
        'a server that is not there',
        'ALL_SERVERS_FAILED',
        { open: () => open({ servers: 'localhost:9' }) },
      ],
      ['a CA that is not known here', 'CHAIN_UNTRUSTED', {}],
      ['a request that is none', 'REQUEST_MALFORMED', { requestFile: 'README' }],
    ])('leaves the old proxy as it is for %s', async (what, code, changes) => {
      const out = at('kept')
      writeFileSync(out, 'the old one', { mode: 0o600 })
      const request = at('README')
      writeFileSync(request, 'no request\n')
      const other = await writeTrustDirectory(at('other'), new TestAuthority()).catch(() =>
        at('other/certificates'),
      )
      const ofUser = what === 'a CA that is not known here'
      const failure = await rejectionOf(
        logon({
          username: 'anna',
          out,
          ...changes,
          ...(ofUser && {
            open: (settings) => open(settings),
            environment: { ...environment, X509_CERT_DIR: other },
          }),
          ...(changes.requestFile && { requestFile: request }),
        }),
      )
      expect(failure.code).toBe(code)
      expect(readFileSync(out, 'utf8')).toBe('the old one')
      expect(failure.message).not.toContain('wrong one')
    })

    it('refuses a link in the place of the proxy before it asks anybody', async () => {
      const [link, target] = [at('link'), at('target')]
      symlinkSync(target, link)
      const asked = { times: 0 }
      const passPhrase = async () => {
        asked.times += 1
        return Buffer.from(PASS_PHRASE)
      }
      const failure = await rejectionOf(logon({ username: 'anna', out: link, passPhrase }))
      expect([failure.code, asked.times, existsSync(target)]).toEqual(['FILE_UNSAFE', 0, false])
    })

    it('refuses a credential of somebody else’s under our DN', async () => {
      const dn = both.grid.users.eve.dn
      await store(dn, { passPhrase: PASS_PHRASE, policies: { retriever: '*' } })
      const failure = await rejectionOf(
        logon({
          environment: { ...environment, X509_USER_PROXY: both.files.eve },
          dnAsUsername: true,
          out: at('swapped'),
        }),
      )
      expect([failure.code, failure.data]).toEqual([
        'RENEWED_IDENTITY_DIFFERS',
        { expected: dn, found: both.grid.users.alice.dn },
      ])
      expect(existsSync(at('swapped'))).toBe(false)
    })

    it('is the built program too: from standard input, by another name, and quiet', async () => {
      const env = { ...environment, VOBOX_PROXY_CONFIG: '' }
      const input = `${PASS_PHRASE}\n`
      const words = ['-S', '-l', 'anna', '-o', at('whole')]
      const said = `A credential has been received for user anna in ${at('whole')}.`
      const own = await both.grid.run(PROGRAM, ['myproxy', 'logon', ...words], { input, env })
      expect([own.exitCode, own.stderr, own.stdout.split('\n')[0]]).toEqual([0, '', said])
      const tool = join(HOME, 'compat', 'myproxy-logon')
      expect(await both.grid.run(tool, words, { input, env })).toEqual({
        exitCode: 0,
        stdout: said,
        stderr: '',
      })
      const quiet = await both.grid.run(PROGRAM, ['myproxy', 'logon', '-q', ...words], {
        input,
        env,
      })
      expect(quiet).toEqual({ exitCode: 0, stdout: '', stderr: '' })
      const wrong = await both.grid.run(tool, words, { input: 'wrong one\n', env })
      expect([wrong.exitCode, wrong.stdout]).toEqual([1, ''])
      expect(wrong.stderr).toMatch(/^myproxy-logon: .*pass phrase/)
    })

    it('comes along with a logon: -T installs, -b before the pass phrase is sent', async () => {
      const env = { ...environment, X509_CERT_DIR: at('boot-logon') }
      const changes = { username: 'anna', out: at('boot-proxy'), environment: env }
      const first = await logon({ ...changes, bootstrap: true })
      expect(first.trustRoots?.vouchedBy?.subject).toBe(both.grid.ca.name.oneLine)
      const second = await logon({ ...changes, trustRoots: true })
      expect([second.trustRoots?.added, second.trustRoots?.vouchedBy]).toEqual([[], undefined])
    })
  })
})
