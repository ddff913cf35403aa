/** What every secure connection needs, from the composition root. */
import type { Clock } from '../ports/clock.js'
import type { Dialer } from '../ports/dialer.js'
import type { Journal } from '../ports/journal.js'
import type { Certificate } from '../x509/certificate.js'
import type { CertificateCache } from '../x509/certificate-cache.js'
import type { TrustAnchors } from '../x509/trust-anchors.js'
import type { Circuit } from './circuit.js'

export interface GsiContext {
  dialer: Dialer
  clock: Clock
  journal: Journal
  /** The trust anchors as they are now; the service's own, never those of whoever registered. */
  anchors(): Promise<TrustAnchors>
  /**
   * For who asks once and ends: anchors that are complete for this chain, read when a peer has shown
   * it, since a grid site has hundreds of CAs. Absent: {@link GsiContext.anchors}, before connecting.
   */
  anchorsFor?(chain: readonly Certificate[]): Promise<TrustAnchors>
  /** Where certificates that come again are known from; absent: each is read anew. */
  certificates?: CertificateCache | undefined
  /** Deadline for TCP and again for TLS, each address, in milliseconds. */
  connectMs: number
  /** Deadline for each answer, in milliseconds. */
  answerMs: number
  /** Remembers servers that do not answer; absent in a process that asks once. */
  circuit?: Circuit | undefined
  tlsMaxVersion: 'TLSv1.2' | 'TLSv1.3'
  maxDelegationDepth: number
  allowLegacyProxies: boolean
}
