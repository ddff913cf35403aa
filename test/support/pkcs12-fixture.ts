/** A PKCS#12 file of `openssl pkcs12 -export`: P-256, AES-128, SHA-256, one round, pass phrase `secret`. */
import { encodeDer } from '../../src/asn1/der.js'

const BASE64 = [
  'MIIEZgIBAzCCBCAGCSqGSIb3DQEHAaCCBBEEggQNMIIECTCCAsEGCSqGSIb3DQEHBqCCArIwggKuAgEA',
  'MIICpwYJKoZIhvcNAQcBMFYGCSqGSIb3DQEFDTBJMCgGCSqGSIb3DQEFDDAbBAglmlJ36iQwTAIBATAM',
  'BggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBAgQQQaR4yWSIf4blQGFPxxuOI4CCAkBXyuOsRpqtbPN3U2WR',
  '1SI+a2N+KzSDjiRc3sQSNbGdk/DStOeQSKeRPioD41VQMntZVzVO3xaFNHMlH06MMLKRirSchR+3IOSf',
  'K2POMZdTg1CCwqQ3gJHMFyXhaoOOk4ORJ61WDf7EQl63NQa9tKdGAzxPBhnZBkau3timxLG/jdKZ08nv',
  'ED6E76AHn57ppeOaadKt1Bo/GBUs06M8abQrsvQRSPNmQYwCuyr9sUQDgMdU5rYb10RSjaqkIBimRM45',
  'jSVM+0wBwhmRemwkCUztbNzqcaYDdRuy57Y0t1chySs0UbBySahvAV/FZc4g6tQsdnSOudWaHuCRG+hO',
  'dljvMkhHVIdk01v37ZOSwlCY5CIoYpNMqAA9oTTsX4aMS4fmd5rLLxaRY7mBVDV6EO+U+jUAy3a4Z8L6',
  'F61qAq1th+1fhvFUE95C3xGmOudi/UOX48oORmyVjJ2QhmL93h4ss+6Q9ib7g6DCUX+SH4kt1yC6OKSe',
  'CNOPYS8rwdnBSTy824Jt+8LuPd+g/4GyN/aFX0imIiSeWq83rGLV3ElrtmTd3/HT6Ayu+GJuMVCbER75',
  'aQdgz5L2j/EPYqR2ciBoetZYdYznrXWlGkpelgIr7+er0GdzOAVzyldYAAy4iBVYaqiadmn45u/zm7ge',
  'vGq4fVdNJHAEqg3QojdLxHS9YYdlOPengyM8dHXp/OLRSmKmXai2sp9+CykblsoTQDGQCALshL4xyC2o',
  'Y7XYnjjW07U6V8OLq/EiJNeSce0p8L0wggFABgkqhkiG9w0BBwGgggExBIIBLTCCASkwggElBgsqhkiG',
  '9w0BDAoBAqCB7jCB6zBWBgkqhkiG9w0BBQ0wSTAoBgkqhkiG9w0BBQwwGwQIOOodvwvNBksCAQEwDAYI',
  'KoZIhvcNAgkFADAdBglghkgBZQMEAQIEEOfoZSnSnlM3e+u95LNaIO8EgZBh7nZMcao59oKHyXe1TPI7',
  'pW7JnD+aVi1DbwQsExm8Prsrf+aZMXLj0c1nU8Y1L4sGyqV9avDfEw6dkFUNytkqxhY+lRNoGWgmOFjq',
  'VymVOTtknORphXBbpsutatjqszPIZNaQFwbLrSQiF63onDZbZIUWpOs5I/z/LCSvWQ1B8MQc65yHGSKk',
  '8WJMeeQs9zkxJTAjBgkqhkiG9w0BCRUxFgQUA7OhLfWfxGGrDd6knDS0vzxruSowPTAxMA0GCWCGSAFl',
  'AwQCAQUABCBBssg9eXs6x5hlW1a75SFFQvMSxCMvsJIMDsokF//iJQQIM2++CH8ZEVQ=',
]

export const PKCS12_FILE = Buffer.from(BASE64.join(''), 'base64')

export const PKCS12_PASS_PHRASE = Buffer.from('secret')

const CONSTRUCTED = 0x20
const OCTET_STRING = 0x04
const END_OF_CONTENTS = Buffer.of(0, 0)

/** The same element in BER: indefinite lengths everywhere, octet strings in pieces of 100. */
export function inPieces(der: Uint8Array): Buffer {
  const parts: Buffer[] = []
  for (let at = 0; at < der.length; ) {
    const { tag, content, end } = elementAt(der, at)
    at = end
    if (tag === OCTET_STRING) parts.push(indefinite(tag | CONSTRUCTED, pieces(content)))
    else if (tag & CONSTRUCTED) parts.push(indefinite(tag, inPieces(content)))
    else parts.push(Buffer.from(encodeDer(tag, content)))
  }
  return Buffer.concat(parts)
}

function indefinite(tag: number, content: Uint8Array): Buffer {
  return Buffer.concat([Buffer.of(tag, 0x80), content, END_OF_CONTENTS])
}

function pieces(content: Uint8Array): Buffer {
  const made: Uint8Array[] = []
  for (let at = 0; at < content.length; at += 100) {
    made.push(encodeDer(OCTET_STRING, content.subarray(at, at + 100)))
  }
  return Buffer.concat(made)
}

function elementAt(der: Uint8Array, at: number) {
  const first = der[at + 1] ?? 0
  const octets = first < 0x80 ? 0 : first & 0x7f
  let length = first
  if (octets > 0) length = Buffer.from(der).readUIntBE(at + 2, octets)
  const start = at + 2 + octets
  return { tag: der[at] ?? 0, content: der.subarray(start, start + length), end: start + length }
}
