import { describe, expect, it } from 'vitest'
import { noCredential, refusal } from '../../../src/myproxy/classify-refusal.js'

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
    'MYPROXY_PASS_PHRASE_REQUIRED',
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
] as const

describe('refusal', () => {
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
