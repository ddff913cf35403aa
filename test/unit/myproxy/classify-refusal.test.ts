import { describe, expect, it } from 'vitest'
import {
  challengeUnanswered,
  noCredential,
  refusal,
} from '../../../src/myproxy/classify-refusal.js'

const label = 'px.example.org:7512 (192.0.2.1)'
const us = '"/DC=org/CN=vobox.example.org"'
/** The two policies that the server tries before the renewers'. */
const retrievers = [
  `${us} not authorized by server's trusted_retrievers policy`,
  `${us} not authorized by server's default authorized_retrievers policy`,
]

/** As Debian's myproxy-server 6.2.14 said it; the one with a CRL is put together from its parts. */
const observed = [
  [
    'INFO about nothing',
    ['no credentials found for user /CN=a, owner "/CN=a" '],
    'MYPROXY_NO_CREDENTIAL',
    'none-of-this-owner',
    'permanent',
  ],
  [
    'INFO about a name that is not there',
    ['no credentials found with name foo for user /CN=a, , owner "/CN=a" '],
    'MYPROXY_NO_CREDENTIAL',
    'none-of-this-owner',
    'permanent',
  ],
  [
    'DESTROY of nothing',
    ['Credentials do not exist. '],
    'MYPROXY_NO_CREDENTIAL',
    'none-of-this-owner',
    'permanent',
  ],
  [
    'renewal of what names no renewer, or is not there',
    [...retrievers, `${us} not authorized by server's default authorized_renewers policy`],
    'MYPROXY_NOT_AUTHORISED_RENEWER',
    'no-renewer-set',
    'permanent',
  ],
  [
    'renewal of what names another renewer',
    [...retrievers, `${us} not authorized by credential's authorized_renewers policy`],
    'MYPROXY_NOT_AUTHORISED_RENEWER',
    'not-by-credential',
    'permanent',
  ],
  [
    'renewal by who is no renewer of the server',
    [...retrievers, `${us} not authorized by server's authorized_renewers policy`],
    'MYPROXY_NOT_AUTHORISED_RENEWER',
    'not-by-server',
    'permanent',
  ],
  [
    'renewal of what has a pass phrase',
    ['invalid credential passphrase'],
    'MYPROXY_PASS_PHRASE_REQUIRED',
    'pass-phrase',
    'permanent',
  ],
  [
    'a wrong pass phrase',
    ['Bad password', 'invalid credential passphrase'],
    'MYPROXY_PASS_PHRASE_WRONG',
    'pass-phrase',
    'permanent',
  ],
  [
    'a wrong pass phrase with which decryption ends by chance, and gives no key',
    ['Error reading private key /store/a.creds: wrong tag', 'invalid credential passphrase'],
    'MYPROXY_PASS_PHRASE_WRONG',
    'pass-phrase',
    'permanent',
  ],
  [
    'a locked credential',
    ['credential locked', 'under investigation'],
    'MYPROXY_CREDENTIAL_LOCKED',
    'locked',
    'permanent',
  ],
  [
    'a stored credential that has expired',
    ['X509_verify_cert() failed: certificate has expired'],
    'MYPROXY_CREDENTIAL_EXPIRED',
    'stored-expired',
    'permanent',
  ],
  [
    'a current proxy that has expired',
    [
      'certificate chain verification failed',
      'X509_verify_cert() failed: certificate has expired',
      'authentication failed',
    ],
    'MYPROXY_AUTHORISATION_REFUSED',
    'proxy-expired',
    'permanent',
  ],
  [
    'a current proxy while the CRL of the server is out of date',
    [
      'certificate chain verification failed',
      'X509_verify_cert() failed: CRL has expired',
      'authentication failed',
    ],
    'MYPROXY_AUTHORISATION_REFUSED',
    'proxy-untrusted',
    'transient',
  ],
  [
    'somebody else’s proxy',
    ['certificate subject does not match credential to be renewed', 'authentication failed'],
    'MYPROXY_AUTHORISATION_REFUSED',
    'identity-differs',
    'permanent',
  ],
  [
    'a wrong signature',
    [
      'certificate verification failed',
      'Verifying signature (EVP_VerifyFinal())',
      'error:02000068:rsa routines::bad signature',
      '',
      'authentication failed',
    ],
    'MYPROXY_AUTHORISATION_REFUSED',
    'signature',
    'transient',
  ],
  [
    'DESTROY of somebody else’s',
    ['Credentials not owned by "/CN=eve".'],
    'MYPROXY_NOT_OWNER',
    'not-owner',
    'permanent',
  ],
  [
    'PUT over somebody else’s',
    [
      'Credentials are already stored for user /CN=a',
      'and they are not owned by',
      '"/CN=eve",',
      'so you may not overwrite them.',
    ],
    'MYPROXY_NOT_OWNER',
    'not-owner',
    'permanent',
  ],
  [
    'PUT by who may not',
    ['"/CN=eve" not authorized to store credentials on this server (accepted_credentials policy)'],
    'MYPROXY_NOT_AUTHORISED',
    'store',
    'permanent',
  ],
  [
    'CHANGE_PASSPHRASE of somebody else’s, or of nothing',
    ["'/CN=eve' does not own the credentials"],
    'MYPROXY_NOT_OWNER',
    'not-owner-or-none',
    'permanent',
  ],
  [
    'CHANGE_PASSPHRASE with a wrong one',
    ['Bad password', 'invalid credential passphrase', 'invalid pass phrase'],
    'MYPROXY_PASS_PHRASE_WRONG',
    'pass-phrase',
    'permanent',
  ],
  [
    'CHANGE_PASSPHRASE where there is none',
    ['invalid pass phrase'],
    'CREDENTIAL_HAS_NO_PASS_PHRASE',
    'no-pass-phrase',
    'permanent',
  ],
  [
    'PUT with 3 characters',
    ['Pass phrase too short.  Must be at least 6 characters long.'],
    'PASS_PHRASE_UNSUITABLE',
    'server-policy',
    'permanent',
  ],
  [
    'PUT with what a policy program does not like',
    ['Pass phrase violates local policy.', 'too easy to guess'],
    'PASS_PHRASE_UNSUITABLE',
    'server-policy',
    'permanent',
  ],
  [
    'PUT for 300 h where 200 h are kept',
    ['Credential lifetime (300 hours) exceeds maximum allowed by server (200 hours).'],
    'MYPROXY_LIFETIME_REFUSED',
    'stored-too-long',
    'permanent',
  ],
  [
    'PUT under no name',
    ['Invalid username received.'],
    'MYPROXY_VALUE_INVALID',
    'username',
    'permanent',
  ],
  [
    'STORE of an expired certificate',
    ['Credentials are not valid.'],
    'MYPROXY_CREDENTIAL_UNUSABLE',
    'not-valid',
    'permanent',
  ],
  [
    'GET of what an EC key signed',
    ['Unable to delegate credentials.'],
    'MYPROXY_CREDENTIAL_UNUSABLE',
    'cannot-delegate',
    'permanent',
  ],
  [
    'RETRIEVE with a limited proxy',
    ['Client with limited proxy may not retrieve full credentials.'],
    'PROXY_LIMITED',
    'limited-caller',
    'permanent',
  ],
  [
    'RETRIEVE of what names nobody, or is not there',
    [`${us} not authorized by server's default authorized_key_retrievers policy`],
    'MYPROXY_NOT_AUTHORISED_RETRIEVER',
    'no-retriever-set',
    'permanent',
  ],
  [
    'RETRIEVE of what names others',
    [`${us} not authorized by credential's authorized_key_retrievers policy`],
    'MYPROXY_NOT_AUTHORISED_RETRIEVER',
    'not-by-credential',
    'permanent',
  ],
  [
    'RETRIEVE by whom the server does not know',
    [`${us} not authorized by server's authorized_key_retrievers policy`],
    'MYPROXY_NOT_AUTHORISED_RETRIEVER',
    'not-by-server',
    'permanent',
  ],
  [
    'GET_TRUSTROOTS by whom the server does not know',
    [
      '"<anonymous>" not authorized by server\'s authorized_retrievers policy',
      '"<anonymous>" not authorized to retrieve credentials from this server (authorized_retrievers policy)',
    ],
    'MYPROXY_NOT_AUTHORISED',
    'retrieve',
    'permanent',
  ],
  [
    'a certificate for an EC key, by a server that is a CA',
    ['Certificate generation failure.'],
    'MYPROXY_REFUSED',
    'certificate-not-made',
    'transient',
  ],
] as const

/** The last policy that is tried is the renewers', whatever was asked for. */
const asRetriever = (policy: string) => [
  '"<anonymous>" not authorized by credential\'s trusted_retrievers policy',
  `"<anonymous>" not authorized by ${policy} authorized_retrievers policy`,
  '"<anonymous>" not authorized by server\'s authorized_renewers policy',
]

/** Of who asks for a proxy with a pass phrase, or with neither that nor a proxy to be renewed. */
const observedByRetrievers = [
  [
    'pass-phrase',
    asRetriever("server's default"),
    'MYPROXY_NOT_AUTHORISED_RETRIEVER',
    'no-retriever-set',
  ],
  [
    'pass-phrase',
    asRetriever("credential's"),
    'MYPROXY_NOT_AUTHORISED_RETRIEVER',
    'not-by-credential',
  ],
  ['pass-phrase', asRetriever("server's"), 'MYPROXY_NOT_AUTHORISED_RETRIEVER', 'not-by-server'],
  ['trusted', asRetriever("server's"), 'MYPROXY_NOT_AUTHORISED_RETRIEVER', 'not-by-server'],
  ['pass-phrase', ['invalid credential passphrase'], 'MYPROXY_PASS_PHRASE_WRONG', 'pass-phrase'],
  ['trusted', ['invalid credential passphrase'], 'MYPROXY_PASS_PHRASE_REQUIRED', 'pass-phrase'],
  ['pass-phrase', ['authentication failed'], 'CREDENTIAL_HAS_NO_PASS_PHRASE', 'no-pass-phrase'],
  [
    'trusted',
    ['no passphrase', 'authentication failed'],
    'MYPROXY_NOT_AUTHORISED_RETRIEVER',
    'not-trusted',
  ],
  ['renewer', asRetriever("server's"), 'MYPROXY_NOT_AUTHORISED_RENEWER', 'not-by-server'],
] as const

describe('refusal', () => {
  it.each(observedByRetrievers)('takes for %s the lines %j as %s', (asker, lines, code, reason) => {
    const error = refusal(label, lines, asker)
    expect([error.code, error.data.reason]).toEqual([code, reason])
    expect(error.data.serverMessage).toBe(lines.join(' '))
    expect(error.hint).toBeTruthy()
  })

  it.each(observed)('classifies %s', (_what, lines, code, reason, persistence) => {
    const error = refusal(label, lines)
    expect(error.code).toBe(code)
    expect(error.data.reason).toBe(reason)
    expect(error.persistence).toBe(persistence)
    expect(error.message).toContain(label)
    expect(error.hint).toBeTruthy()
  })

  it('takes a text that it does not know for transient, and shows it', () => {
    const error = refusal(label, ['Internal error', 'try later'])
    expect(error.code).toBe('MYPROXY_REFUSED')
    expect(error.persistence).toBe('transient')
    expect(error.data).toEqual({ peer: label, serverMessage: 'Internal error try later' })
    expect(error.message).toBe(`${label} refused: "Internal error try later"`)
  })

  it('says so when a server gives no reason', () => {
    expect(refusal(label, ['']).message).toBe(`${label} refused: without saying why`)
  })

  it('lets no control character of a server through, and at most 1,000 characters', () => {
    const error = refusal(label, [`\x1b]0;owned\x07${'x'.repeat(5000)}`])
    expect(error.message).not.toMatch(/[\x00-\x1f]/)
    expect(String(error.data.serverMessage).length).toBeLessThanOrEqual(1000)
  })
})

describe('noCredential', () => {
  it('is the same code for a server that says OK and lists nothing', () => {
    expect(noCredential(label).code).toBe('MYPROXY_NO_CREDENTIAL')
  })
})

describe('challengeUnanswered', () => {
  it('tells who sent a pass phrase that none is set, and others to give one', () => {
    expect(challengeUnanswered(label, 'pass-phrase')).toMatchObject({
      code: 'CREDENTIAL_HAS_NO_PASS_PHRASE',
      data: { peer: label, reason: 'no-pass-phrase' },
    })
    expect(challengeUnanswered(label, 'trusted')).toMatchObject({
      code: 'MYPROXY_PASS_PHRASE_REQUIRED',
      data: { peer: label, reason: 'challenge-unanswered' },
    })
  })
})
