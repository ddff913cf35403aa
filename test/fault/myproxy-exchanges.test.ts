/** Servers that answer STORE, RETRIEVE, GET_TRUSTROOTS, GET and CHANGE wrongly, and what was sent to them. */
import { createPublicKey } from 'node:crypto'
import { expect, it } from 'vitest'
import { encodeCertificateList } from '../../src/myproxy/certificate-list.js'
import {
  requestCertificate,
  requestChangePassPhrase,
  requestGet,
  requestRetrieval,
  requestStore,
  requestTrustRoots,
} from '../../src/myproxy/client.js'
import type { MyProxyRequest } from '../../src/myproxy/request.js'
import { encodeResponse } from '../../src/myproxy/response.js'
import { MAX_STORED_BYTES } from '../../src/myproxy/stored-files.js'
import { encodePem } from '../../src/x509/pem.js'
import { encodePrivateKey } from '../../src/x509/private-key.js'
import { createRequest } from '../../src/x509/request.js'
import { rejectionOf } from '../support/failure.js'
import { myproxyContext } from '../support/myproxy-context.js'
import { testKey } from '../support/pki.js'
import {
  alice,
  ca,
  challenge,
  current,
  host,
  ok,
  onlyAttempt,
  peerThat,
  readRequest,
  rightChain,
} from '../support/scripted-myproxy.js'
import type { Conversation } from '../support/scripted-peer.js'

const context = myproxyContext(ca)
const passPhrase = 'correct horse'
const certificatesPem = alice.chain.map(({ der }) => encodePem('CERTIFICATE', der)).join('')
const stored = { certificatesPem, keyPem: encodePrivateKey(alice.privateKey) }

/** A server that takes a request, answers `first`, and then does what the script says. */
async function serverThat(
  first: Buffer,
  then: (conversation: Conversation) => Promise<unknown> = async () => undefined,
) {
  const requests: MyProxyRequest[] = []
  const { port } = await peerThat(async (conversation) => {
    requests.push(await readRequest(conversation))
    await conversation.stream.write(first)
    await then(conversation)
  })
  return { requests, call: { servers: [{ host, port }], username: 'alice' } }
}

const gives = (...parts: (Buffer | string)[]) => ({
  script: async ({ stream }: Conversation) => {
    for (const part of parts) await stream.write(Buffer.from(part))
  },
})

it('STORE sends certificate and key with one NUL at their end, and both pass phrases to nobody', async () => {
  let sent = ''
  const { requests, call } = await serverThat(ok, async ({ stream }) => {
    sent = (await stream.readUntilNul(100_000)).toString()
    await stream.write(ok)
  })
  const policies = { keyRetriever: '*/CN=alice' }
  await requestStore(context, {
    ...call,
    credential: current,
    stored,
    lifetimeSeconds: 60,
    policies,
  })
  expect(sent).toBe(`${certificatesPem}${stored.keyPem}`)
  expect(requests).toEqual([
    {
      command: 'store',
      username: 'alice',
      passPhrase: '',
      lifetimeSeconds: 60,
      keyRetriever: '*/CN=alice',
    },
  ])
})

it('CHANGE_PASSPHRASE sends the old and the new one', async () => {
  const { requests, call } = await serverThat(ok)
  const newPassPhrase = Buffer.from('battery staple')
  await requestChangePassPhrase(context, {
    ...call,
    credential: current,
    passPhrase,
    newPassPhrase,
  })
  expect(requests).toMatchObject([
    { command: 'change-pass-phrase', passPhrase, newPassPhrase: 'battery staple' },
  ])
})

it('a pass phrase with a line break is refused before it is sent, and not shown', async () => {
  const { requests, call } = await serverThat(ok)
  const evil = 'x\nRENEWER=*'
  const failure = await rejectionOf(
    requestGet(context, { ...call, passPhrase: evil, lifetimeSeconds: 60 }),
  )
  expect(failure).toMatchObject({ code: 'MYPROXY_VALUE_INVALID', data: { key: 'PASSPHRASE' } })
  expect(failure.message).not.toContain('RENEWER')
  expect(requests).toEqual([])
})

it.each([
  [`more than ${MAX_STORED_BYTES} bytes`, 'x'.repeat(MAX_STORED_BYTES + 1), 'MESSAGE_TOO_LARGE'],
  ['half of what was announced, and then nothing', '-----BEGIN', 'CONNECTION_CLOSED'],
])('RETRIEVE of %s fails as a server that cannot be used', async (_what, text, code) => {
  const { call } = await serverThat(ok, gives(text).script)
  const attempt = await onlyAttempt(requestRetrieval(context, { ...call, passPhrase }))
  expect(attempt.code).toBe(code)
})

it.each([
  ['no PEM at all', 'hello\0', 'KEY_MALFORMED'],
  ['a certificate without a key', `${certificatesPem}\0`, 'KEY_MALFORMED'],
  [
    'somebody else’s key',
    `${certificatesPem}${encodePrivateKey(testKey('p256', 'else'))}\0`,
    'PROXY_KEY_MISMATCH',
  ],
])('RETRIEVE of %s is refused', async (_what, text, code) => {
  const { call } = await serverThat(ok, gives(text, ok).script)
  const failure = await rejectionOf(requestRetrieval(context, { ...call, passPhrase }))
  expect(failure.code).toBe(code)
})

it('RETRIEVE reads an error where certificate and key are due', async () => {
  const error = encodeResponse({ kind: 'error', messages: ['credential locked', 'ask Bob'] })
  const { call } = await serverThat(ok, gives(error).script)
  const failure = await rejectionOf(requestRetrieval(context, { ...call, passPhrase }))
  expect(failure).toMatchObject({
    code: 'MYPROXY_CREDENTIAL_LOCKED',
    data: { serverMessage: 'credential locked ask Bob' },
  })
})

it('GET_TRUSTROOTS takes nothing of an answer with a name that leads elsewhere', async () => {
  const content = Buffer.from('evil')
  const trustRoots = [
    { name: '8b33482b.0', content },
    { name: '../../etc/cron.d/x.pem', content },
  ]
  const answer = encodeResponse({ kind: 'ok', credentials: [], trustRoots })
  const { requests, call } = await serverThat(answer)
  const attempt = await onlyAttempt(requestTrustRoots(context, call))
  expect(attempt.code).toBe('PROTOCOL_VIOLATION')
  expect(attempt.message).toContain('"../../etc/cron.d/x.pem"')
  expect(requests).toMatchObject([{ command: 'get-trust-roots', trustedCertificates: '1' }])
})

it('GET signs no challenge for who sent a pass phrase, and says what that means', async () => {
  const { call } = await serverThat(challenge)
  const failure = await rejectionOf(
    requestGet(context, { ...call, passPhrase, lifetimeSeconds: 60 }),
  )
  expect(failure.code).toBe('CREDENTIAL_HAS_NO_PASS_PHRASE')
  const without = await serverThat(challenge)
  expect(
    (await rejectionOf(requestGet(context, { ...without.call, lifetimeSeconds: 60 }))).code,
  ).toBe('MYPROXY_PASS_PHRASE_REQUIRED')
})

it('GET with a given request takes no certificate for another key', async () => {
  const request = createRequest(testKey('p256', 'the request'))
  const { call } = await serverThat(ok, async ({ stream }) => {
    expect(await stream.readDer(10_000)).toEqual(Buffer.from(request))
    const chain = rightChain(createPublicKey(testKey('p256', 'another')))
    await stream.write(encodeCertificateList(chain))
    await stream.write(ok)
  })
  const failure = await rejectionOf(
    requestCertificate(context, { ...call, passPhrase, request, lifetimeSeconds: 60 }),
  )
  expect(failure.code).toBe('PROXY_KEY_MISMATCH')
})
