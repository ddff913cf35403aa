import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { derOctetString, derOid, derSequence } from '../../../../src/asn1/der.js'
import { requestGet, requestPut, requestRetrieval } from '../../../../src/myproxy/client.js'
import { ENCRYPTED_KEY_LABEL } from '../../../../src/myproxy/server/store/key-protection.js'
import { encodeStoredFiles } from '../../../../src/myproxy/server/store/stored-credential.js'
import { systemRandom } from '../../../../src/node/ports/random.js'
import type { Random } from '../../../../src/ports/random.js'
import { encodePem } from '../../../../src/x509/pem.js'
import { type EmbeddedGrid, startEmbeddedGrid } from '../../../support/embedded-myproxy.js'
import { rejectionOf } from '../../../support/failure.js'
import { addProxy } from '../../../support/pki.js'

const PASS_PHRASE = 'secret-pass'

let grid: EmbeddedGrid
/** What the server pretended to decrypt: a salt of its own each time. */
let pretended = 0

const random: Random = {
  ...systemRandom,
  bytes(length) {
    pretended += length === 16 ? 1 : 0
    return systemRandom.bytes(length)
  },
}

beforeAll(async () => {
  grid = await startEmbeddedGrid({
    config: 'authorized_key_retrievers "*"\n',
    server: { random, guesses: { firstDelayMs: 1, maxDelayMs: 1 } },
  })
  const retriever = '*/CN=portal.example.org'
  await put('of-portal', PASS_PHRASE, { retriever, keyRetriever: retriever })
  await put('plain', '', { renewer: '*', keyRetriever: '*' })
  await put('keeps-its-key', PASS_PHRASE, { retriever, keyRetriever: retriever })
  const unknownForm = derSequence(
    derSequence(derOid('1.2.3.4'), derSequence()),
    derOctetString(Buffer.alloc(32)),
  )
  await storeWithKey('of-unknown-form', unknownForm)
  await storeWithKey('with-damaged-key', unknownForm.subarray(0, 8))
})
afterAll(() => grid.stop())

const put = (username: string, passPhrase: string, policies: Record<string, string>) =>
  requestPut(grid.myproxy, {
    ...{ servers: grid.servers, username, passPhrase, policies },
    ...{ credential: grid.users.alice.credential, random: systemRandom },
    ...{ storedSeconds: 3600, lifetimeSeconds: 3600 },
  })

/** As it may lie there after a change of servers, or of disks. */
const storeWithKey = (username: string, key: Uint8Array) => {
  const { chain } = grid.users.alice.credential
  const creds = encodeStoredFiles({ chain, keyPem: encodePem(ENCRYPTED_KEY_LABEL, key) })
  const data = { username, owner: grid.users.alice.dn, lifetimeSeconds: 3600, keyRetriever: '*' }
  return grid.repository.store(data, creds, () => undefined)
}

const NAMES = [
  ...['nothing-here', 'of-portal', 'plain', 'keeps-its-key'],
  ...['of-unknown-form', 'with-damaged-key'],
]

describe.each([
  ['GET', requestGet],
  ['RETRIEVE', requestRetrieval],
] as const)('%s by a client that could only come with a pass phrase', (_command, request) => {
  it.each(['nobody', 'eve'])(
    'costs %s one guess and says one thing, whatever is there',
    async (who) => {
      const credential = who === 'eve' ? addProxy(grid.users.eve.credential) : undefined
      for (const username of NAMES) {
        pretended = 0
        const call = { servers: grid.servers, username, lifetimeSeconds: 3600, credential }
        const { data } = await rejectionOf(
          request(grid.myproxy, { ...call, passPhrase: PASS_PHRASE }),
        )
        expect([data.serverMessage, pretended], username).toEqual([
          'invalid credential passphrase',
          1,
        ])
      }
      // The administrator is told.
      const refused = grid.log.filter(({ event }) => event === 'myproxy-refused').slice(-6)
      expect(refused.map(({ fields }) => fields.because)).toEqual([
        ...['not-stored', 'policy', undefined, 'policy', undefined, undefined],
      ])
    },
  )
})
