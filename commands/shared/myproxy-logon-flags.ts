/** What `myproxy logon` takes; a command file holds no more than fits a page. */
import { Flags } from '@oclif/core'
import {
  connectionFlags,
  noPassPhraseFlag,
  passPhraseFlags,
  terseFlag,
  usernameFlags,
} from './myproxy-flags.js'
import { vomsFilesFlags } from './voms-flags.js'

export const trustRootsFlag = {
  trustroots: Flags.boolean({
    char: 'T',
    description:
      'install the CA files of the server too, in $X509_CERT_DIR, or ~/.globus/certificates, for root ' +
      '/etc/grid-security/certificates',
  }),
}

export const bootstrapFlag = {
  bootstrap: Flags.boolean({
    char: 'b',
    description: 'take CA files from a server whose CA is not known here, and show fingerprints',
  }),
}

export const quietFlag = {
  quiet: Flags.boolean({ char: 'q', description: 'print nothing but errors' }),
}

export const logonFlags = {
  ...connectionFlags,
  ...usernameFlags,
  'proxy-lifetime': Flags.string({
    char: 't',
    description:
      'lifetime: hours, or 90m, 48h, 7d; 0 for as much as the server gives [default: 12]',
    helpValue: 'HOURS',
  }),
  out: Flags.string({
    char: 'o',
    description:
      'where to put it, - for standard output [default: $X509_USER_PROXY, or /tmp/x509up_u<uid>]',
    helpValue: 'FILE',
  }),
  authorization: Flags.string({
    char: 'a',
    description: 'proxy to renew: it authorises that itself, without a pass phrase',
    helpValue: 'FILE',
    exclusive: ['stdin-pass', 'pass-phrase-file', 'pass-phrase-fd'],
  }),
  ...passPhraseFlags,
  ...noPassPhraseFlag,
  'no-credentials': Flags.boolean({
    char: 'N',
    description: 'see whether you would get a proxy, and get none',
  }),
  voms: Flags.string({
    char: 'm',
    description: 'VOMS attributes to carry, the primary one first; may be repeated',
    helpValue: 'VO[:FQAN]',
    multiple: true,
    multipleNonGreedy: true,
  }),
  'no-verify': Flags.boolean({
    description: 'take attributes that cannot be verified',
    dependsOn: ['voms'],
  }),
  ...vomsFilesFlags,
  certreq: Flags.string({
    char: 'Q',
    description: 'have this request certified, in PEM, - from standard input, instead of a new key',
    helpValue: 'FILE',
  }),
  'key-type': Flags.string({
    description: 'kind of the new key [default: $MYPROXY_KEYBITS, or the configured rsa2048]',
    helpValue: 'KIND',
    options: ['rsa2048', 'rsa3072', 'rsa4096', 'p256'],
  }),
  ...trustRootsFlag,
  ...bootstrapFlag,
  ...quietFlag,
  ...terseFlag,
}
