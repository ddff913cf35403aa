/** `certificate_request_checker` and `certificate_issuer_checker`: programs with a veto. */
import { encodePem } from '../../../x509/pem.js'
import { type Asked, askProgram } from './call-out-text.js'

export interface Checkers {
  /** Given the request as the client sent it, in PEM. */
  request?: Asked
  /** Given the certificate before the client has it, in PEM. */
  issued?: Asked
}

/** @throws `PROGRAM_FAILED` with what the program says against it. */
export async function checkRequest(
  { request }: Checkers,
  der: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  if (request !== undefined) await ask(request, 'CERTIFICATE REQUEST', der, signal)
}

/** @throws `PROGRAM_FAILED` with what the program says against it. */
export async function checkIssued(
  { issued }: Checkers,
  der: Uint8Array,
  signal: AbortSignal,
): Promise<void> {
  if (issued !== undefined) await ask(issued, 'CERTIFICATE', der, signal)
}

async function ask(asked: Asked, label: string, der: Uint8Array, signal: AbortSignal) {
  await askProgram(asked, { input: Buffer.from(encodePem(label, der)) }, signal)
}
