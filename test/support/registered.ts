/** Registrations that lie in a VO-Box as if they had been made long ago: files alone, no program run. */
import { chmodSync, chownSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Credential } from '../../src/proxy/credential.js'
import { encodeCredential } from '../../src/proxy/credential.js'
import type { Registration, RegistrationState } from '../../src/registry/registration.js'
import { encodeRegistry } from '../../src/registry/registry-codec.js'
import { proxyFileName } from '../../src/repository/proxy-file-name.js'
import { addProxy, realNow } from './pki.js'
import { registration } from './registry.js'
import type { VoBox } from './vo-box.js'

export interface Registered {
  registration: Registration
  /** Full path of the proxy file. */
  file: string
}

export interface RegisteredOptions {
  /** Lifetime left of the proxy in the file; default 40. */
  hours?: number
  /** Default: none. */
  voms?: readonly string[]
  /** What is in the file; default: a plain proxy of the user's for those hours. */
  proxy?: Credential
  /** How long ago the file was written, in seconds; default 0. */
  writtenAgoSeconds?: number
  state?: RegistrationState
  settings?: Partial<Registration>
}

/** Puts registrations into the registry and their proxies into the repository, in this order. */
export function putRegistered(
  box: VoBox,
  users: readonly (RegisteredOptions & { user: Credential })[],
): Registered[] {
  for (const path of [box.paths.repository, box.paths.state]) {
    mkdirSync(path, { recursive: true, mode: 0o700 })
    give(box, path, 0o700)
  }
  const registered = users.map(({ user, ...options }) => putOne(box, user, options))
  const entries = new Map(registered.map(({ registration: one }) => [one.fileName, one]))
  writeFileSync(box.paths.registry, encodeRegistry(entries))
  give(box, box.paths.registry, 0o600)
  return registered
}

function putOne(box: VoBox, user: Credential, options: RegisteredOptions): Registered {
  const { hours = 40, voms = [], writtenAgoSeconds = 0, state } = options
  const identity = user.chain[0]?.subject
  if (identity === undefined) throw new TypeError('a user has a certificate')
  const fileName = proxyFileName(identity.oneLine, voms)
  const now = realNow()
  const ends = { notBefore: now - 400 * 3600, notAfter: now + hours * 3600 }
  const file = join(box.paths.repository, fileName)
  const proxy = options.proxy ?? addProxy(user, hours > 0 ? { hours } : ends)
  writeFileSync(file, encodeCredential(proxy))
  give(box, file, 0o600)
  utimesSync(file, now, now - writtenAgoSeconds)
  if (state !== undefined) {
    const path = join(box.paths.state, `${fileName}.json`)
    writeFileSync(path, JSON.stringify({ fileName, ...state }))
    give(box, path, 0o600)
  }
  return {
    registration: registration(fileName, {
      identity: identity.oneLine,
      identityDer: Buffer.from(identity.der).toString('base64'),
      voms,
      ...options.settings,
    }),
    file,
  }
}

function give(box: VoBox, path: string, mode: number): void {
  chmodSync(path, mode)
  if (process.getuid?.() === 0) chownSync(path, box.admin.uid, box.admin.gid)
}
