import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { derInteger, derOctetString, derOid, derSequence } from '../../../../src/asn1/der.js'
import { OID } from '../../../../src/asn1/oids.js'
import { readOk, sendRequest } from '../../../../src/myproxy/conversation.js'
import { converse } from '../../../../src/myproxy/exchanges/converse.js'
import { requestStore } from '../../../../src/myproxy/exchanges/store.js'
import type { OutgoingRequest } from '../../../../src/myproxy/request.js'
import { DEFAULT_SETTINGS } from '../../../../src/myproxy/server/server-context.js'
import type { Credential } from '../../../../src/proxy/credential.js'
import { encodePem } from '../../../../src/x509/pem.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../../../support/embedded-myproxy.js'
import { rejectionOf } from '../../../support/failure.js'
import { addProxy, realNow, TestAuthority } from '../../../support/pki.js'

let grid: EmbeddedGrid

beforeAll(async () => {
  grid = await startEmbeddedGrid()
})
afterEach(async () => {
  for (const name of ['long', 'plain']) await grid.repository.remove('alice', name, () => undefined)
})
afterAll(() => grid.stop())

const certificatesOf = ({ chain }: Credential) =>
  chain.map(({ der }) => encodePem('CERTIFICATE', der)).join('')
const keyOf = ({ privateKey }: Credential, passphrase?: string) =>
  privateKey
    .export({
      type: 'pkcs8',
      format: 'pem',
      ...(passphrase !== undefined && { cipher: 'aes-256-cbc', passphrase }),
    })
    .toString()

/** What a client sends that checks nothing before. */
const send = (
  text: string,
  as = grid.users.alice.credential,
  more: Partial<OutgoingRequest> = {},
  to: EmbeddedGrid = grid,
) =>
  converse(to.myproxy, { servers: to.servers, credential: as }, 'writes', async (channel) => {
    const username = 'alice'
    const request = { username, passPhrase: '', lifetimeSeconds: 3600, ...more }
    await sendRequest(channel, { ...request, command: 'store' })
    await readOk(channel)
    await channel.write(Buffer.from(`${text}\0`, 'latin1'))
    await readOk(channel)
  })

/** 2^30 rounds of PBKDF2. */
const costlyKey = () => {
  const derivation = derSequence(derOctetString(Buffer.alloc(8)), derInteger(2 ** 30))
  const scheme = derSequence(
    derSequence(derOid(OID.pbkdf2), derivation),
    derSequence(derOid(OID.aes256Cbc), derOctetString(Buffer.alloc(16))),
  )
  const algorithm = derSequence(derOid(OID.pbes2), scheme)
  const info = derSequence(algorithm, derOctetString(Buffer.alloc(32)))
  return encodePem('ENCRYPTED PRIVATE KEY', info)
}

const inStore = async () =>
  (await readdir(grid.storeDirectory)).filter((file) => !file.startsWith('.'))

describe('STORE', () => {
  it('keeps leaf, encrypted key and chain, and the terms beside them', async () => {
    const { alice } = grid.users
    const proxy = addProxy(alice.credential)
    await requestStore(grid.myproxy, {
      servers: grid.servers,
      username: 'alice',
      credentialName: 'long',
      credential: alice.credential,
      lifetimeSeconds: 7200,
      policies: { keyRetriever: '*/CN=alice', retriever: '*' },
      description: 'by hand',
      stored: { certificatesPem: certificatesOf(proxy), keyPem: keyOf(proxy, 'secret words') },
    })
    const stored = await grid.repository.find('alice', 'long')
    expect(stored?.data).toMatchObject({
      ...{ owner: alice.dn, lifetimeSeconds: 7200, description: 'by hand' },
      ...{ keyRetriever: '*/CN=alice', retriever: '*' },
    })
    expect(stored?.creds.toString().match(/BEGIN [A-Z ]+/g)).toEqual([
      'BEGIN CERTIFICATE',
      'BEGIN ENCRYPTED PRIVATE KEY',
      'BEGIN CERTIFICATE',
    ])
  })

  it('takes what is not the client’s own, as a primary gives it to a secondary', async () => {
    const { alice, eve } = grid.users
    await send(certificatesOf(eve.credential) + keyOf(eve.credential), alice.credential, {
      credentialName: 'plain',
    })
    expect((await grid.repository.find('alice', 'plain'))?.data.owner).toBe(alice.dn)
  })

  it('writes nothing of the text around the blocks', async () => {
    const { credential } = grid.users.alice
    const text = `Version 1\nBag Attributes\n${keyOf(credential)}subject=x\n${certificatesOf(credential)}`
    await send(text, credential, { credentialName: 'plain' })
    const creds = await readFile(join(grid.storeDirectory, 'alice-plain.creds'), 'utf8')
    expect(creds).not.toContain('Bag')
    expect(creds).not.toContain('subject')
  })
})

describe('what STORE refuses as "Credentials are not valid.", and keeps nothing of', () => {
  const alice = () => grid.users.alice.credential
  const expired = () => grid.ca.issueUser('alice', { notAfter: realNow() - 3600 })
  const untrusted = () => new TestAuthority().issueUser('alice')

  it.each([
    ['no PEM', () => 'garbage', 'KEY_MALFORMED'],
    ['no key', () => certificatesOf(alice()), 'KEY_MALFORMED'],
    ['no certificate', () => keyOf(alice(), 'secret'), 'CERTIFICATE_MALFORMED'],
    ['two keys', () => certificatesOf(alice()) + keyOf(alice()).repeat(2), 'KEY_MALFORMED'],
    ['half a key', () => certificatesOf(alice()) + keyOf(alice()).slice(0, 80), 'PEM_MALFORMED'],
    [
      'a key of somebody else',
      () => certificatesOf(alice()) + keyOf(grid.users.eve.credential),
      'PROXY_KEY_MISMATCH',
    ],
    [
      'an expired certificate',
      () => certificatesOf(expired()) + keyOf(alice(), 'x'),
      'CHAIN_EXPIRED',
    ],
    [
      'a certificate of a CA that only bears the name of ours',
      () => certificatesOf(untrusted()) + keyOf(alice(), 'x'),
      'SIGNATURE_INVALID',
    ],
    [
      'a key that would take an hour to open',
      () => certificatesOf(alice()) + costlyKey(),
      'MYPROXY_STORE_MALFORMED',
    ],
  ])('%s', async (_what, textOf, code) => {
    const before = await inStore()
    const failure = await rejectionOf(send(textOf()))
    expect(failure.data.serverMessage).toMatch(/^Credentials are not valid\. ./)
    expect(grid.log.at(-1)).toMatchObject({ event: 'myproxy-refused', fields: { code } })
    expect(await inStore()).toEqual(before)
  })
})

describe('what STORE refuses before anything is sent', () => {
  it('a client that may not store', async () => {
    const eve = grid.users.eve
    grid.server.reconfigure({
      ...DEFAULT_SETTINGS,
      policy: { acceptedCredentials: ['*/CN=alice'] },
    })
    try {
      const failure = await rejectionOf(send('never sent', eve.credential))
      expect(failure).toMatchObject({
        code: 'MYPROXY_NOT_AUTHORISED',
        data: {
          serverMessage: `"${eve.dn}" not authorized to store credentials on this server (accepted_credentials policy)`,
        },
      })
    } finally {
      grid.server.reconfigure({ ...DEFAULT_SETTINGS, policy: { acceptedCredentials: ['*'] } })
    }
  })

  it('a client whose user name belongs to another owner', async () => {
    const { alice, eve } = grid.users
    await send(certificatesOf(alice.credential) + keyOf(alice.credential, 'x'))
    const failure = await rejectionOf(send('never sent', eve.credential))
    expect(failure.code).toBe('MYPROXY_NOT_OWNER')
    expect(failure.data.serverMessage).toContain('Credentials are already stored for user alice')
  })

  it('a client without a certificate', async () => {
    const failure = await rejectionOf(
      converse(grid.myproxy, { servers: grid.servers }, 'writes', async (channel) => {
        const request = { username: 'anybody', passPhrase: '', lifetimeSeconds: 0 }
        await sendRequest(channel, { ...request, command: 'store' })
        await readOk(channel)
      }),
    )
    expect(failure.data.serverMessage).toContain('A certificate is needed')
  })
})

describe('STORE and max_cred_lifetime', () => {
  it('refuses a certificate of 100 h where 5 h are the most', async () => {
    const policy = { acceptedCredentials: ['*'] }
    const credential = grid.ca.issueUser('alice', { notAfter: realNow() + 100 * 3600 })
    grid.server.reconfigure({ ...DEFAULT_SETTINGS, policy, maxCredentialLifetimeSeconds: 5 * 3600 })
    try {
      const failure = await rejectionOf(send(certificatesOf(credential) + keyOf(credential)))
      expect(failure).toMatchObject({
        code: 'MYPROXY_LIFETIME_REFUSED',
        data: {
          serverMessage:
            'Credential lifetime (100 hours) exceeds maximum allowed by server (5 hours).',
        },
      })
    } finally {
      grid.server.reconfigure({ ...DEFAULT_SETTINGS, policy })
    }
  })
})

describe('STORE where an owner may have 1', () => {
  it('takes 2 of a client that is named, as a primary is, and 1 of whom a pattern admits', async () => {
    const quota = await startEmbeddedGrid({ maxPerOwner: 1 })
    const { alice } = quota.users
    const { portal: primary } = quota.hosts
    const policy = { acceptedCredentials: ['/DC=org/DC=example/OU=Users/*', primary.dn] }
    quota.server.reconfigure({ ...DEFAULT_SETTINGS, policy })
    const text = certificatesOf(alice.credential) + keyOf(alice.credential)
    const store = (credential: Credential, username: string) =>
      send(text, credential, { username }, quota)
    try {
      for (const username of ['first', 'second']) await store(primary.credential, username)
      await store(alice.credential, 'third')
      const failure = await rejectionOf(store(alice.credential, 'fourth'))
      expect(failure.data.serverMessage).toContain('You have 1 credentials stored here')
      expect([...(await quota.repository.stamps()).keys()].sort()).toEqual([
        'first',
        'second',
        'third',
      ])
    } finally {
      await quota.stop()
    }
  })
})
