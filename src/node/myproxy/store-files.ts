/**
 * The certificate and the key that `myproxy store` sends, judged before they go: `myproxy-store` sends
 * whatever two files it is given, and that they do not fit is found when somebody needs them.
 */
import { printable, VoboxError } from '../../errors.js'
import type { UnixSeconds } from '../../ports/clock.js'
import { describeChain } from '../../proxy/chain-facts.js'
import { checkSignerTime } from '../../proxy/judge-signer.js'
import { proxyStepOf } from '../../proxy/proxy-step.js'
import { parseUserCertificates, parseUserKey, userCredential } from '../../proxy/user-credential.js'
import { namingFile } from '../../repository/naming-file.js'
import type { Certificate } from '../../x509/certificate.js'
import { encodePem, parsePem } from '../../x509/pem.js'
import { looksLikePkcs12 } from '../../x509/pkcs12.js'
import { isEncryptedKey, isPrivateKeyLabel } from '../../x509/private-key.js'
import type { NamedBytes } from '../compose/user-files.js'
import { MIN_PASS_PHRASE_BYTES } from './pass-phrases.js'

export interface JudgedFiles {
  /** The certificate and what leads up from it, PEM. */
  certificatesPem: string
  /** The key's block as it stands in its file. */
  keyPem: string
  /** Leaf first. */
  chain: readonly Certificate[]
  encrypted: boolean
  /** Whether key and certificate were seen to be a pair; not where nobody gave the pass phrase. */
  matched: boolean
}

/**
 * @param ask for the pass phrase of the key; undefined: nobody can be asked.
 * @throws VoboxError `PROXY_KIND_REFUSED` for a proxy, `PROXY_KEY_MISMATCH`, `CHAIN_EXPIRED`,
 *   `PASS_PHRASE_WRONG`, `PASS_PHRASE_UNSUITABLE` for one with which nobody could fetch the
 *   credential, and what the codecs say.
 */
export async function judgeFiles(
  certificate: NamedBytes,
  key: NamedBytes,
  ask: (() => Promise<Buffer>) | undefined,
  now: UnixSeconds,
): Promise<JudgedFiles> {
  refusePkcs12(certificate)
  const certificates = namingFile(certificate.path, () => parseUserCertificates(certificate.bytes))
  const first = certificates[0] as Certificate
  refuseProxy(certificate.path, certificates)
  const { pem, encrypted } = namingFile(key.path, () => keyBlockOf(key.bytes))
  const matched = !encrypted || ask !== undefined
  const chain = matched
    ? await chainOfPair(certificates, certificate, { ...key, ask })
    : [first, ...certificates.slice(1)]
  namingFile(certificate.path, () => checkSignerTime(describeChain(chain), now))
  const certificatesPem = chain.map(({ der }) => encodePem('CERTIFICATE', der)).join('')
  return { certificatesPem, keyPem: pem, chain, encrypted, matched }
}

function refusePkcs12({ path, bytes }: NamedBytes): void {
  if (!looksLikePkcs12(bytes)) return
  throw new VoboxError('USAGE', `${printable(path)} is PKCS#12, and a server takes PEM alone`, {
    hint:
      'openssl pkcs12 -in FILE -clcerts -nokeys -out usercert.pem and ' +
      'openssl pkcs12 -in FILE -nocerts -out userkey.pem take it apart',
    data: { path },
  })
}

/** A proxy is delegated, which leaves its key where it is; and what is stored of it ends with it. */
function refuseProxy(path: string, certificates: readonly Certificate[]): void {
  const proxy = certificates.find((one) => proxyStepOf(one, undefined) !== undefined)
  if (proxy === undefined) return
  throw new VoboxError(
    'PROXY_KIND_REFUSED',
    `${printable(path)} holds a proxy, not a certificate`,
    {
      hint: 'vobox-proxy myproxy init stores a proxy; store is for a certificate and its key',
      data: { path, subject: proxy.subject.oneLine },
    },
  )
}

/** What OpenSSL reads of it must not change: headers and line ends stay. */
function keyBlockOf(bytes: Buffer): { pem: string; encrypted: boolean } {
  const blocks = parsePem(bytes).filter(({ label }) => isPrivateKeyLabel(label))
  const [block, another] = blocks
  if (block === undefined || another !== undefined) {
    const reason = block === undefined ? 'no-key' : 'several-keys'
    const found = block === undefined ? 'no private key' : 'more than one private key'
    throw new VoboxError('KEY_MALFORMED', `there is ${found} in it`, { data: { reason } })
  }
  const text = bytes.toString('latin1')
  const begin = text.indexOf(`-----BEGIN ${block.label}-----`)
  const last = `-----END ${block.label}-----`
  const end = text.indexOf(last, begin) + last.length
  return { pem: `${text.slice(begin, end)}\n`, encrypted: isEncryptedKey(block) }
}

interface KeyOf extends NamedBytes {
  ask: (() => Promise<Buffer>) | undefined
}

/** The chain of the certificate that the key belongs to. */
async function chainOfPair(
  certificates: readonly Certificate[],
  certificate: NamedBytes,
  { path, bytes, ask }: KeyOf,
): Promise<readonly Certificate[]> {
  let length: number | undefined
  const asked = async () => {
    const passPhrase = (await ask?.()) ?? Buffer.alloc(0)
    length = passPhrase.length
    return passPhrase
  }
  const key = await parseUserKey(bytes, asked).catch((error: unknown) =>
    namingFile(path, () => {
      throw error
    }),
  )
  if (length !== undefined && length < MIN_PASS_PHRASE_BYTES) throw tooShort(path, length)
  const both = `${certificate.path} and ${path}`
  return namingFile(both, () => userCredential(key, certificates).chain)
}

/** No client asks a server with less, so that the credential could never be fetched. */
function tooShort(path: string, length: number): VoboxError {
  const least = MIN_PASS_PHRASE_BYTES
  return new VoboxError(
    'PASS_PHRASE_UNSUITABLE',
    `the pass phrase of ${printable(path)} has ${length} characters, and MyProxy wants ${least}`,
    {
      hint: `encrypt the key with another one first: openssl pkcs8 -topk8 -in ${printable(path)}`,
      data: { path, reason: 'short', least },
    },
  )
}
