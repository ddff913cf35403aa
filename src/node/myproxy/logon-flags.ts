/** The options of `myproxy logon` under their names on the command line, and what they mean. */
import type { KeyKind } from '../../ports/key-generator.js'
import type { LogonOptions } from './logon.js'

export interface LogonFlags {
  config?: string | undefined
  username?: string | undefined
  'dn-as-username'?: boolean
  credname?: string | undefined
  'key-type'?: string | undefined
  out?: string | undefined
  authorization?: string | undefined
  'no-passphrase'?: boolean
  'no-credentials'?: boolean
  certreq?: string | undefined
  trustroots?: boolean
  bootstrap?: boolean
  voms?: string[] | undefined
  'no-verify'?: boolean
  vomsdir?: string | undefined
  vomses?: string[] | undefined
}

/** What comes from elsewhere than from flags. */
export type LogonSurroundings = Pick<
  LogonOptions,
  'open' | 'environment' | 'lifetimeSeconds' | 'passPhrase' | 'keyPassPhrase' | 'signal'
>

export function logonOptionsOf(flags: LogonFlags, surroundings: LogonSurroundings): LogonOptions {
  return {
    ...surroundings,
    configFile: flags.config,
    username: flags.username,
    dnAsUsername: flags['dn-as-username'],
    credentialName: flags.credname,
    keyKind: flags['key-type'] as KeyKind | undefined,
    out: flags.out,
    authorizationFile: flags.authorization,
    noPassPhrase: flags['no-passphrase'],
    noCredentials: flags['no-credentials'],
    requestFile: flags.certreq,
    trustRoots: flags.trustroots,
    bootstrap: flags.bootstrap,
    voms: flags.voms,
    unverified: flags['no-verify'],
    vomsDirectory: flags.vomsdir,
    vomses: flags.vomses,
  }
}
