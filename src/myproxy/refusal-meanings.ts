/**
 * What the sentences of a MyProxy server mean. The protocol has no codes, only English; so here, and
 * nowhere else, the texts are read.
 *
 * They are those of Debian's myproxy-server 6.2.14, provoked one by one. The order matters: a server
 * lists every policy that did not match before the one that decided, and "authentication failed"
 * comes last.
 */
import type { ErrorCode, Persistence } from '../errors.js'

/**
 * In what role the refused request was made, where the same words mean another thing: by the proxy
 * that is to be renewed, with a pass phrase, or as who needs neither; absent for other commands.
 */
export type Asker = 'renewer' | 'pass-phrase' | 'trusted'

export interface Meaning {
  /** Found in the server's lines, joined with spaces. */
  text: RegExp
  /** Whose request it must have been; absent: anybody's. */
  of?: readonly Asker[]
  code: ErrorCode
  /** For programs: which of the causes behind one code; in `data.reason`. */
  reason: string
  /** What failed, after "host:port". */
  says: string
  hint: string
  /** Only where it differs from the code's own. */
  persistence?: Persistence
}

const UPLOAD = 'vobox-proxy myproxy init --for-vobox'
const RETRIEVERS: readonly Asker[] = ['pass-phrase', 'trusted']
const NAME_RETRIEVER =
  'Its owner stores it with -r NAME, or with -a for who has no certificate; the server must allow that too'

/** Who may fetch a proxy with a pass phrase, or without one. */
const OF_RETRIEVERS: readonly Meaning[] = [
  {
    text: /not authorized by server's default authorized_retrievers policy/,
    of: RETRIEVERS,
    code: 'MYPROXY_NOT_AUTHORISED_RETRIEVER',
    reason: 'no-retriever-set',
    says: 'holds no credential of that name that lets this caller fetch it',
    hint: NAME_RETRIEVER,
  },
  {
    text: /not authorized by credential's authorized_retrievers policy/,
    of: RETRIEVERS,
    code: 'MYPROXY_NOT_AUTHORISED_RETRIEVER',
    reason: 'not-by-credential',
    says: 'holds the credential, but it names other retrievers',
    hint: NAME_RETRIEVER,
  },
  {
    text: /not authorized (?:by server's authorized_retrievers policy|to retrieve credentials from)/,
    code: 'MYPROXY_NOT_AUTHORISED_RETRIEVER',
    of: RETRIEVERS,
    reason: 'not-by-server',
    says: 'does not list this caller among its retrievers',
    hint: 'Come with a certificate that it lists, or ask its manager to change authorized_retrievers',
  },
  {
    text: /^no passphrase authentication failed/,
    of: ['trusted'],
    code: 'MYPROXY_NOT_AUTHORISED_RETRIEVER',
    reason: 'not-trusted',
    says: 'gives this caller nothing without a pass phrase',
    hint: 'Give it, if the credential has one; else its owner stores it with one, or with -Z NAME',
  },
  {
    text: /^authentication failed$/,
    of: ['pass-phrase'],
    code: 'CREDENTIAL_HAS_NO_PASS_PHRASE',
    reason: 'no-pass-phrase',
    says: 'holds a credential that was stored without a pass phrase',
    hint: 'Its owner stores it with one; or fetch it as its renewer or trusted retriever, without one',
  },
  {
    text: /not authorized by server's default authorized_key_retrievers policy/,
    code: 'MYPROXY_NOT_AUTHORISED_RETRIEVER',
    reason: 'no-retriever-set',
    says: 'holds no key of that name that lets this caller fetch it',
    hint: 'Its owner stores it with vobox-proxy myproxy store -E NAME; the server must allow that too',
  },
  {
    text: /not authorized by credential's authorized_key_retrievers policy/,
    code: 'MYPROXY_NOT_AUTHORISED_RETRIEVER',
    reason: 'not-by-credential',
    says: 'holds the key, but it names others who may fetch it',
    hint: 'Its owner stores it with vobox-proxy myproxy store -E NAME',
  },
  {
    text: /not authorized by server's authorized_key_retrievers policy/,
    code: 'MYPROXY_NOT_AUTHORISED_RETRIEVER',
    reason: 'not-by-server',
    says: 'does not list this caller among those who may fetch keys',
    hint: 'Ask its manager to change authorized_key_retrievers',
  },
]

/** Who may renew, and with which proxy. */
const OF_RENEWERS: readonly Meaning[] = [
  {
    // The default applies where the credential names none, and where there is no credential at all.
    text: /not authorized by server's default authorized_renewers policy/,
    code: 'MYPROXY_NOT_AUTHORISED_RENEWER',
    reason: 'no-renewer-set',
    says: 'holds no credential of that name that names a renewer',
    hint: `Store it, as its owner, with a renewer: ${UPLOAD}`,
  },
  {
    text: /not authorized by credential's authorized_renewers policy/,
    code: 'MYPROXY_NOT_AUTHORISED_RENEWER',
    reason: 'not-by-credential',
    says: 'holds the credential, but it names other renewers than this machine',
    hint: `Store it again, as its owner, with this machine as renewer: ${UPLOAD}`,
  },
  {
    text: /not authorized by server's authorized_renewers policy/,
    code: 'MYPROXY_NOT_AUTHORISED_RENEWER',
    reason: 'not-by-server',
    says: 'does not list this machine among its renewers',
    hint: 'Ask whoever runs the server to add the DN of this machine to authorized_renewers',
  },
  {
    // Of a server that lets everybody retrieve by default: it then asks for what there is not.
    text: /^no passphrase authentication failed/,
    of: ['renewer'],
    code: 'MYPROXY_NOT_AUTHORISED_RENEWER',
    reason: 'not-renewable',
    says: 'holds the credential, and does not let this machine renew it',
    hint: `Store it again, as its owner, with this machine as renewer: ${UPLOAD}`,
  },
  {
    text: /certificate subject does not match credential to be renewed/,
    code: 'MYPROXY_AUTHORISATION_REFUSED',
    reason: 'identity-differs',
    says: 'holds a credential of somebody else under that name',
    hint: 'The proxy and the stored credential must be of one identity: store it anew, or register with the right --username',
  },
  {
    text: /certificate chain verification failed.*certificate has expired/,
    code: 'MYPROXY_AUTHORISATION_REFUSED',
    reason: 'proxy-expired',
    says: 'cannot renew this proxy, which has expired already',
    hint: 'Register again with a fresh proxy',
  },
  {
    // CRLs and CAs of the server come and go.
    text: /certificate chain verification failed/,
    code: 'MYPROXY_AUTHORISATION_REFUSED',
    reason: 'proxy-untrusted',
    says: 'does not trust the proxy that is to be renewed',
    hint: 'Ask whoever runs the server whether it trusts the CA of the user, and has its CRL',
    persistence: 'transient',
  },
  {
    text: /certificate verification failed/,
    code: 'MYPROXY_AUTHORISATION_REFUSED',
    reason: 'signature',
    says: 'could not verify our answer to its challenge',
    hint: 'Try again; when it stays so, register with a fresh proxy',
    persistence: 'transient',
  },
]

/** What is stored, and with which pass phrase. */
const OF_CREDENTIALS: readonly Meaning[] = [
  {
    text: /no credentials found|credentials? (?:do|does) not exist|no credentials exist/i,
    code: 'MYPROXY_NO_CREDENTIAL',
    reason: 'none-of-this-owner',
    says: 'holds no such credential of this owner',
    hint: 'Store one, as its owner: vobox-proxy myproxy init, for a VO-Box with --for-vobox',
  },
  {
    text: /credential locked/i,
    code: 'MYPROXY_CREDENTIAL_LOCKED',
    reason: 'locked',
    says: 'has locked this credential',
    hint: 'Ask whoever runs the server; its message says why',
  },
  {
    // About one wrong pass phrase in 256 decrypts to what is no key, and then the server says that.
    text: /bad password|error reading private key.*pass ?phrase|(?:PAM|SASL) authentication failed/i,
    code: 'MYPROXY_PASS_PHRASE_WRONG',
    reason: 'pass-phrase',
    says: 'does not take the pass phrase',
    hint: 'Give the one with which it was stored; only its owner can set another',
  },
  {
    text: /invalid credential pass ?phrase/i,
    of: ['pass-phrase'],
    code: 'MYPROXY_PASS_PHRASE_WRONG',
    reason: 'pass-phrase',
    says: 'does not take the pass phrase',
    // A server of ours says no more to who could only come with one.
    hint: 'Give the one with which it was stored, and the name; or nothing is stored there that lets this caller fetch it',
  },
  {
    // Said of a change where the key is not encrypted: any other one is a bad password first.
    text: /^invalid pass phrase/i,
    code: 'CREDENTIAL_HAS_NO_PASS_PHRASE',
    reason: 'no-pass-phrase',
    says: 'holds a credential that was stored without a pass phrase, which it cannot change',
    hint: 'Its owner stores it again, with one',
  },
  {
    text: /invalid credential pass ?phrase/i,
    code: 'MYPROXY_PASS_PHRASE_REQUIRED',
    reason: 'pass-phrase',
    says: 'wants the pass phrase with which the credential was stored',
    hint: `Give it; for renewal its owner stores the credential without one: ${UPLOAD}`,
  },
  {
    text: /pass ?phrase (?:too short|violates)/i,
    code: 'PASS_PHRASE_UNSUITABLE',
    reason: 'server-policy',
    says: 'does not take such a pass phrase',
    hint: 'Choose a longer and stranger one; the message says what the server wants',
  },
  {
    text: /X509_verify_cert\(\) failed: certificate has expired|credential expired/i,
    code: 'MYPROXY_CREDENTIAL_EXPIRED',
    reason: 'stored-expired',
    says: 'holds a credential that has expired',
    hint: 'Store a fresh one, as its owner: vobox-proxy myproxy init, for a VO-Box with --for-vobox',
  },
  {
    // Of a legacy proxy, or where a CA or a CRL of the server's went.
    text: /X509_verify_cert\(\) failed/,
    code: 'MYPROXY_CREDENTIAL_UNUSABLE',
    reason: 'not-trusted',
    says: 'does not trust what is stored',
    hint: 'Its owner stores it again, from the user certificate; its message says what is wrong with it',
  },
  {
    // An EC key somewhere in the chain, or a key that was encrypted with something else.
    text: /unable to delegate credentials/i,
    code: 'MYPROXY_CREDENTIAL_UNUSABLE',
    reason: 'cannot-delegate',
    says: 'cannot make a proxy of what is stored',
    hint: 'Its owner stores it again from RSA keys: the C server cannot delegate where one is EC',
  },
]

/** Who may store, and what. */
const OF_OWNERS: readonly Meaning[] = [
  {
    text: /does not own the credentials/,
    code: 'MYPROXY_NOT_OWNER',
    reason: 'not-owner-or-none',
    says: 'holds no such credential of this owner',
    hint: 'Look with vobox-proxy myproxy info; only who stored a credential may change it',
  },
  {
    text: /not owned by/,
    code: 'MYPROXY_NOT_OWNER',
    reason: 'not-owner',
    says: 'holds that credential for somebody else',
    hint: 'Only who stored a credential may replace or remove it',
  },
  {
    text: /not authorized to store credentials/,
    code: 'MYPROXY_NOT_AUTHORISED',
    reason: 'store',
    says: 'does not let this identity store credentials',
    hint: 'Ask whoever runs the server to add it to accepted_credentials',
  },
  {
    text: /credential lifetime .* exceeds maximum/i,
    code: 'MYPROXY_LIFETIME_REFUSED',
    reason: 'stored-too-long',
    says: 'does not keep a credential for so long',
    hint: 'Store it for a shorter time (-c); its message says how long is allowed',
  },
  {
    text: /credentials are not valid/i,
    code: 'MYPROXY_CREDENTIAL_UNUSABLE',
    reason: 'not-valid',
    says: 'does not take the certificate, which is not valid',
    hint: 'Look at its times; it must be valid now, as the server’s clock has it',
  },
  {
    text: /invalid username/i,
    code: 'MYPROXY_VALUE_INVALID',
    reason: 'username',
    says: 'does not take that user name',
    hint: 'Give another one with --username',
  },
]

/** Of servers that are a CA, and of limited proxies; then what is only known to be a policy. */
const OF_POLICIES: readonly Meaning[] = [
  {
    text: /limited proxy/i,
    code: 'PROXY_LIMITED',
    reason: 'limited-caller',
    says: 'does not let a limited proxy have this',
    hint: 'Come with a proxy that has all its rights, or with the user certificate',
  },
  {
    text: /not supported by MyProxy CA/,
    code: 'MYPROXY_NOT_AUTHORISED',
    reason: 'certificate-authority',
    says: 'makes certificates, and stores none',
    hint: 'Only logon works there',
  },
  {
    // A CA of this kind signs keys of RSA alone, and says no more of another one.
    text: /certificate generation failure/i,
    code: 'MYPROXY_REFUSED',
    reason: 'certificate-not-made',
    says: 'could not make a certificate',
    hint: 'Ask with an RSA key of 2048 bits; when that fails too, ask its manager, whose log says more',
  },
  {
    text: /public key in certificate request is|RSA public key must/i,
    code: 'KEY_TOO_WEAK',
    reason: 'request-key',
    says: 'does not certify such a key',
    hint: 'Ask with a longer RSA key',
  },
  {
    text: /not authorized (?:to retrieve|by)/,
    code: 'MYPROXY_NOT_AUTHORISED',
    reason: 'retrieve',
    says: 'does not allow this',
    hint: 'Ask whoever runs the server; its message names the policy',
  },
]

/** The first that fits counts. */
export const MEANINGS: readonly Meaning[] = [
  ...OF_RETRIEVERS,
  ...OF_RENEWERS,
  ...OF_CREDENTIALS,
  ...OF_OWNERS,
  ...OF_POLICIES,
]
