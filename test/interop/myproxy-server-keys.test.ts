/**
 * Certificates with their keys on a server of ours, by Debian's `myproxy-store`, `myproxy-retrieve`
 * and `myproxy-change-pass-phrase`; and Debian's server on the same directory, asked the same.
 */
import { createPrivateKey } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { describeChain } from '../../src/proxy/chain-facts.js'
import { parseCredential } from '../../src/proxy/credential.js'
import { askMyProxy } from '../support/ask-myproxy.js'
import { type CServer, startCServer } from '../support/c-server.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../support/embedded-myproxy.js'
import { addProxy } from '../support/pki.js'
import { describeWithPrograms } from '../support/programs.js'
import type { RunOptions } from '../support/real-peers.js'
import { makeTemporaryDirectory } from '../support/temporary-directory.js'

const PROGRAMS = [
  'myproxy-server',
  'myproxy-store',
  'myproxy-retrieve',
  'myproxy-change-pass-phrase',
  'myproxy-logon',
]

const SITE = `accepted_credentials "/DC=org/DC=example/*"
authorized_retrievers "*"
default_retrievers "*"
authorized_renewers "/DC=org/DC=example/OU=Hosts/*"
default_renewers "none"
authorized_key_retrievers "/DC=org/DC=example/*"
default_key_retrievers "none"
trusted_retrievers "/DC=org/DC=example/OU=Hosts/*"
default_trusted_retrievers "none"
`

/** Refuses one pass phrase, and says with which words it was called. */
const POLICY = `#!/bin/sh
read word
[ "$word" != common-secret ] && exit 0
echo "$word is common ($#: $1 $2)"
echo 'choose another' >&2
exit 7
`

const OLD = 'old-secret'
const NEW = 'new-secret'

describeWithPrograms('a key on a server of ours', PROGRAMS, () => {
  let grid: EmbeddedGrid
  let real: CServer
  let programs: Awaited<ReturnType<typeof makeTemporaryDirectory>>
  /** Encrypted with {@link OLD}, and plain. */
  let encryptedKey: string
  let plainKey: string
  const files: Record<string, { cert: string; key: string }> = {}

  beforeAll(async () => {
    programs = await makeTemporaryDirectory()
    const policy = join(programs.path, 'policy')
    await writeFile(policy, POLICY, { mode: 0o755 })
    const config = `${SITE}passphrase_policy_program ${policy}\n`
    const guesses = { firstDelayMs: 1, maxDelayMs: 1 }
    grid = await startEmbeddedGrid({ key: 'rsa2048', config, server: { guesses } })
    real = await startCServer(grid, 'c-server', config, grid.storeDirectory)
    const { alice } = grid.users
    const { privateKey } = alice.credential
    plainKey = alice.keyPath
    encryptedKey = join(grid.directory, 'alice-encrypted.pem')
    const options = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc' } as const
    const pem = privateKey.export({ ...options, passphrase: OLD })
    await writeFile(encryptedKey, pem, { mode: 0o600 })
    for (const [name, one] of Object.entries({ ...grid.users, ...grid.hosts })) {
      files[name] = { cert: one.certificatePath, key: one.keyPath }
    }
    const { vobox } = grid.hosts
    const limited = addProxy(vobox.credential, { key: 'rsa2048', policy: 'limited' })
    const path = await grid.writeProxy('vobox.limited', limited)
    files['a limited vobox'] = { cert: path, key: path }
  })
  afterAll(async () => {
    real?.stop()
    await grid?.stop()
    await programs?.remove()
  })

  const run = async (program: string, args: readonly string[], options: RunOptions = {}) => {
    const result = await grid.run(program, args, options)
    return { ...result, said: `${result.stdout}\n${result.stderr}` }
  }

  const store = async (args: readonly string[], keyPath = encryptedKey) => {
    const { alice } = grid.users
    const words = ['-c', alice.certificatePath, '-y', keyPath, '-t', '24', ...args]
    const stored = await run('myproxy-store', words, { as: alice })
    expect(stored.exitCode, stored.said).toBe(0)
  }
  let retrievals = 0
  const retrieve = (args: readonly string[], options: RunOptions) => {
    retrievals += 1
    const to = (kind: string) => join(grid.directory, `retrieved-${retrievals}-${kind}.pem`)
    const words = ['-c', to('cert'), '-y', to('key'), ...args]
    return { retrieved: run('myproxy-retrieve', words, options), to }
  }
  const change = (username: string, from: string, to: string, env = {}, as = grid.users.alice) =>
    run('myproxy-change-pass-phrase', ['-S', '-l', username], {
      as,
      input: `${from}\n${to}\n`,
      env,
    })

  /** Whose proxy a pass phrase brings, or what was said instead. */
  const logon = async (username: string, passPhrase: string) => {
    const out = join(grid.directory, 'logged-on')
    const words = ['-S', '-t', '2', '-l', username, '-o', out]
    const got = await run('myproxy-logon', words, { input: `${passPhrase}\n` })
    if (got.exitCode !== 0) return got.said
    const { identity } = describeChain(parseCredential(await readFile(out)).chain)
    return identity.oneLine
  }

  const sameKey = async (path: string) =>
    createPrivateKey(await readFile(path)).equals(grid.users.alice.credential.privateKey)

  it('is stored by `myproxy-store` and fetched by `myproxy-retrieve`, which opens it', async () => {
    await store(['-l', 'kept', '-E', 'eve'])
    const { retrieved, to } = retrieve(['-S', '-l', 'kept'], {
      as: grid.users.eve,
      input: `${OLD}\n`,
    })
    const { exitCode, said } = await retrieved
    expect(exitCode, said).toBe(0)
    expect(await sameKey(to('key'))).toBe(true)
    expect(await readFile(to('cert'), 'utf8')).toContain('BEGIN CERTIFICATE')
  })

  it('is fetched without a pass phrase (`-n`) by a trusted host alone, where it has none', async () => {
    await store(['-l', 'open', '-E', 'vobox.example.org', '-Z', 'vobox.example.org'], plainKey)
    const { retrieved, to } = retrieve(['-n', '-l', 'open'], { as: grid.hosts.vobox })
    const { exitCode, said } = await retrieved
    expect(exitCode, said).toBe(0)
    expect(await sameKey(to('key'))).toBe(true)
    const refused = await retrieve(['-n', '-l', 'open'], { as: grid.hosts.portal }).retrieved
    expect(refused.exitCode).not.toBe(0)
    expect(refused.said).toContain("credential's authorized_key_retrievers policy")
  })

  it('is fetched by a renewer with a proxy of its owner (`-a`) who is a retriever too, as in the man page', async () => {
    const authorising = await grid.writeProxy(
      'alice.renewing',
      addProxy(grid.users.alice.credential, { key: 'rsa2048' }),
    )
    const anyHost = ['-E', 'vobox.example.org', '-R', 'vobox.example.org']
    await store(['-l', 'renewed', ...anyHost], plainKey)
    await store(['-l', 'renewed-only', ...anyHost, '-r', 'eve'], plainKey)
    const asRenewer = (username: string, env = {}) =>
      retrieve(['-n', '-a', authorising, '-l', username], { as: grid.hosts.vobox, env })
    const both = asRenewer('renewed')
    expect((await both.retrieved).said).toContain('have been stored')
    expect(await sameKey(both.to('key'))).toBe(true)
    const refused = await asRenewer('renewed-only').retrieved
    expect(refused.exitCode).not.toBe(0)
    expect(refused.said).toContain("credential's authorized_retrievers policy")
    // Its own page says otherwise, but the C server does not ask the second time.
    const theirs = await asRenewer('renewed-only', {
      MYPROXY_SERVER_PORT: String(real.port),
    }).retrieved
    expect(theirs.said).toContain('have been stored')
    const words = [
      '-n',
      '-a',
      authorising,
      '-l',
      'renewed-only',
      '-o',
      join(grid.directory, 'short'),
    ]
    expect((await run('myproxy-logon', words, { as: grid.hosts.vobox })).exitCode).toBe(0)
  })

  it('is changed by `myproxy-change-pass-phrase` on ours, and the C server opens it', async () => {
    await store(['-l', 'changing'])
    const changed = await change('changing', OLD, NEW)
    expect(changed.exitCode, changed.said).toBe(0)
    // The C server opens a key six times for one request, and each time costs, on purpose.
    const get = ['COMMAND=0', 'USERNAME=changing', `PASSPHRASE=${NEW}`, 'LIFETIME=0']
    const answer = await askMyProxy({ port: real.port, as: files.eve, lines: get })
    expect(verdict(answer), answer).toBe('0')
    expect(await logon('changing', OLD)).toContain('invalid credential passphrase')
  })

  it('is changed by `myproxy-change-pass-phrase` on the C server, and ours opens it', async () => {
    await store(['-a', '-l', 'changed'])
    const changed = await change('changed', OLD, NEW, { MYPROXY_SERVER_PORT: String(real.port) })
    expect(changed.exitCode, changed.said).toBe(0)
    expect(await logon('changed', NEW)).toBe(grid.users.alice.dn)
    expect(await logon('changed', OLD)).toContain('invalid credential passphrase')
  })

  it('has no pass phrase any more when its owner changed it to an empty one', async () => {
    await store(['-l', 'opened', '-Z', 'vobox.example.org'])
    const lines = ['COMMAND=4', 'USERNAME=opened', `PASSPHRASE=${OLD}`, 'NEW_PHRASE=', 'LIFETIME=0']
    const answer = await askMyProxy({ port: grid.port, as: files.alice, lines })
    expect(answer).toContain('RESPONSE=0')
    const get = ['COMMAND=0', 'USERNAME=opened', 'PASSPHRASE=', 'LIFETIME=0']
    const answers = await askBoth('vobox', get)
    expect(answers.map(verdict)).toEqual(['0', '0'])
  })

  const askBoth = (who: string, lines: readonly string[]) =>
    Promise.all([grid.port, real.port].map((port) => askMyProxy({ port, as: files[who], lines })))

  /** 0: yes; 1: no; 2: sign a challenge. */
  const verdict = (answer: string) => /^RESPONSE=(.)$/m.exec(answer)?.[1]

  it('is given, refused or challenged for as the C server does it', async () => {
    await store(['-l', 'all', '-E', '*'])
    await store(['-l', 'none'])
    await store(['-l', 'eves', '-E', 'eve', '-r', 'eve'])
    await store(['-l', 'mixed', '-E', '*', '-r', 'alice'])
    await store(['-l', 'trusting', '-E', '*', '-Z', 'vobox.example.org'], plainKey)
    await store(['-l', 'renewing', '-E', '*', '-R', 'vobox.example.org'], plainKey)
    const expected: [who: string, username: string, passPhrase: string, verdict: string][] = [
      ['eve', 'all', OLD, '0'],
      ['eve', 'all', NEW, '1'],
      ['eve', 'all', '', '1'],
      ['nobody', 'all', OLD, '1'],
      ['eve', 'none', OLD, '1'],
      ['eve', 'eves', OLD, '0'],
      ['portal', 'eves', OLD, '1'],
      ['eve', 'mixed', OLD, '1'],
      ['vobox', 'trusting', '', '0'],
      ['a limited vobox', 'trusting', '', '1'],
      ['eve', 'trusting', '', '1'],
      ['vobox', 'renewing', '', '2'],
      ['eve', 'nothing', OLD, '1'],
    ]
    for (const [who, username, passPhrase, due] of expected) {
      const request = [
        'COMMAND=6',
        `USERNAME=${username}`,
        `PASSPHRASE=${passPhrase}`,
        'LIFETIME=0',
      ]
      const answers = await askBoth(who, request)
      expect([who, username, ...answers.map(verdict)], answers.join('\n')).toEqual([
        who,
        username,
        due,
        due,
      ])
    }
  })

  it.each([
    ['RETRIEVE by whom the server does not list', 'nobody', '6', 'all', OLD],
    ['RETRIEVE of what names nobody', 'vobox', '6', 'none', OLD],
    ['RETRIEVE by whom the key does not name', 'portal', '6', 'eves', OLD],
    ['RETRIEVE by who is no retriever', 'vobox', '6', 'mixed', OLD],
    ['RETRIEVE with a limited proxy', 'a limited vobox', '6', 'trusting', ''],
    ['RETRIEVE of nothing', 'vobox', '6', 'nothing', OLD],
    ['a change by somebody else', 'eve', '4', 'all', OLD],
    ['a change of nothing', 'alice', '4', 'nothing', OLD],
    ['a change without a certificate', 'nobody', '4', 'all', OLD],
    ['a change with a wrong pass phrase', 'alice', '4', 'all', NEW],
    ['a change without one', 'alice', '4', 'all', ''],
    ['a change of a key that has none', 'alice', '4', 'trusting', ''],
    ['a change to five characters', 'alice', '4', 'all', OLD, 'abcde'],
    ['a change to what the policy program refuses', 'alice', '4', 'all', OLD, 'common-secret'],
    ['PUT with what it refuses', 'alice', '1', 'new', 'common-secret'],
    ['PUT with five characters', 'alice', '1', 'new', 'abcde'],
    ['STORE over what is not owned', 'eve', '5', 'all', ''],
  ])(
    'is refused in the same words: %s',
    async (_what, who, command, username, old, fresh = NEW) => {
      const lines = [
        `COMMAND=${command}`,
        `USERNAME=${username}`,
        `PASSPHRASE=${old}`,
        'LIFETIME=0',
      ]
      const [ours, theirs] = await askBoth(who, [...lines, `NEW_PHRASE=${fresh}`])
      expect(verdict(ours ?? '')).toBe('1')
      expect(wordsOf(ours)).toEqual(wordsOf(theirs))
    },
  )
})

function wordsOf(answer: string | undefined): string[] {
  return (answer ?? '').split('\n').map((line) => line.trimEnd())
}
