/**
 * Delegation, both ways: a request with a fresh public key goes out, a signed proxy and its chain
 * come back. The private key never leaves the side that made it.
 */
import type { KeyObject } from 'node:crypto'
import { VoboxError } from '../errors.js'
import type { UnixSeconds } from '../ports/clock.js'
import { asUnixSeconds } from '../ports/clock.js'
import type { Random } from '../ports/random.js'
import { describeChain } from '../proxy/chain-facts.js'
import type { Credential } from '../proxy/credential.js'
import { type IssuedPolicy, issueProxy } from '../proxy/issue-proxy.js'
import { orderChain } from '../proxy/order-chain.js'
import {
  type Certificate,
  type CertificateExtension,
  parseCertificate,
} from '../x509/certificate.js'
import { keysMatch } from '../x509/private-key.js'
import { parseRequest } from '../x509/request.js'

/**
 * The credential that a delegation made: our key, and what came back.
 *
 * Structure only; that the chain is trusted, and is whose it should be, is for the caller to check.
 *
 * @param certificates in DER, the new proxy first.
 * @param parse of those above it, which come with every renewal; default `parseCertificate`.
 * @throws `PROXY_KEY_MISMATCH` when the proxy is not for our key; `CHAIN_BROKEN` when the chain does
 *   not reach an end-entity certificate or holds strays; `CERTIFICATE_MALFORMED`.
 */
export function credentialFromDelegation(
  privateKey: KeyObject,
  certificates: readonly Uint8Array[],
  parse: (der: Uint8Array) => Certificate = parseCertificate,
): Credential {
  const [fresh, ...above] = certificates
  if (fresh === undefined) throw new TypeError('a delegation brings at least one certificate')
  const leaf = parseCertificate(fresh)
  const others = above.map(parse)
  if (!keysMatch(privateKey, leaf.publicKey)) {
    throw new VoboxError(
      'PROXY_KEY_MISMATCH',
      'the delegated proxy is not for the key in our request',
      { data: { subject: leaf.subject.oneLine } },
    )
  }
  const chain = orderChain(leaf, others)
  describeChain(chain)
  return { privateKey, chain }
}

export interface DelegationAnswer {
  /** PKCS#10 in DER, as it arrived. */
  request: Uint8Array
  signer: Credential
  /** Lifetime asked for; the signer's own end may make it shorter. */
  lifetimeSeconds: number
  now: UnixSeconds
  random: Random
  /** Default `inherit-all`; `limited` whatever is asked below a limited signer. */
  policy?: IssuedPolicy | undefined
  /** Shortest RSA key accepted, in bits; default 2048. */
  minRsaBits?: number | undefined
  /** Further extensions of the proxy. */
  extensions?: readonly CertificateExtension[] | undefined
}

/**
 * Signs a proxy for whoever sent the request, and only for the key in it: name, extensions and
 * lifetime are the signer's to decide (RFC 3820 §4.2). Returns the proxy and the signer's chain.
 *
 * @throws `REQUEST_MALFORMED`, `SIGNATURE_INVALID`, and what issuing throws.
 */
export function answerDelegation(answer: DelegationAnswer): Certificate[] {
  const { publicKey } = parseRequest(answer.request)
  const proxy = issueProxy({
    signer: answer.signer,
    publicKey,
    notAfter: asUnixSeconds(answer.now + answer.lifetimeSeconds),
    now: answer.now,
    random: answer.random,
    minRsaBits: answer.minRsaBits,
    policy: answer.policy,
    extensions: answer.extensions,
  })
  return [proxy, ...answer.signer.chain]
}
