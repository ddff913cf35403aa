/**
 * Each way in which Debian's `myproxy-server` says no: to its own client, which prints its sentence, and
 * to ours, which has the same sentence, a code for it, and a cure.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { cureOf } from '../../src/errors.js'
import { encodePem } from '../../src/x509/pem.js'
import { encodePrivateKey } from '../../src/x509/private-key.js'
import {
  BOTH_WAYS_PROGRAMS,
  type BothWaysGrid,
  expiredAlice,
  leaveStored,
  startBothWays,
} from '../support/both-ways-grid.js'
import { rejectionOf } from '../support/failure.js'
import { describeWithPrograms } from '../support/programs.js'

const HOUR = 3600
const PHRASE = 'correct horse'
const WRONG = 'battery staple'

/** Whose proxy the caller has. */
type Who = 'alice' | 'eve' | 'vobox'

interface Refusal {
  code: string
  reason: string
  /** In the server's own words. */
  says: string | RegExp
  cure: RegExp
}

const PHRASE_WRONG: Refusal = {
  ...{ code: 'MYPROXY_PASS_PHRASE_WRONG', reason: 'pass-phrase' },
  // The second where what it decrypts to looks like a key at first, about once in 256 times.
  ...{ says: /Bad password|Error reading private key/, cure: /was stored/ },
}

const noneThat = (says: string): Refusal => ({
  ...{ code: 'MYPROXY_NO_CREDENTIAL', reason: 'none-of-this-owner', says, cure: /Store one/ },
})

const notRetriever = (reason: string, says: string, cure = /-r NAME/): Refusal => ({
  ...{ code: 'MYPROXY_NOT_AUTHORISED_RETRIEVER', reason, says, cure },
})

const notOwner = (reason: string, says: string, cure: RegExp): Refusal => ({
  ...{ code: 'MYPROXY_NOT_OWNER', reason, says, cure },
})

/** A row of `myproxy-logon`: its options behind the user name, and who calls. */
const fetching = (
  title: string,
  [username, words, who, passPhrase]: readonly [string, string, Who | 'nobody', string],
  refusal: Refusal,
) => ({ title, username, words, who, passPhrase, refusal })

const FETCHES = [
  fetching('the wrong pass phrase', ['phrase', '-S', 'nobody', WRONG], PHRASE_WRONG),
  fetching('no pass phrase where one is needed', ['phrase', '-n', 'vobox', ''], {
    ...{ code: 'MYPROXY_PASS_PHRASE_REQUIRED', reason: 'pass-phrase' },
    ...{ says: 'invalid credential passphrase', cure: /Give it/ },
  }),
  fetching(
    'nothing under that name',
    ['nothing', '-S', 'vobox', PHRASE],
    noneThat('No credentials exist for username "nothing"'),
  ),
  fetching(
    'nothing of that credential name',
    ['phrase', '-S -k other', 'vobox', PHRASE],
    noneThat('credential name "other"'),
  ),
  fetching(
    'another retriever is named',
    ['for-eve', '-S', 'vobox', PHRASE],
    notRetriever('not-by-credential', "credential's authorized_retrievers policy"),
  ),
  fetching(
    'no retriever is named, and the server names none',
    ['silent', '-S', 'nobody', PHRASE],
    notRetriever('no-retriever-set', "server's default authorized_retrievers policy"),
  ),
  fetching(
    'nothing under that name, which the same server tells nobody who comes anonymously',
    ['nothing', '-S', 'nobody', PHRASE],
    notRetriever('no-retriever-set', "server's default authorized_retrievers policy"),
  ),
  fetching('an administrator locked it', ['locked', '-S', 'nobody', PHRASE], {
    ...{ code: 'MYPROXY_CREDENTIAL_LOCKED', reason: 'locked' },
    ...{ says: 'under investigation', cure: /Ask whoever runs/ },
  }),
  fetching('what is stored has expired', ['outlived', '-n', 'vobox', ''], {
    ...{ code: 'MYPROXY_CREDENTIAL_EXPIRED', reason: 'stored-expired' },
    ...{ says: 'has expired', cure: /Store a fresh one/ },
  }),
]

const KEYS = [
  {
    ...{ title: 'a key, and nobody is named who may', username: 'phrase' },
    refusal: notRetriever(
      ...(['no-retriever-set', "server's default authorized_key_retrievers policy"] as const),
      /-E NAME/,
    ),
  },
  {
    ...{ title: 'a key, and somebody else is named', username: 'key-of-eve' },
    refusal: notRetriever(
      ...(['not-by-credential', "credential's authorized_key_retrievers policy"] as const),
      /-E NAME/,
    ),
  },
]

const STORES: readonly { title: string; username: string; who: Who; refusal: Refusal }[] = [
  {
    ...{ title: 'the name is taken by another owner', username: 'phrase', who: 'eve' },
    refusal: notOwner('not-owner', 'they are not owned by', /Only who stored/),
  },
  {
    ...{ title: 'they are not among those who may', username: 'of-vobox', who: 'vobox' },
    refusal: {
      ...{ code: 'MYPROXY_NOT_AUTHORISED', reason: 'store' },
      ...{ says: 'not authorized to store credentials', cure: /accepted_credentials/ },
    },
  },
]

const looking = (
  command: 'info' | 'destroy',
  username: string,
  args: readonly string[],
  who: Who,
  refusal: Refusal,
) => ({ command, username, args, who, refusal })

const LOOKS = [
  looking('info', 'nothing', [], 'alice', noneThat('no credentials found')),
  looking('info', 'phrase', [], 'eve', noneThat('no credentials found')),
  looking('info', 'phrase', ['-k', 'other'], 'alice', noneThat('with name other')),
  looking('destroy', 'nothing', [], 'alice', noneThat('do not exist')),
  looking('destroy', 'phrase', ['-k', 'other'], 'alice', noneThat('do not exist')),
  looking('destroy', 'phrase', [], 'eve', notOwner('not-owner', 'not owned by', /Only who stored/)),
]

const NEITHER = notOwner('not-owner-or-none', 'does not own the credentials', /myproxy info/)

const CHANGES: readonly {
  title: string
  username: string
  who: Who
  old: string
  refusal: Refusal
}[] = [
  {
    ...{ title: 'the old one is wrong', username: 'phrase', who: 'alice', old: WRONG },
    refusal: PHRASE_WRONG,
  },
  {
    ...{ title: 'it is somebody else’s', username: 'phrase', who: 'eve', old: PHRASE },
    refusal: NEITHER,
  },
  {
    ...{ title: 'there is none', username: 'nothing', who: 'alice', old: PHRASE },
    refusal: NEITHER,
  },
  {
    ...{ title: 'it was stored without one', username: 'outlived', who: 'alice', old: PHRASE },
    refusal: {
      ...{ code: 'CREDENTIAL_HAS_NO_PASS_PHRASE', reason: 'no-pass-phrase' },
      ...{ says: 'invalid pass phrase', cure: /stores it again/ },
    },
  },
]

describeWithPrograms('a refusal, as their client and as ours tells it', BOTH_WAYS_PROGRAMS, () => {
  let both: BothWaysGrid
  beforeAll(async () => {
    both = await startBothWays({
      accepted_credentials: '"/DC=org/DC=example/OU=Users/*"',
      // Anonymous callers need to be named.
      default_retrievers: '"/DC=org/DC=example/*"',
      max_cred_lifetime: '200',
    })
    await storeWhatIsRefused(both)
  })
  afterAll(() => both?.grid.stop())

  const tlsOf = (who: Who | 'nobody') => (who === 'nobody' ? {} : { credential: both[who] })

  /** What their client printed after "ERROR from myproxy-server:", on one line. */
  const theirs = async (
    program: string,
    args: readonly string[],
    who: Who | 'nobody',
    input = '',
  ) => {
    const options = { input, ...(who === 'nobody' ? {} : { proxy: both.files[who] }) }
    const { exitCode, stderr } = await both.grid.run(program, args, options)
    expect(exitCode).not.toBe(0)
    const [, said = stderr] = stderr.split('ERROR from myproxy-server:\n')
    return said.replace(/\s+/g, ' ').trim()
  }

  const expectSame = async (
    ours: Promise<unknown>,
    printed: string,
    { code, reason, says, cure }: Refusal,
  ) => {
    const failure = await rejectionOf(ours)
    expect(failure).toMatchObject({ code, data: { reason } })
    expect(failure.data.serverMessage).toBe(printed)
    expect(printed).toMatch(says)
    // Which server, what it means, and its own words, for whoever asks its manager.
    expect(failure.message).toMatch(/^localhost:\d+ \(127\.0\.0\.1\) /)
    expect(failure.message).toContain(`(it says: "${printed}")`)
    expect(cureOf(failure)).toMatch(cure)
    expect(JSON.stringify([failure.message, failure.hint, failure.data])).not.toContain(WRONG)
  }

  describe('to who fetches:', () => {
    it.each(FETCHES)('$title', async ({ username, words, who, passPhrase, refusal }) => {
      const args = ['-l', username, ...words.split(' '), '-o', join(both.grid.directory, 'none')]
      const printed = await theirs('myproxy-logon', args, who, `${passPhrase}\n`)
      const credentialName = /-k (\w+)/.exec(words)?.[1]
      const call = { username, credentialName, passPhrase, lifetimeSeconds: HOUR, ...tlsOf(who) }
      await expectSame(both.client.get(call), printed, refusal)
    })

    it.each(KEYS)('$title', async ({ username, refusal }) => {
      const [certificate, key] = ['no.pem', 'no.key'].map((n) => join(both.grid.directory, n))
      const args = ['-l', username, '-S', '-c', certificate ?? '', '-y', key ?? '']
      const printed = await theirs('myproxy-retrieve', args, 'vobox', `${PHRASE}\n`)
      const call = { username, passPhrase: PHRASE, ...tlsOf('vobox') }
      await expectSame(both.client.retrieve(call), printed, refusal)
    })
  })

  describe('to who renews:', () => {
    it.each([
      [
        'no renewer is named',
        'not-renewable',
        'no-renewer-set',
        "server's default authorized_renewers",
      ],
      ['another is named', 'renewed-by-eve', 'not-by-credential', "credential's authorized_renew"],
      [
        'another is named, on a server that lets this one retrieve',
        'by-default',
        'not-renewable',
        'no passphrase authentication failed',
      ],
    ])('%s', async (_title, username, reason, says) => {
      const args = ['-l', username, '-a', both.files.alice, '-o', join(both.grid.directory, 'none')]
      const printed = await theirs('myproxy-logon', args, 'vobox')
      const proxies = { credential: both.vobox, authorization: both.alice }
      const renewal = both.client.get({ username, lifetimeSeconds: HOUR, ...proxies })
      const code = 'MYPROXY_NOT_AUTHORISED_RENEWER'
      await expectSame(renewal, printed, { code, reason, says, cure: /renewer/ })
    })
  })

  describe('to who stores:', () => {
    it.each(STORES)('$title', async ({ username, who, refusal }) => {
      const { certificatePath, keyPath, credential } = identityOf(both, who)
      const args = ['-l', username, '-c', certificatePath, '-y', keyPath]
      const printed = await theirs('myproxy-store', args, who)
      const certificatesPem = credential.chain
        .map(({ der }) => encodePem('CERTIFICATE', der))
        .join('')
      const stored = { certificatesPem, keyPem: encodePrivateKey(credential.privateKey) }
      const call = { username, lifetimeSeconds: HOUR, credential: both[who], stored }
      await expectSame(both.client.store(call), printed, refusal)
    })

    it('a longer life than the server gives: 300 hours, and 200 are allowed', async () => {
      const { alice } = both.grid.users
      const args = ['-l', 'long', '-n', '-A', '-c', '300']
      const { exitCode, stderr } = await both.grid.run('myproxy-init', args, { as: alice })
      expect(exitCode).toBe(1)
      const failure = await rejectionOf(
        both.client.put({
          ...{ username: 'long', credential: alice.credential, lifetimeSeconds: HOUR },
          storedSeconds: 300 * HOUR,
        }),
      )
      expect(failure.code).toBe('MYPROXY_LIFETIME_REFUSED')
      expect(failure.data.reason).toBe('stored-too-long')
      expect(stderr).toMatch(/lifetime .* exceeds maximum/)
      expect(failure.data.serverMessage).toMatch(/lifetime .* exceeds maximum/)
      expect(cureOf(failure)).toContain('-c')
    })

    it('a pass phrase of three characters, which their client does not even send', async () => {
      const args = ['-l', 'short', '-S', '-a', '-c', '10']
      const { alice } = both.grid.users
      const short = await both.grid.run('myproxy-init', args, { as: alice, input: 'abc\n' })
      expect(short.exitCode).toBe(1)
      expect(short.stderr).toContain('Passphrase must be at least 6 characters long.')
      const failure = await rejectionOf(
        both.client.put({
          ...{ username: 'short', credential: alice.credential, lifetimeSeconds: HOUR },
          ...{ storedSeconds: HOUR, passPhrase: 'abc' },
        }),
      )
      expect(failure.code).toBe('PASS_PHRASE_UNSUITABLE')
    })
  })

  describe('to owners and those who are not:', () => {
    it.each(LOOKS)('$command of $username $args by $who', async (row) => {
      const { command, username, args, who, refusal } = row
      const words = ['-l', username, ...args]
      const printed = await theirs(`myproxy-${command}`, words, who)
      const call = { username, credential: both[who], credentialName: args[1] }
      await expectSame(both.client[command](call), printed, refusal)
    })

    it.each(CHANGES)('a new pass phrase: $title', async ({ username, who, old, refusal }) => {
      const input = `${old}\nnew and long\n`
      const printed = await theirs('myproxy-change-pass-phrase', ['-l', username, '-S'], who, input)
      const phrases = { passPhrase: old, newPassPhrase: 'new and long' }
      const change = both.client.changePassPhrase({ username, credential: both[who], ...phrases })
      await expectSame(change, printed, refusal)
    })
  })
})

const identityOf = ({ grid }: BothWaysGrid, who: Who) =>
  who === 'vobox' ? grid.hosts.vobox : grid.users[who === 'eve' ? 'eve' : 'alice']

/** By our client, which needs no second for each; what no client can store is put there by hand. */
async function storeWhatIsRefused(both: BothWaysGrid): Promise<void> {
  const { grid, client } = both
  const { alice } = grid.users
  const put = (username: string, policies: object, passPhrase?: string) =>
    client.put({
      ...{ username, policies, passPhrase, credential: alice.credential },
      ...{ storedSeconds: 100 * HOUR, lifetimeSeconds: 20 * HOUR },
    })
  await put('phrase', { retriever: '*' }, PHRASE)
  await put('for-eve', { retriever: '*/CN=eve' }, PHRASE)
  await put('key-of-eve', { retriever: '*', keyRetriever: '*/CN=eve' }, PHRASE)
  await put('silent', {}, PHRASE)
  await put('renewed-by-eve', { renewer: '*/CN=eve', retriever: '*/CN=eve' })
  await put('by-default', { renewer: '*/CN=eve' })
  await put('not-renewable', { retriever: '*/CN=eve' })
  await put('locked', { retriever: '*' }, PHRASE)
  const store = grid.storeDirectory
  // As myproxy-admin-query -L leaves it.
  await writeFile(join(store, 'locked.lock'), 'under investigation', { mode: 0o600 })
  const lines = ['RETRIEVERS=*', 'TRUSTED_RETRIEVERS=*']
  await leaveStored(both, { username: 'outlived' }, expiredAlice(both), ...lines)
}
