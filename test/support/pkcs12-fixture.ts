/** A PKCS#12 file of `openssl pkcs12 -export`: P-256, AES-128, SHA-256, one round, pass phrase `secret`. */
import { encodeDer } from '../../src/asn1/der.js'

const BASE64 = [
  'MIIEVgIBAzCCBBAGCSqGSIb3DQEHAaCCBAEEggP9MIID+TCCArEGCSqGSIb3DQEHBqCCAqIwggKeAgEA',
  'MIIClwYJKoZIhvcNAQcBMFYGCSqGSIb3DQEFDTBJMCgGCSqGSIb3DQEFDDAbBAg+GTWuTNKQbgIBATAM',
  'BggqhkiG9w0CCQUAMB0GCWCGSAFlAwQBAgQQb8SGPwL1UqBryMLAvd+ZX4CCAjDrMXQWvMrnQKdbj8IA',
  't0iCnnGbErKoPyNxg4ky8LYWhmvRNPlJ3S7T08/WZRVeRpMdzetOoYTfqgTcr8xReP3O+0ddVfxfwpma',
  'b3D0B8f0GU5P2iyWJp8/Uj8W3lAYeRPCU4K6GGcsNcsyXjAMoR2HFCNNNVoZPjC3tIgMfms+uBWsxJeP',
  'q+Ld/Iv7CBniRe6UBoO1qx98ue4YbXlhLVKMewEQowmHpb8svc39IXW5XcPTanEJBQiphHEIevWaLsvq',
  'aANvVm+5YGGz0JsEyB4XNL21UF7gBzRaM74mO+vHDdiSX2YP0nT5ZZHM7DEkJO0iuBxs+poZ+ICj4CxS',
  'da3qPuBVVFoJKeQ84o3Dpde3WxizptI/1OwR9qRsfbR+jcBCEDdVA0rhzDPpNbwDRCUYTEzSwOgkJhfw',
  'vsMEJsX7aN9M9eRUFvq2ydDYmwe85Jv5VzQOTwneXut7o/rYNDSdrAksjg8jcz2c5vr2b4B39V6et/z8',
  'W09f5U2bX+EDppIUbQrMspjmdJPnMB9ZMbzA5MANau78LPmfFVz9dH7i5j7pvuvBvRDKDMQDcMa9hYfo',
  '67kZIMw7bZGhd5v9ntM82TG73+GDKPRvxeIANl+T1CfyeV0Si7JnZ47ghamShCdAMRtMJqWl5LIr2ciS',
  'O8JSQGL73h5/QWPZzsatZuAXIHsNc+DM3GYMdQczV0TTxBWZ1zMg8Rq9ENVr/YXgw1H9/dcPUK0I7FIq',
  'ZxU9nCbB4zCCAUAGCSqGSIb3DQEHAaCCATEEggEtMIIBKTCCASUGCyqGSIb3DQEMCgECoIHuMIHrMFYG',
  'CSqGSIb3DQEFDTBJMCgGCSqGSIb3DQEFDDAbBAg3NW8erwSgGAIBATAMBggqhkiG9w0CCQUAMB0GCWCG',
  'SAFlAwQBAgQQ/K3BLMsnlocbuA/drjv2AQSBkJpXQ2Tz1EEL1FdOicTq9oI2rcdBWuuk+rybe4R5RvAo',
  'igxgBokUPyCIypazWZSguIjKbgSfsrbGDY1Gr0z6+WH2zZwwu7A6ru3wR80bqc6zT6YVrHZK4oN0/W7m',
  '/1QwbJqhjfLB+Hz3r5ZhyCr9Vzv7BcM+4/HvwwRb5ilbwLvbESdUXMuCaMVn3kbwDi7efDElMCMGCSqG',
  'SIb3DQEJFTEWBBRaOdoxdyjyfAzEVwW+lrheebjDRzA9MDEwDQYJYIZIAWUDBAIBBQAEIFOxY/qGeObz',
  'UyuEnnIQIo3GZoJrvp3BkRos0ETr0mEqBAiY7ZqbLXKplQ==',
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
