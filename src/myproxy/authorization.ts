/**
 * How a renewal is authorised: the holder of the proxy to be renewed signs the server's challenge.
 *
 * The reply is one message: the method as a little-endian uint32 (the C code writes its `int`), the
 * length of the signature as a big-endian uint32, the signature, one byte that counts certificates,
 * and that many in DER, leaf first.
 */
import { type KeyObject, sign, verify } from 'node:crypto'
import { printable, VoboxError } from '../errors.js'
import type { Challenge } from './response.js'
import { violation } from './text-message.js'

export interface AuthorizationMethod {
  /** Name in `AUTHORIZATION_DATA`. */
  name: string
  /** Number in the reply. */
  number: number
  hash: 'sha1' | 'sha256'
}

export const SHA256_METHOD: AuthorizationMethod = {
  name: 'X509_certificate_SHA256',
  number: 4,
  hash: 'sha256',
}

export const SHA1_METHOD: AuthorizationMethod = {
  name: 'X509_certificate',
  number: 2,
  hash: 'sha1',
}

export const AUTHORIZATION_METHODS: readonly AuthorizationMethod[] = [SHA256_METHOD, SHA1_METHOD]

/** Largest signature accepted, in bytes: RSA of 8192 bits. */
export const MAX_SIGNATURE_BYTES = 1024

/**
 * A challenge is 32 hexadecimal characters and nothing else. Whoever signs anything a server sends
 * lets that server choose what a user's key signs: a certificate, for instance.
 */
const CHALLENGE_FORM = /^[0-9A-Fa-f]{32}$/

export interface ChosenChallenge {
  method: AuthorizationMethod
  text: string
}

/**
 * Picks the SHA-256 challenge; the SHA-1 one only where `allowSha1` is configured and no other is
 * offered.
 *
 * @throws `MYPROXY_CHALLENGE_REFUSED` when there is none that we are willing to sign.
 */
export function chooseChallenge(
  challenges: readonly Challenge[],
  allowSha1: boolean,
): ChosenChallenge {
  const offered = challenges.map(({ method }) => printable(method, 60))
  const methods = allowSha1 ? AUTHORIZATION_METHODS : [SHA256_METHOD]
  for (const method of methods) {
    const challenge = challenges.find(({ method: name }) => name === method.name)
    if (challenge === undefined) continue
    if (CHALLENGE_FORM.test(challenge.text)) return { method, text: challenge.text }
    throw new VoboxError(
      'MYPROXY_CHALLENGE_REFUSED',
      `the server asks for a signature over something that is not a challenge (${method.name})`,
      { data: { method: method.name, length: challenge.text.length } },
    )
  }
  const sha1Offered = offered.includes(SHA1_METHOD.name)
  throw new VoboxError(
    'MYPROXY_CHALLENGE_REFUSED',
    `the server offers no way of authorisation that we accept (it offers ${offered.join(', ') || 'none'})`,
    {
      data: { offered },
      hint: sha1Offered
        ? 'The server is too old for SHA-256. Have it upgraded, or set myproxy.allow_sha1_challenge'
        : undefined,
    },
  )
}

/** Signs the ASCII text of a challenge with the key of the proxy to be renewed. */
export function signChallenge(challenge: ChosenChallenge, privateKey: KeyObject): Buffer {
  return sign(challenge.method.hash, Buffer.from(challenge.text, 'latin1'), privateKey)
}

/**
 * Whether `signature` answers `challenge`, for a server. A key of a kind that signs no hash, such as
 * Ed25519, answers none.
 */
export function verifyChallenge(
  challenge: ChosenChallenge,
  publicKey: KeyObject,
  signature: Uint8Array,
): boolean {
  if (publicKey.asymmetricKeyType !== 'rsa' && publicKey.asymmetricKeyType !== 'ec') return false
  return verify(challenge.method.hash, Buffer.from(challenge.text, 'latin1'), publicKey, signature)
}

/** Method and signature: everything of the reply before the chain. */
export function encodeAuthorization(method: AuthorizationMethod, signature: Uint8Array): Buffer {
  const head = Buffer.alloc(8)
  head.writeUInt32LE(method.number, 0)
  head.writeUInt32BE(signature.length, 4)
  return Buffer.concat([head, signature])
}

/**
 * Reads the first eight bytes of a reply, for a server, which then reads `signatureLength` bytes
 * and a chain.
 *
 * @throws `PROTOCOL_VIOLATION` for an unknown method or a signature of impossible length.
 */
export function parseAuthorizationHead(head: Uint8Array): {
  method: AuthorizationMethod
  signatureLength: number
} {
  const view = Buffer.from(head.buffer, head.byteOffset, head.byteLength)
  if (view.length !== 8) throw new TypeError('the head of an authorisation reply is 8 bytes')
  const number = view.readUInt32LE(0)
  const method = AUTHORIZATION_METHODS.find((known) => known.number === number)
  if (method === undefined) throw violation(`unknown authorisation method ${number}`)
  const signatureLength = view.readUInt32BE(4)
  if (signatureLength === 0 || signatureLength > MAX_SIGNATURE_BYTES) {
    throw violation(`a signature of ${signatureLength} bytes`)
  }
  return { method, signatureLength }
}
