import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  requestAuthentication,
  requestGet,
  requestPut,
  requestRenewal,
  requestStore,
  requestTrustRoots,
} from '../../../../src/myproxy/client.js'
import type { MyProxyPolicy } from '../../../../src/myproxy/server/policy/policy.js'
import { systemRandom } from '../../../../src/node/ports/random.js'
import { describeChain } from '../../../../src/proxy/chain-facts.js'
import type { Credential } from '../../../../src/proxy/credential.js'
import { encodePem } from '../../../../src/x509/pem.js'
import { encodePrivateKey } from '../../../../src/x509/private-key.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../../../support/embedded-myproxy.js'
import { rejectionOf } from '../../../support/failure.js'
import { addProxy } from '../../../support/pki.js'

const HOUR = 3600
const CA_FILE = Buffer.from('-----BEGIN CERTIFICATE-----\n')

let grid: EmbeddedGrid

beforeAll(async () => {
  grid = await startEmbeddedGrid({
    server: { guesses: { firstDelayMs: 1, maxDelayMs: 1 } },
    config: async (directory) => {
      const given = join(directory, 'given')
      await mkdir(given)
      await writeFile(join(given, '8b33482b.0'), CA_FILE, { mode: 0o644 })
      return `cert_dir ${given}\ntrusted_retrievers "*portal*"\n`
    },
  })
})
afterAll(() => grid.stop())

interface Upload {
  username: string
  credentialName?: string
  passPhrase?: string
  renewer?: string
  trustedRetriever?: string
  /** In hours; tells afterwards which credential was used. */
  storedHours?: number
}

const put = ({ renewer, trustedRetriever, storedHours = 24, ...upload }: Upload) =>
  requestPut(grid.myproxy, {
    servers: grid.servers,
    credential: grid.users.alice.credential,
    lifetimeSeconds: storedHours * HOUR,
    storedSeconds: 48 * HOUR,
    policies: { renewer, trustedRetriever },
    random: systemRandom,
    ...upload,
  })

const limited = (credential: Credential) => addProxy(credential, { policy: 'limited' })

const call = (username: string) => ({
  servers: grid.servers,
  username,
  lifetimeSeconds: 24 * HOUR,
})

const get = (username: string, passPhrase: string, credential?: Credential, rest = {}) =>
  requestGet(grid.myproxy, {
    ...call(username),
    passPhrase,
    ...(credential && { credential }),
    ...rest,
  })

const renew = (username: string, machine: Credential, current: Credential) =>
  requestRenewal(grid.myproxy, { ...call(username), machine, current })

const isLimited = ({ credential }: { credential: Credential }) =>
  describeChain(credential.chain).limited

/** Changes the policy for one piece of work. */
async function withPolicy<T>(change: MyProxyPolicy, work: () => Promise<T>): Promise<T> {
  grid.server.reconfigure({ ...grid.settings, policy: { ...grid.settings.policy, ...change } })
  try {
    return await work()
  } finally {
    grid.server.reconfigure(grid.settings)
  }
}

describe('a limited proxy', () => {
  const vobox = () => addProxy(grid.hosts.vobox.credential)
  const alice = () => addProxy(grid.users.alice.credential)
  const ways: readonly (readonly [string, () => Promise<{ credential: Credential }>])[] = [
    ['of whoever knows the pass phrase', () => get('l-pass', 'secret-pass', limited(alice()))],
    ['of the machine that renews', () => renew('l-renew', limited(vobox()), alice())],
    ['that is to be renewed', () => renew('l-renew', vobox(), limited(alice()))],
  ]

  beforeAll(async () => {
    await put({ username: 'l-pass', passPhrase: 'secret-pass' })
    await put({ username: 'l-renew', renewer: '*' })
  })

  it.each(ways)('%s gets a limited one', async (_name, ask) => {
    expect(isLimited(await ask())).toBe(true)
  })

  it.each(ways)('%s gets a full one where the flag is ignored', async (_name, ask) => {
    expect(isLimited(await withPolicy({ ignoreLimitedProxyFlag: true }, ask))).toBe(false)
  })

  it('is not what a full one gets', async () => {
    expect(isLimited(await renew('l-renew', vobox(), alice()))).toBe(false)
  })
})

describe('several credentials of one user, none of which is named', () => {
  const hoursOf = async (answer: Promise<{ credential: Credential }>) => {
    const { effectiveEnd } = describeChain((await answer).credential.chain)
    return Math.round((effectiveEnd - Date.now() / 1000) / HOUR)
  }
  const portal = () => addProxy(grid.hosts.portal.credential)
  const vobox = () => addProxy(grid.hosts.vobox.credential)
  const check = { checkMultipleCredentials: true }

  beforeAll(async () => {
    await put({ username: 'many', storedHours: 20 })
    await put({ username: 'many', credentialName: 'a', passPhrase: 'first-pass', storedHours: 1 })
    await put({ username: 'many', credentialName: 'b', passPhrase: 'other-pass', storedHours: 2 })
    await put({ username: 'many', credentialName: 'c', trustedRetriever: '*', storedHours: 3 })
    await put({ username: 'many', credentialName: 'd', renewer: '*', storedHours: 4 })
    await put({ username: 'named-only', credentialName: 'a', passPhrase: 'first-pass' })
  })

  it.each([
    ['the one of 1 h that the pass phrase opens', 1, () => get('many', 'first-pass')],
    ['the one of 2 h that the pass phrase opens', 2, () => get('many', 'other-pass')],
    ['the one of 3 h for which it is trusted', 3, () => get('many', '', portal())],
    [
      'the one of 4 h that it may renew',
      4,
      () => renew('many', vobox(), addProxy(grid.users.alice.credential)),
    ],
  ])('give a client %s', async (_name, hours, ask) => {
    expect(await withPolicy(check, () => hoursOf(ask()))).toBe(hours)
  })

  it('are not looked at without check_multiple_credentials', async () => {
    const { code } = await rejectionOf(get('many', 'first-pass'))
    expect(code).toBe('MYPROXY_PASS_PHRASE_WRONG')
  })

  it('are not looked at where there is no default one, as in the C server', async () => {
    const { code } = await withPolicy(check, () =>
      rejectionOf(get('named-only', 'first-pass', portal())),
    )
    expect(code).toBe('MYPROXY_NO_CREDENTIAL')
  })

  it('refuse a pass phrase that opens none', async () => {
    const { code } = await withPolicy(check, () => rejectionOf(get('many', 'wrong-pass')))
    expect(code).toBe('MYPROXY_PASS_PHRASE_WRONG')
  })
})

describe('a damaged credential', () => {
  /** The key is gone, the certificate is, the key opens for nobody. */
  const DAMAGES: Readonly<Record<string, (creds: string) => string>> = {
    a: (creds) => creds.replace(/-----BEGIN ENCRYPTED[\s\S]*END ENCRYPTED.*\n/, ''),
    b: (creds) => creds.replace(/CERTIFICATE-----\nM/, '$&AAA'),
    c: (creds) => creds.replace(/(ENCRYPTED PRIVATE KEY-----\n)M/, '$1AAAAM'),
  }
  const portal = () => addProxy(grid.hosts.portal.credential)
  const toldBroken = () =>
    grid.log.filter(({ event }) => event === 'stored-credential-broken').map(({ fields }) => fields)

  beforeAll(async () => {
    await put({ username: 'partly', storedHours: 20 })
    await put({ username: 'partly', credentialName: 'good', passPhrase: 'first-pass' })
    const good = await grid.repository.find('partly', 'good')
    if (good === undefined) throw new Error('nothing stored')
    const damaged = async (username: string, name: string | undefined, damage: string) => {
      const text = good.creds.toString('latin1')
      const creds = Buffer.from(DAMAGES[damage]?.(text) ?? '', 'latin1')
      expect(creds.toString('latin1')).not.toBe(text)
      const { name: _, ...data } = { ...good.data, username }
      await grid.repository.store(name ? { ...data, name } : data, creds, () => undefined)
    }
    for (const damage of ['a', 'b', 'c']) await damaged('partly', damage, damage)
    await damaged('wholly', undefined, 'b')
  })

  it('is in the way of none of the others of its user, and the log names all 3', async () => {
    grid.log.splice(0)
    const { credential } = await withPolicy({ checkMultipleCredentials: true }, () =>
      get('partly', 'first-pass'),
    )
    expect(describeChain(credential.chain).identity.oneLine).toBe(grid.users.alice.dn)
    expect(toldBroken()).toEqual([
      { stem: 'partly-a', code: 'MYPROXY_STORE_MALFORMED' },
      { stem: 'partly-b', code: 'PEM_MALFORMED' },
      { stem: 'partly-c', code: 'KEY_MALFORMED' },
    ])
  })

  it('alone is as if it were not: only who is told why hears that', async () => {
    grid.log.splice(0)
    const blind = await rejectionOf(get('wholly', 'first-pass'))
    expect(blind.data.serverMessage).toBe('invalid credential passphrase')
    const told = await rejectionOf(get('wholly', '', portal()))
    expect(told.code).toBe('MYPROXY_NO_CREDENTIAL')
    expect(toldBroken()).toHaveLength(2)
  })
})

describe('what a host stored for alice, as a primary does with its secondary', () => {
  const everybody = { authorizedRenewers: ['*'] }
  const alice = () => addProxy(grid.users.alice.credential)
  const vobox = () => addProxy(grid.hosts.vobox.credential)

  beforeAll(async () => {
    const { chain, privateKey } = grid.users.alice.credential
    await requestStore(grid.myproxy, {
      ...{ servers: grid.servers, username: 'replica', lifetimeSeconds: HOUR },
      credential: grid.hosts.vobox.credential,
      policies: { renewer: '*' },
      stored: {
        certificatesPem: chain.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
        keyPem: encodePrivateKey(privateKey),
      },
    })
  })

  it('is not for a proxy of alice to renew itself with', async () => {
    const failure = await withPolicy(everybody, () =>
      rejectionOf(renew('replica', alice(), alice())),
    )
    expect(failure.code).toBe('MYPROXY_NOT_AUTHORISED_RENEWER')
    expect(failure.data.serverMessage).toContain('(self-authz not allowed)')
  })

  it('is for her where allow_self_authorization lets it', async () => {
    const policy = { ...everybody, allowSelfAuthorization: true }
    const { credential } = await withPolicy(policy, () => renew('replica', alice(), alice()))
    expect(describeChain(credential.chain).identity.oneLine).toBe(grid.users.alice.dn)
  })

  it('is for the host that stored it, which is another than alice', async () => {
    const { credential } = await renew('replica', vobox(), alice())
    expect(describeChain(credential.chain).identity.oneLine).toBe(grid.users.alice.dn)
  })
})

describe('authentication without retrieval', () => {
  it('is served, and said to be that', async () => {
    await put({ username: 'only-asks', passPhrase: 'secret-pass' })
    await requestAuthentication(grid.myproxy, {
      servers: grid.servers,
      username: 'only-asks',
      passPhrase: 'secret-pass',
    })
    const written = () => grid.log.filter(({ fields }) => fields.username === 'only-asks')
    await expect.poll(() => written().length).toBe(2)
    expect(written()[1]).toMatchObject({
      level: 'info',
      event: 'myproxy-served',
      fields: { command: 'get', decision: 'granted', fetchedNothing: true },
    })
  })
})

describe('CA files', () => {
  const given = [{ name: '8b33482b.0', content: CA_FILE }]

  it('come to a client without a certificate', async () => {
    const { files } = await requestTrustRoots(grid.myproxy, { servers: grid.servers })
    expect(files).toEqual(given)
  })

  it('come with a proxy to a client that asks, and to no other', async () => {
    await put({ username: 'roots', passPhrase: 'secret-pass' })
    expect((await get('roots', 'secret-pass', undefined, { trustRoots: true })).trustRoots).toEqual(
      given,
    )
    expect((await get('roots', 'secret-pass')).trustRoots).toEqual([])
  })

  it('come to nobody who may retrieve nothing', async () => {
    const { code, data } = await withPolicy({ authorizedRetrievers: ['/DC=other/*'] }, () =>
      rejectionOf(requestTrustRoots(grid.myproxy, { servers: grid.servers })),
    )
    expect(code).toBe('MYPROXY_NOT_AUTHORISED')
    expect(data.serverMessage).toContain('(authorized_retrievers policy)')
  })
})
