/**
 * A job proxy: one file that jobs share. Jobs share it when their proxies are worth the same: one
 * identity, one MyProxy server, the same VOMS attributes in the same order, the same kind. A plain
 * proxy is never handed to a job that registered a dressed one, nor the other way round, nor a
 * limited one for a full one, nor another role.
 */
import type { UnixSeconds } from '../ports/clock.js'
import type { ProxyKind } from '../proxy/proxy-cert-info.js'

/** What a proxy is worth. */
export interface JobProxyWorth {
  /** Identity DN in the OpenSSL one-line form, for people. */
  identity: string
  /** The same as DER, in base64: what is compared. */
  identityDer: string
  /** `host:port` of the MyProxy server. */
  server: string
  /** `VO` or `VO:FQAN` in order, the first being the primary one; empty for a plain proxy. */
  voms: readonly string[]
  /** Form of its outermost proxy certificate. */
  kind: ProxyKind
  limited: boolean
}

export interface JobProxy extends JobProxyWorth {
  /**
   * Name in `job_repository/`, drawn at random and never used again: whoever holds on to one that is
   * gone finds nothing, and not another's.
   */
  fileName: string
  registeredAt: UnixSeconds
}

/** Equal for two proxies that jobs may share, and for no others. */
export function worthKey(worth: JobProxyWorth): string {
  const { identityDer, server, voms, kind, limited } = worth
  return JSON.stringify([identityDer, server.toLowerCase(), voms, kind, limited])
}
