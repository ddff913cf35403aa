/** An administrator's session with the built program, against the MyProxy server of ours. */
import { chmodSync, existsSync, readFileSync } from 'node:fs'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { requestPut } from '../../src/myproxy/client.js'
import { systemRandom } from '../../src/node/ports/random.js'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { encodeCredential, parseCredential } from '../../src/proxy/credential.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../support/embedded-myproxy.js'
import { addProxy } from '../support/pki.js'
import { DAY, HOUR } from '../support/time.js'
import { VoBox } from '../support/vo-box.js'

const SECRET = 'open-sesame-7'

let grid: EmbeddedGrid
let box: VoBox
let server: string
let login: string
let vo = 0

beforeAll(async () => {
  grid = await startEmbeddedGrid()
  server = `localhost:${grid.port}`
  const { credential, dn } = grid.users.alice
  await requestPut(grid.myproxy, {
    servers: grid.servers,
    username: dn,
    credential,
    storedSeconds: 30 * DAY,
    lifetimeSeconds: 48 * HOUR,
    policies: { renewer: grid.hosts.vobox.dn },
    random: systemRandom,
  })
})
afterAll(() => grid.stop())

beforeEach(() => {
  vo++
  const config = '[keys]\nkind = "p256"\n[mail]\ntransport = "smtp"\n'
  const env = { X509_CERT_DIR: grid.trustDirectory }
  box = new VoBox(grid.directory, { vo: `vo${vo}`, config, env, kept: true })
  const machine = addProxy(grid.hosts.vobox.credential, { pathLength: 0, hours: 24 })
  const path = `root-of-vo${vo}/vo${vo}/renewal-proxy.pem`
  box.put(path, encodeCredential(machine), 0o400)
  login = box.putLogin('login', addProxy(grid.users.alice.credential, { hours: 10 }))
})

const call = (...words: string[]) => box.call(words, { env: { X509_USER_PROXY: login } })
const register = (...words: string[]) => call('register', '--server', server, '--no-voms', ...words)
const proxyIn = (file: string) => parseCredential(readFileSync(file)).chain
const fileOf = async () => (await call('query-proxy-filename')).stdout.trim()

describe('register', () => {
  it('says successfully, once and again, and query shows what was registered', async () => {
    const first = await register('-t', '48', '--email', 'you@example.org')
    expect([first.status, first.stderr]).toEqual([0, ''])
    const [said, proxy, renewal, voms, stored, mail] = first.stdout.split('\n')
    expect(said).toBe(`successfully registered ${grid.users.alice.dn}`)
    expect(proxy).toMatch(/^ {2}proxy {4}\/.*, ends 20.* \(in (9 h 59 min|10 h)\)$/)
    expect(renewal).toBe(`  renewal  every 1 h for 48 h from ${server}`)
    expect(voms).toBe('  voms     none: a plain proxy')
    expect(stored).toMatch(
      new RegExp(`^  stored   on ${server}, ends 20.* \\(in (29 d 23 h|30 d)\\)$`),
    )
    expect(mail).toBe('  mail     you@example.org')

    const again = await register('--refresh', 'never', '--email=')
    expect(again.stdout).toContain(
      `successfully updated the registration of ${grid.users.alice.dn}`,
    )
    const { registrations } = JSON.parse((await call('query', '--json')).stdout)
    expect(registrations).toMatchObject([
      {
        identity: grid.users.alice.dn,
        servers: [server],
        lifetimeSeconds: 48 * HOUR,
        refreshSeconds: null,
        email: null,
        voms: [],
        proxy: { usable: true },
        nextRenewal: { action: 'wait', reason: 'fresh' },
      },
    ])
    expect(registrations[0].storedCredential.secondsLeft).toBeGreaterThan(29 * DAY)
  })

  it('prints everything as JSON, warnings included', async () => {
    const { stdout, stderr } = await register('--no-check', '--json')
    expect(stderr).toBe('')
    expect(JSON.parse(stdout)).toMatchObject({
      version: 1,
      vo: box.vo,
      outcome: 'registered',
      registration: { identity: grid.users.alice.dn },
      proxy: 'login-proxy',
      stored: null,
      warnings: [{ code: 'not-checked' }],
    })
  })

  it('renews by the pass phrase in a file, whose text is nowhere, and leaves the file alone', async () => {
    const { credential } = grid.users.alice
    await requestPut(grid.myproxy, {
      servers: grid.servers,
      username: 'by-phrase',
      credential,
      storedSeconds: 30 * DAY,
      lifetimeSeconds: 48 * HOUR,
      passPhrase: SECRET,
      random: systemRandom,
    })
    const file = box.put(`phrase-${vo}`, `${SECRET}\n`, 0o600)
    const said = await register('-t', '48', '-l', 'by-phrase', '--pass-phrase-file', file)
    expect([said.status, said.stderr]).toEqual([0, ''])
    expect(said.stdout).toContain(`\n  by       the pass phrase in ${file}\n`)
    const renewed = await call('renew', '--force')
    expect(renewed.stdout).toMatch(/^renewed {4}.*: 4[78] h/)
    const blocks = await call('query')
    expect(blocks.stdout).toContain(`\nRenewed By: the pass phrase in ${file} \n`)
    const { registrations } = JSON.parse((await call('query', '--json')).stdout)
    expect(registrations).toMatchObject([
      { passPhraseFile: file, storedCredential: { from: 'info', server }, behind: null },
    ])

    chmodSync(file, 0o644)
    const refused = await call('renew', '--force', '--json')
    expect(refused.status).toBe(1)
    expect(JSON.parse(refused.stderr)).toMatchObject({
      error: { code: 'PASS_PHRASE_FILE_UNUSABLE', hint: `chmod 0600 ${file}` },
    })
    const gone = await call('unregister')
    expect(gone.stdout).toContain(`  left     ${file}: remove it if nothing else needs`)
    expect(readFileSync(file, 'utf8')).toBe(`${SECRET}\n`)
    const log = readFileSync(box.paths.eventsLog, 'utf8')
    const all = [said, renewed, blocks, refused, gone].flatMap(({ stdout, stderr }) => [
      stdout,
      stderr,
    ])
    expect([log, ...all].join()).not.toContain(SECRET)
  })

  it.each([
    [
      'a pass phrase file that is not there',
      ['--pass-phrase-file', '/nonexistent'],
      1,
      'PASS_PHRASE_FILE_UNUSABLE',
    ],
    [
      'the same, though no server is asked',
      ['--pass-phrase-file', '/nonexistent', '--no-check'],
      1,
      'PASS_PHRASE_FILE_UNUSABLE',
    ],
    ['a server list that is none', ['--server', 'a:b:c'], 2, 'SERVER_LIST_INVALID'],
    ['a port that is none', ['--server', 'localhost:x'], 2, 'SERVER_LIST_INVALID'],
    ['an address without a host', ['--email', 'notanemail'], 2, 'MAIL_ADDRESS_INVALID'],
    ['an address that is none', ['--email', 'a@b\nBcc: c@d'], 2, 'MAIL_ADDRESS_INVALID'],
    ['a lifetime that is none', ['-t', 'forever'], 2, 'USAGE'],
    ['a refresh of no time', ['--refresh', '0'], 2, 'USAGE'],
    ['a file that is not there', ['--proxy', '/nonexistent/proxy'], 1, 'FILE_MISSING'],
    ['a name where it is not stored', ['-l', 'nobody'], 1, 'CREDENTIAL_UNDER_LOGIN_NAME'],
  ])('refuses %s and registers nothing', async (_name, words, status, code) => {
    const failed = await register(...words, '--json')
    expect([failed.status, failed.stdout]).toEqual([status, ''])
    expect(JSON.parse(failed.stderr)).toMatchObject({ version: 1, error: { code } })
    expect((await call('--dn', 'all', 'query-dn')).stdout).toBe('')
  })

  it('says at once, in query and in events.log that there is no program to send mail with', async () => {
    box.configure('[keys]\nkind = "p256"\n[mail]\nsendmail = "/nonexistent/sendmail"\n')
    const trouble = 'no mail can be sent: there is no program /nonexistent/sendmail'
    const quiet = await register()
    expect([quiet.status, quiet.stderr, (await call('query')).stderr]).toEqual([0, '', ''])

    const told = await register('--email', 'you@example.org')
    expect([told.status, told.stdout.split(' ')[0]]).toEqual([0, 'successfully'])
    expect(told.stderr).toMatch(new RegExp(`^vobox-proxy: warning: ${trouble}\n {2}As root: .*\n$`))
    expect(box.events('warning').join()).toContain(`reason="${trouble}"`)
    for (const words of [[], ['--table'], ['--json']]) {
      const asked = await call('query', ...words)
      expect([asked.status, asked.stderr]).toEqual([0, told.stderr])
    }
    expect((await call('query')).stdout).toMatch(/^DN: .*\nFile: .*\n/)
    expect((await call('query-proxy-timeleft')).stderr).toBe('')
  })

  it('shows no stack trace and no key when it fails', async () => {
    const failed = await register('--username', 'x\u001b[2Jy')
    expect([failed.status, failed.stdout]).toEqual([2, ''])
    expect(failed.stderr).toMatch(/^vobox-proxy: .+\n/)
    expect(failed.stderr).not.toMatch(/ {4}at |\u001b|PRIVATE/)
  })
})

describe('renew and unregister', () => {
  it('says that nothing is due, renews with --force, and replaces the file', async () => {
    await register('-t', '48')
    const file = await fileOf()
    const [before] = proxyIn(file)

    const waits = await call('renew')
    expect(waits.status).toBe(0)
    expect(waits.stdout).toMatch(
      /^not due {4}.*: in \d+ min( \d+ s)? \(fresh until then\); --force renews/,
    )
    expect(proxyIn(file)[0]?.serialHex).toBe(before?.serialHex)

    const forced = await call('renew', '--force')
    expect([forced.status, forced.stderr]).toEqual([0, ''])
    expect(forced.stdout).toMatch(
      new RegExp(`^renewed {4}${grid.users.alice.dn}: 4[78] h.* from ${server}`),
    )
    const chain = proxyIn(file)
    expect(chain[0]?.serialHex).not.toBe(before?.serialHex)
    expect(describeChain(chain).identity.oneLine).toBe(grid.users.alice.dn)
  })

  it('reports a renewal as JSON', async () => {
    await register('-t', '48')
    const { stdout } = await call('renew', '--all', '--force', '--json')
    expect(JSON.parse(stdout)).toMatchObject({
      version: 1,
      vo: box.vo,
      renewals: [{ identity: grid.users.alice.dn, kind: 'renewed', server }],
    })
  })

  it('fails with the reason when the only one fails, and leaves the file', async () => {
    await register('--no-check', '--server', 'localhost:1')
    const file = await fileOf()
    const before = readFileSync(file)
    const { status, stdout, stderr } = await call('renew', '--force')
    expect([status, stdout]).toEqual([1, ''])
    expect(stderr).toContain(grid.users.alice.dn)
    expect(readFileSync(file)).toEqual(before)
    const table = await call('query', '--table')
    expect(table.stdout).toMatch(/\n {2}! failed (just now|\d+ s ago): .*localhost:1/)
  })

  it('needs --dn or --all where the caller is nobody of several', async () => {
    await register('--no-check')
    const eve = box.putLogin('eve', addProxy(grid.users.eve.credential, { hours: 5 }))
    const env = { X509_USER_PROXY: eve }
    await box.call(['register', '--server', server, '--no-voms', '--no-check'], { env })
    const { status, stderr } = await box.call(['renew', '--force'])
    expect(status).toBe(1)
    expect(stderr).toContain('there is no login proxy, and 2 registrations')
    expect(stderr).toContain('say which with --dn DN, or --dn all for every one')
  })

  it('unregisters, removes the file, and is not registered from then on', async () => {
    await register()
    const file = await fileOf()
    const { status, stdout } = await call('unregister')
    expect(status).toBe(0)
    expect(stdout).toBe(
      `successfully unregistered ${grid.users.alice.dn}\n  proxy    removed ${file}\n`,
    )
    expect(existsSync(file)).toBe(false)
    const again = await call('--dn', grid.users.alice.dn, 'unregister')
    expect([again.status, again.stdout]).toEqual([3, ''])
  })
})
