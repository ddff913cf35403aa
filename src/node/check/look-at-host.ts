/**
 * The host certificate and its key, looked at with the rights that the process begins with: as root
 * before it becomes the VO admin, to whom the key is hidden.
 */
import { stat } from 'node:fs/promises'
import { isVoboxError } from '../../errors.js'
import { parseCertificateChain, parseSplitCredential } from '../../proxy/credential.js'
import {
  type HostCertificateLook,
  type KeyLook,
  missingKey,
} from '../../renewal/checking/judge-host-certificate.js'
import type { Certificate } from '../../x509/certificate.js'
import { HOST_CERTIFICATE, HOST_KEY, readHostFile } from '../compose/compose-machine-proxy.js'

/** What a key's mode must not allow to anybody but its owner. */
const OTHERS = 0o077

export interface HostFiles {
  /** Default: the host's, in `/etc/grid-security`. */
  certificateFile?: string | undefined
  keyFile?: string | undefined
}

/** Never rejects: what cannot be read is part of the look. */
export async function lookAtHost(files: HostFiles): Promise<HostCertificateLook> {
  const { certificateFile = HOST_CERTIFICATE, keyFile = HOST_KEY } = files
  let bytes: Buffer
  let chain: Certificate[]
  try {
    bytes = await readHostFile(certificateFile, 0o022)
    chain = parseCertificateChain(bytes)
  } catch (error) {
    return { certificateFile, keyFile, chain: { error }, key: { kind: 'hidden' } }
  }
  return { certificateFile, keyFile, chain, key: await lookAtKey(keyFile, bytes) }
}

async function lookAtKey(keyFile: string, certificate: Buffer): Promise<KeyLook> {
  try {
    const mode = await modeOf(keyFile)
    if (mode === 'missing') return { kind: 'failed', error: missingKey(keyFile) }
    if (mode !== 'hidden' && (mode & OTHERS) !== 0) return { kind: 'open-to-others', mode }
    parseSplitCredential(certificate, await readHostFile(keyFile, OTHERS))
    return { kind: 'fits' }
  } catch (error) {
    // Another's key that we cannot read is as it should be.
    return isVoboxError(error, 'FILE_UNREADABLE') ? { kind: 'hidden' } : { kind: 'failed', error }
  }
}

async function modeOf(path: string): Promise<number | 'missing' | 'hidden'> {
  try {
    return (await stat(path)).mode & 0o7777
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 'missing' : 'hidden'
  }
}
