import type { KeyObject } from 'node:crypto'

/** Kinds of private key we make. `rsa2048` is the default: Java VOMS clients and the C server refuse EC. */
export type KeyKind = 'rsa2048' | 'rsa3072' | 'rsa4096' | 'p256'

/** Where private keys come from. */
export interface KeyGenerator {
  /**
   * A private key that has never been handed out before: each is used for one proxy.
   *
   * May come from a pool. Rejects with `signal.reason` when aborted.
   */
  generate(kind: KeyKind, signal?: AbortSignal): Promise<KeyObject>
}
