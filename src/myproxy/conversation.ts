/** The steps that every exchange with a MyProxy server is made of. */
import type { ByteStream } from '../gsi/byte-stream.js'
import { checkCount, encodeCertificateList, MAX_CERTIFICATE_BYTES } from './certificate-list.js'
import { type Asker, refusal } from './classify-refusal.js'
import { encodeRequest, type OutgoingRequest } from './request.js'
import { type MyProxyResponse, parseResponse } from './response.js'
import { MAX_STORED_BYTES } from './stored-files.js'
import { MAX_RESPONSE_BYTES, violation } from './text-message.js'
import { MAX_TRUST_ROOTS_BYTES } from './trust-roots.js'

/** "No GSI delegation", before anything else. */
const NO_DELEGATION = Buffer.from('0', 'latin1')

/** First byte of a text message; no certificate list is this long and no DER begins so. */
const TEXT_BEGINS = 'V'.charCodeAt(0)

export type OkResponse = Extract<MyProxyResponse, { kind: 'ok' }>
export type AuthorizationResponse = Extract<MyProxyResponse, { kind: 'authorization' }>

/**
 * Opens the conversation and sends a request.
 *
 * The first byte must be in a TLS record of its own: the C server reads exactly one record for it,
 * and waits for ever when the request came with it. So each write is awaited.
 */
export async function sendRequest(channel: ByteStream, request: OutgoingRequest): Promise<void> {
  const bytes = encodeRequest(request)
  try {
    await channel.write(NO_DELEGATION)
    await channel.write(bytes)
  } finally {
    // It may hold a pass phrase. What has not left by now does not leave any more.
    bytes.fill(0)
  }
}

/** What is known of a response that is due. */
export interface Expected {
  /** CA files were asked for, which make a response large. */
  trustRoots?: boolean | undefined
  /** In what role a proxy was asked for, for the meaning of a refusal. */
  asker?: Asker | undefined
}

/**
 * The next response, refusals thrown.
 *
 * @throws one of the `MYPROXY_…` codes for an error response, with the server's text in
 *   `data.serverMessage`; `PROTOCOL_VIOLATION`.
 */
export async function readResponse(
  channel: ByteStream,
  { trustRoots, asker }: Expected = {},
): Promise<OkResponse | AuthorizationResponse> {
  const maxBytes = trustRoots === true ? MAX_TRUST_ROOTS_BYTES : MAX_RESPONSE_BYTES
  await channel.skipNul()
  const response = parseResponse(await channel.readUntilNul(maxBytes), maxBytes)
  if (response.kind === 'error') throw refusal(channel.label, response.messages, asker)
  return response
}

export async function readOk(channel: ByteStream, expected: Expected = {}): Promise<OkResponse> {
  const response = await readResponse(channel, expected)
  if (response.kind === 'ok') return response
  throw violation(`${channel.label} asks for authorisation where nothing needs it`)
}

/** A certificate list, in DER, or the error that stands in its place. */
export async function readCertificateList(channel: ByteStream): Promise<Buffer[]> {
  await refuseText(channel, 'certificates')
  const [count = 0] = await channel.readExactly(1)
  const certificates: Buffer[] = []
  for (let left = checkCount(count); left > 0; left -= 1) {
    certificates.push(await channel.readDer(MAX_CERTIFICATE_BYTES))
  }
  return certificates
}

/** A certification request, in DER, or the error that stands in its place. */
export async function readCertificationRequest(channel: ByteStream): Promise<Buffer> {
  await refuseText(channel, 'a certification request')
  return channel.readDer(MAX_CERTIFICATE_BYTES)
}

/**
 * Stored PEM blocks, which end with a NUL, or the error that stands in their place.
 *
 * @throws `MESSAGE_TOO_LARGE` above {@link MAX_STORED_BYTES}.
 */
export async function readStoredFiles(channel: ByteStream): Promise<Buffer> {
  await refuseText(channel, 'a certificate and its key')
  return channel.readUntilNul(MAX_STORED_BYTES)
}

export async function sendStoredFiles(channel: ByteStream, files: Uint8Array): Promise<void> {
  await channel.write(Buffer.concat([files, Buffer.of(0)]))
}

export async function sendCertificateList(
  channel: ByteStream,
  certificates: readonly { readonly der: Uint8Array }[],
): Promise<void> {
  await channel.write(encodeCertificateList(certificates.map(({ der }) => der)))
}

async function refuseText(channel: ByteStream, expected: string): Promise<void> {
  if ((await channel.peekByte()) !== TEXT_BEGINS) return
  await readResponse(channel)
  throw violation(`${channel.label} sent a response where ${expected} was due`)
}
