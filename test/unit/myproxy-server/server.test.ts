import { readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { requestDestroy, requestPut, requestRenewal } from '../../../src/myproxy/client.js'
import { systemRandom } from '../../../src/node/ports/random.js'
import { describeChain } from '../../../src/proxy/chain-facts.js'
import { encodeCredential } from '../../../src/proxy/credential.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../../support/embedded-myproxy.js'
import { rejectionOf } from '../../support/failure.js'
import { CountingKeys } from '../../support/myproxy-context.js'
import { callsTo } from '../../support/owner-calls.js'
import { addProxy, realNow } from '../../support/pki.js'

const HOUR = 3600

let grid: EmbeddedGrid

beforeAll(async () => {
  grid = await startEmbeddedGrid()
})
afterAll(() => grid.stop())

const { put, renew, info } = callsTo(() => grid)

describe('a server of ours, asked by a client of ours', () => {
  it('stores, shows, renews for 12 h and removes a credential', async () => {
    await put({ description: 'for the VO-Box', renewer: '*/CN=vobox.example.org' })
    const { credentials } = await info(grid.users.alice.dn, addProxy(grid.users.alice.credential))
    expect(credentials).toHaveLength(1)
    expect(credentials[0]).toMatchObject({
      owner: grid.users.alice.dn,
      description: 'for the VO-Box',
      renewer: '*/CN=vobox.example.org',
    })
    expect((credentials[0]?.end ?? 0) - realNow()).toBeGreaterThan(167 * HOUR)

    const { credential } = await renew()
    const facts = describeChain(credential.chain)
    expect(facts.identity.oneLine).toBe(grid.users.alice.dn)
    expect(facts.kind).toBe('rfc3820')
    expect(facts.depth).toBe(2)
    expect(Math.abs(facts.effectiveEnd - realNow() - 12 * HOUR)).toBeLessThan(120)

    const { alice } = grid.users
    await requestDestroy(grid.myproxy, {
      servers: grid.servers,
      username: alice.dn,
      credential: alice.credential,
    })
    const gone = await rejectionOf(info(alice.dn, alice.credential))
    expect(gone.code).toBe('MYPROXY_NO_CREDENTIAL')
  })

  it.each([
    ['the 2 h stored with it to whoever asks for 12', { lifetimeSeconds: 2 * HOUR }, 12, 2],
    ['the 3 h stored with it to whoever asks for 0', { lifetimeSeconds: 3 * HOUR }, 0, 3],
    ['no more than the 4 h that it lives itself', { storedSeconds: 4 * HOUR }, 12, 4],
  ])('gives %s', async (_name, upload, asked, granted) => {
    await put({ username: 'lifetimes', ...upload })
    const { credential } = await renew({
      username: 'lifetimes',
      lifetimeSeconds: asked * HOUR,
    })
    const left = describeChain(credential.chain).effectiveEnd - realNow()
    expect(Math.abs(left - granted * HOUR)).toBeLessThan(120)
  })

  it('keeps credentials of one user apart by their names', async () => {
    await put({ username: 'named', credentialName: 'short', lifetimeSeconds: HOUR })
    await put({ username: 'named', credentialName: 'long/one', lifetimeSeconds: 24 * HOUR })
    const { credentials } = await info('named', grid.users.alice.credential)
    expect(credentials.map(({ name }) => name)).toEqual(['long/one', 'short'])
    const { credential } = await renew({ username: 'named', credentialName: 'short' })
    const left = describeChain(credential.chain).effectiveEnd - realNow()
    expect(left).toBeLessThanOrEqual(HOUR)
    const none = await rejectionOf(renew({ username: 'named' }))
    expect(none.code).toBe('MYPROXY_NO_CREDENTIAL')
  })

  it('passes a limited stored credential on as limited', async () => {
    const limited = addProxy(grid.users.alice.credential, { policy: 'limited' })
    await put({ username: 'limited', as: limited })
    const { credential } = await renew({ username: 'limited' })
    expect(describeChain(credential.chain).limited).toBe(true)
  })
})

describe('a credential that the administrator locked with `myproxy-admin-query --lock`', () => {
  it('is shown with the reason, given to nobody, and replaced or removed by its owner', async () => {
    const username = 'lock-me'
    const { alice } = grid.users
    const lock = join(grid.storeDirectory, `${username}.lock`)
    await put({ username })
    await writeFile(lock, 'stolen\u001b[2J laptop', { mode: 0o600 })

    const { credentials } = await info(username, alice.credential)
    expect(credentials[0]?.lockMessage).toBe('stolen [2J laptop')
    const refused = await rejectionOf(renew({ username }))
    expect(refused.code).toBe('MYPROXY_CREDENTIAL_LOCKED')
    expect(refused.data.serverMessage).toBe('credential locked stolen [2J laptop')

    await put({ username })
    await renew({ username })
    await writeFile(lock, 'again', { mode: 0o600 })
    const servers = grid.servers
    await requestDestroy(grid.myproxy, { servers, username, credential: alice.credential })
    const left = await readdir(grid.storeDirectory)
    expect(left.filter((name) => name.startsWith(username))).toEqual([])
  })
})

describe('a server of ours and what it has stored', () => {
  it('keeps a key without a pass phrase as it is and one with it encrypted', async () => {
    await put({ username: 'plain' })
    await put({ username: 'encrypted', passPhrase: 'secret-pass' })
    const creds = async (name: string) => (await grid.repository.find(name, undefined))?.creds
    expect((await creds('plain'))?.toString()).toContain('BEGIN PRIVATE KEY')
    const encrypted = (await creds('encrypted'))?.toString()
    expect(encrypted).toContain('BEGIN ENCRYPTED PRIVATE KEY')
    expect(encrypted).not.toContain('BEGIN PRIVATE KEY')
  })

  it('refuses to renew from a credential that has expired since, and says so', async () => {
    const { alice } = grid.users
    const expired = addProxy(alice.credential, { notAfter: realNow() - 5 })
    await grid.repository.store(
      { username: 'expired', owner: alice.dn, lifetimeSeconds: 0, renewer: '*' },
      encodeCredential(expired),
      () => undefined,
    )
    const error = await rejectionOf(renew({ username: 'expired' }))
    expect(error.code).toBe('MYPROXY_CREDENTIAL_EXPIRED')
    const { credentials } = await info('expired', alice.credential)
    expect(credentials[0]?.end).toBeLessThan(realNow())
  })
})

describe('a server of ours that is configured otherwise', () => {
  it('caps what it delegates at an hour, and what it takes at a day', async () => {
    const capped = await startEmbeddedGrid({
      config: 'max_proxy_lifetime 1\nmax_cred_lifetime 24\n',
    })
    try {
      const { alice } = capped.users
      const call = {
        servers: capped.servers,
        username: alice.dn,
        credential: alice.credential,
        lifetimeSeconds: 0,
        policies: { renewer: '*' },
        random: systemRandom,
      }
      const error = await rejectionOf(
        requestPut(capped.myproxy, { ...call, storedSeconds: 48 * HOUR }),
      )
      expect(error.data.serverMessage).toBe(
        'Credential lifetime (48 hours) exceeds maximum allowed by server (24 hours).',
      )
      await requestPut(capped.myproxy, { ...call, storedSeconds: 12 * HOUR })
      const { credential } = await requestRenewal(capped.myproxy, {
        servers: capped.servers,
        username: alice.dn,
        lifetimeSeconds: 0,
        machine: capped.hosts.vobox.credential,
        current: alice.credential,
      })
      const left = describeChain(credential.chain).effectiveEnd - realNow()
      expect(Math.abs(left - HOUR)).toBeLessThan(120)
    } finally {
      await capped.stop()
    }
  })

  it('makes no key for somebody who stores 2 credentials already, where that is the limit', async () => {
    const keys = new CountingKeys()
    const limited = await startEmbeddedGrid({ maxPerOwner: 2, server: { keys } })
    const store = (username: string, owner = limited.users.alice) =>
      requestPut(limited.myproxy, {
        servers: limited.servers,
        username,
        credential: owner.credential,
        storedSeconds: 24 * HOUR,
        lifetimeSeconds: 12 * HOUR,
        random: systemRandom,
      })
    try {
      for (const username of ['one', 'two', 'two']) await store(username)
      expect(keys.made).toBe(3)
      const error = await rejectionOf(store('three'))
      expect(error.data.serverMessage).toContain('You have 2 credentials stored here')
      expect(keys.made).toBe(3)
      await store('three', limited.users.eve)
      expect(keys.made).toBe(4)
    } finally {
      await limited.stop()
    }
  })
})
