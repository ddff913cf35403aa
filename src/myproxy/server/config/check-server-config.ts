/** What no single line can show: directives that exclude or need each other. */
import { matchesAnyDnPattern, plainDn } from '../policy/dn-pattern.js'
import { configInvalid } from './config-lines.js'
import type { ServerConfig } from './server-config.js'

/** @throws `CONFIG_INVALID`. */
export function checkServerConfig(config: ServerConfig, path: string): void {
  const fail = (directive: string, problem: string, hint: string) => {
    throw configInvalid(path, { line: config.lines.get(directive) ?? 0, directive }, problem, hint)
  }
  for (const [one, other] of EXCLUSIVE) {
    if (!config.lines.has(one) || !config.lines.has(other)) continue
    fail(other, `stands beside ${one}`, 'Leave one of them away')
  }
  for (const [one, other] of NEEDING) {
    if (!config.lines.has(one) || config.lines.has(other)) continue
    fail(one, `needs ${other}`, `Write ${other} too, or leave ${one} away`)
  }
  if (isOpenToAll(config)) {
    fail(
      'trusted_retrievers',
      'is an unsafe policy: everybody would be given what has no pass phrase',
      'Write in trusted_retrievers or default_trusted_retrievers who may have it',
    )
  }
}

const EXCLUSIVE = [
  ['certificate_issuer_cert', 'certificate_issuer_program'],
  ['certificate_extfile', 'certificate_extapp'],
  ['proxy_extfile', 'proxy_extapp'],
] as const

const NEEDING = [
  ['certificate_issuer_cert', 'certificate_issuer_key'],
  ['certificate_issuer_key', 'certificate_issuer_cert'],
  ['certificate_issuer_key_passphrase', 'certificate_issuer_key'],
] as const

/** A name that nobody has: what matches it, `*`, `/*` or `x|(*)`, was written for everybody. */
const NOBODY = '/\u0001=\u0001'

/** The C server looks for `*` as the first pattern of each list; here none may be open. */
function isOpenToAll({ trustedRetrievers, defaultTrustedRetrievers }: ServerConfig): boolean {
  const open = (patterns: readonly string[]) => matchesAnyDnPattern(patterns, plainDn(NOBODY))
  if (!open(trustedRetrievers)) return false
  return defaultTrustedRetrievers.length === 0 || open(defaultTrustedRetrievers)
}
