/** Whether machine proxies can be made from the host certificate, and for how long. Pure. */
import { printable, VoboxError } from '../../errors.js'
import type { UnixSeconds } from '../../ports/clock.js'
import { describeChain } from '../../proxy/chain-facts.js'
import { checkSignerTime } from '../../proxy/judge-signer.js'
import { checkHostCertificate } from '../../proxy/machine-proxy.js'
import type { Certificate } from '../../x509/certificate.js'
import { bad, type Finding, failed } from './finding.js'
import { judgeCertificateEnd } from './judge-chain.js'

export interface HostCertificateLook {
  certificateFile: string
  keyFile: string
  /** The host certificate and what lies beside it; or why it cannot be read. */
  chain: readonly Certificate[] | { error: unknown }
  /** What is known of the key; `hidden`: only root sees it. */
  key: KeyLook
}

export type KeyLook =
  | { kind: 'fits' }
  | { kind: 'hidden' }
  | { kind: 'open-to-others'; mode: number }
  | { kind: 'failed'; error: unknown }

const NEW_CERTIFICATE = 'Ask the CA for a new host certificate'

export function judgeHostCertificate(look: HostCertificateLook, now: UnixSeconds): Finding[] {
  const { chain } = look
  if (!Array.isArray(chain))
    return [failed('host-certificate', (chain as { error: unknown }).error)]
  return [...judgeKey(look), judgeLeaf(chain, now)]
}

function judgeLeaf(chain: readonly Certificate[], now: UnixSeconds): Finding {
  const facts = describeChain(chain)
  const { endEntity, effectiveEnd, depth } = facts
  try {
    checkHostCertificate(endEntity, depth, effectiveEnd, now)
    checkSignerTime(facts, now)
  } catch (error) {
    return { ...failed('host-certificate', error), end: endEntity.notAfter }
  }
  const what = `the host certificate ${printable(endEntity.subject.oneLine)}`
  const { verdict, sentence } = judgeCertificateEnd(what, effectiveEnd, now)
  const found = { check: 'host-certificate', verdict, sentence, end: effectiveEnd } as const
  return verdict === 'good' ? found : { ...found, cure: NEW_CERTIFICATE }
}

function judgeKey({ key, keyFile }: HostCertificateLook): Finding[] {
  const path = printable(keyFile)
  switch (key.kind) {
    case 'fits':
    case 'hidden':
      return []
    case 'open-to-others': {
      const mode = key.mode.toString(8).padStart(4, '0')
      const sentence = `others than its owner can get at the host key ${path}: it has mode ${mode}`
      const cure = `As root: chmod 0400 ${path}; and ask the CA for a new one if it may have been read`
      return [bad('host-certificate', sentence, cure)]
    }
    case 'failed':
      return [failed('host-certificate', key.error)]
  }
}

/** What a key that is not there is. */
export function missingKey(path: string): VoboxError {
  return new VoboxError('FILE_MISSING', `there is no host key ${printable(path)}`, {
    hint: 'Put the key of the host certificate there, root’s, with mode 0400',
    data: { path },
  })
}
