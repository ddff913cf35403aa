/** Certification requests, PKCS#10 (RFC 2986), as delegation uses them. */
import type { KeyObject } from 'node:crypto'
import { DerReader, derBitString, derContext, derInteger, derSequence } from '../asn1/der.js'
import { VoboxError } from '../errors.js'
import { malformedAs } from './malformed-as.js'
import { EMPTY_NAME, type Name, parseName } from './name.js'
import { encodePublicKey, importPublicKey } from './public-key.js'
import {
  encodeAlgorithmFor,
  readSignatureAlgorithm,
  signBytes,
  verifySignature,
} from './signature-algorithms.js'

export interface CertificationRequest {
  subject: Name
  publicKey: KeyObject
}

/**
 * A request for the public half of `privateKey`, signed with it, in DER.
 *
 * The subject is empty by default: a delegating server puts its own name, one CN longer.
 */
export function createRequest(privateKey: KeyObject, subject: Name = EMPTY_NAME): Uint8Array {
  const info = derSequence(derInteger(0), subject.der, encodePublicKey(privateKey), derContext(0))
  const signature = derBitString(signBytes(privateKey, info))
  return derSequence(info, encodeAlgorithmFor(privateKey), signature)
}

/**
 * Reads a request and checks that its sender holds the private key.
 *
 * `REQUEST_MALFORMED`, or `SIGNATURE_INVALID`. Attributes are passed over: who signs a proxy decides
 * what it holds.
 */
export function parseRequest(der: Uint8Array): CertificationRequest {
  return malformedAs('REQUEST_MALFORMED', 'certification request', () => {
    const outer = new DerReader(der)
    const request = outer.readSequence()
    outer.done()
    const info = request.readElement()
    const algorithm = readSignatureAlgorithm(request.readSequence())
    const signature = request.readBitString().bytes
    request.done()
    const { subject, spki } = readRequestInfo(new DerReader(info.raw).readSequence())
    const publicKey = importRequestKey(spki)
    if (!verifySignature(algorithm, publicKey, info.raw, signature)) {
      throw new VoboxError('SIGNATURE_INVALID', 'certification request is not signed by its key', {
        data: { algorithm: algorithm.name },
      })
    }
    return { subject, publicKey }
  })
}

/** CertificationRequestInfo, RFC 2986 §4.1. Some tools leave the attributes out altogether. */
function readRequestInfo(info: DerReader): { subject: Name; spki: Uint8Array } {
  info.readSmallInteger()
  const subject = parseName(info.readElement().raw)
  const spki = info.readElement().raw
  info.readOptionalContext(0)
  info.done()
  return { subject, spki }
}

function importRequestKey(spki: Uint8Array): KeyObject {
  try {
    return importPublicKey(spki)
  } catch (cause) {
    throw new VoboxError('REQUEST_MALFORMED', 'key of the certification request is malformed', {
      cause,
    })
  }
}
