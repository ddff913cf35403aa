/** What every exchange with a MyProxy server needs, from the composition root. */
import type { GsiContext } from '../gsi/context.js'
import type { KeyGenerator, KeyKind } from '../ports/key-generator.js'

export interface MyProxyContext extends GsiContext {
  keys: KeyGenerator
  /** Kind of the key of a delegated proxy. */
  keyKind: KeyKind
  /** Sign a SHA-1 challenge where a server offers no other. */
  allowSha1Challenge: boolean
  /** Expected server DN in one-line form instead of the host name check; null: none. */
  serverDn: string | null
}
