/**
 * What a server's refusal means. The protocol has no codes, only English; so here, and nowhere else,
 * the texts are read.
 *
 * The texts are those of Debian's myproxy-server 6.2.14, provoked one by one. The order matters: a server lists every
 * policy that did not match before the one that decided, and "authentication failed" comes last.
 */
import { type ErrorCode, type Persistence, printable, VoboxError } from '../errors.js'

interface Meaning {
  /** Found in the server's lines, joined with spaces. */
  text: RegExp
  code: ErrorCode
  /** For programs: which of the causes behind one code; in `data.reason`. */
  reason: string
  /** What failed, after "host:port". */
  says: string
  hint: string
  /** Only where it differs from the code's own. */
  persistence?: Persistence
}

const UPLOAD = 'myproxy-init -d -n -t 48 -R RENEWER'

const MEANINGS: readonly Meaning[] = [
  {
    text: /no credentials found|credentials? (?:do|does) not exist|no credentials exist/i,
    code: 'MYPROXY_NO_CREDENTIAL',
    reason: 'none-of-this-owner',
    says: 'holds no such credential of this owner',
    hint: `Store one, as its owner: ${UPLOAD}`,
  },
  {
    text: /credential locked/i,
    code: 'MYPROXY_CREDENTIAL_LOCKED',
    reason: 'locked',
    says: 'has locked this credential',
    hint: 'Ask whoever runs the server; its message says why',
  },
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
    text: /invalid (?:credential )?pass ?phrase|bad password/i,
    code: 'MYPROXY_PASS_PHRASE_REQUIRED',
    reason: 'pass-phrase',
    says: 'wants the pass phrase with which the credential was stored',
    hint: `Store it without one, as its owner: ${UPLOAD}`,
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
  {
    text: /X509_verify_cert\(\) failed: certificate has expired|credential expired/i,
    code: 'MYPROXY_CREDENTIAL_EXPIRED',
    reason: 'stored-expired',
    says: 'holds a credential that has expired',
    hint: `Store a fresh one, as its owner: ${UPLOAD}`,
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
    text: /not authorized (?:to retrieve|by)/,
    code: 'MYPROXY_NOT_AUTHORISED',
    reason: 'retrieve',
    says: 'does not allow this',
    hint: 'Ask whoever runs the server; its message names the policy',
  },
]

/**
 * The error for a refusal. The server's own words are in `data.serverMessage` and in the message.
 *
 * @param label the server in messages, `host:port (address)`.
 * @param lines its `ERROR` lines.
 */
export function refusal(label: string, lines: readonly string[]): VoboxError {
  const serverMessage = printable(
    lines
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .join(' '),
  )
  const said = serverMessage === '' ? 'without saying why' : `"${serverMessage}"`
  const meaning = MEANINGS.find(({ text }) => text.test(serverMessage))
  if (meaning === undefined) {
    return new VoboxError('MYPROXY_REFUSED', `${label} refused: ${said}`, {
      data: { peer: label, serverMessage },
    })
  }
  const { code, reason, says, hint, persistence } = meaning
  return new VoboxError(code, `${label} ${says} (it says: ${said})`, {
    data: { peer: label, reason, serverMessage },
    hint,
    persistence,
  })
}

/** For a server that says OK and then lists nothing. */
export function noCredential(label: string): VoboxError {
  return refusal(label, ['no credentials found'])
}

/** For a server that wants a challenge signed where there is nothing to sign it with. */
export function challengeUnanswered(label: string): VoboxError {
  return new VoboxError(
    'MYPROXY_PASS_PHRASE_REQUIRED',
    `${label} wants a pass phrase, or the signature of a proxy that is to be renewed`,
    {
      data: { peer: label, reason: 'challenge-unanswered' },
      hint: 'Give the pass phrase of the credential, or name the proxy to be renewed',
    },
  )
}
