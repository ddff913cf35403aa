/** A proxy with a key of its own, made in one place: what machine and login proxies have in common. */
import { createPublicKey } from 'node:crypto'
import { asUnixSeconds, type Clock, type UnixSeconds } from '../ports/clock.js'
import type { KeyGenerator, KeyKind } from '../ports/key-generator.js'
import type { Random } from '../ports/random.js'
import type { CertificateExtension } from '../x509/certificate.js'
import type { Credential } from './credential.js'
import { type IssuedPolicy, issueProxy } from './issue-proxy.js'

/** What signing and counting the time need. */
export interface ProxyTools {
  keys: KeyGenerator
  clock: Clock
  random: Random
  signal?: AbortSignal | undefined
}

export interface NewProxy {
  signer: Credential
  /** Lifetime from the moment of signing, in seconds; cut to what the signer's chain has left. */
  lifetimeSeconds: number
  /** Kind of the proxy's key; default `rsa2048`. */
  keyKind?: KeyKind | undefined
  policy?: IssuedPolicy | undefined
  /** How many proxies may follow below; absent: no limit. */
  pathLength?: number | undefined
  /** Fetches further extensions, while the key is being made. */
  extensions?: (() => Promise<readonly CertificateExtension[]>) | undefined
}

export interface MadeProxy extends Credential {
  /** When it stops working. */
  readonly end: UnixSeconds
  /** By how many seconds the signer's own end cut the lifetime asked for; 0: not at all. */
  readonly shortenedBySeconds: number
}

/** @throws VoboxError what {@link issueProxy} throws. Rejects with `signal.reason` when aborted. */
export async function makeProxy(proxy: NewProxy, tools: ProxyTools): Promise<MadeProxy> {
  const { signer, lifetimeSeconds, keyKind = 'rsa2048', policy, pathLength } = proxy
  const { keys, clock, random, signal } = tools
  const [privateKey, extensions] = await Promise.all([
    keys.generate(keyKind, signal),
    proxy.extensions?.(),
  ])
  const now = clock.now()
  const wantedEnd = asUnixSeconds(now + lifetimeSeconds)
  const leaf = issueProxy({
    signer,
    publicKey: createPublicKey(privateKey),
    notAfter: wantedEnd,
    now,
    random,
    policy,
    pathLength,
    extensions,
  })
  return {
    privateKey,
    chain: [leaf, ...signer.chain],
    end: leaf.notAfter,
    shortenedBySeconds: wantedEnd - leaf.notAfter,
  }
}
