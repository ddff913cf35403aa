/** What `myproxy init` takes, beside what all commands of MyProxy do. */
import { Flags } from '@oclif/core'
import { accessFlags } from './myproxy-access-flags.js'
import {
  connectionFlags,
  noPassPhraseFlag,
  passPhraseFlags,
  replaceFlag,
  terseFlag,
  usernameFlags,
} from './myproxy-flags.js'
import { jsonFlag } from './vobox-command.js'

export const myProxyInitFlags = {
  ...connectionFlags,
  ...usernameFlags,
  'cred-lifetime': Flags.string({
    char: 'c',
    description:
      'lifetime of what is stored: hours, or 90m, 48h, 30d; 0 for as long as your certificate ' +
      '[default: 168]',
    helpValue: 'HOURS',
  }),
  'proxy-lifetime': Flags.string({
    char: 't',
    description: 'longest proxy to be had from it: hours, or 90m, 48h [default: 12]',
    helpValue: 'HOURS',
  }),
  certfile: Flags.string({
    char: 'C',
    description:
      'certificate in PEM, or with its key in PKCS#12 [default: $X509_USER_CERT, or usercert.pem, ' +
      'else usercred.p12, in ~/.globus]',
    helpValue: 'FILE',
  }),
  keyfile: Flags.string({
    char: 'y',
    description: 'its key, readable by nobody else [default: $X509_USER_KEY, or userkey.pem]',
    helpValue: 'FILE',
  }),
  ...accessFlags,
  ...passPhraseFlags,
  ...noPassPhraseFlag,
  'generate-pass-phrase': Flags.boolean({
    description: 'make a strong pass phrase, store with it, and show it once on the terminal',
    exclusive: ['no-passphrase', 'stdin-pass', 'pass-phrase-file', 'pass-phrase-fd'],
  }),
  'pass-phrase-out': Flags.string({
    description: 'where to write the pass phrase that was made, mode 0600, instead of showing it',
    helpValue: 'FILE',
    dependsOn: ['generate-pass-phrase'],
  }),
  'local-proxy': Flags.boolean({
    char: 'L',
    description: 'make a login proxy too, with the lifetime of --proxy-lifetime',
  }),
  voms: Flags.string({
    char: 'm',
    description: 'VOMS attributes that what is stored is to carry; may be repeated',
    helpValue: 'VO[:FQAN]',
    multiple: true,
    multipleNonGreedy: true,
  }),
  'allow-voms': Flags.boolean({
    description: 'store from a proxy that carries VOMS attributes already',
  }),
  ...replaceFlag,
  'for-vobox': Flags.boolean({
    description:
      'store what a VO-Box renews: under your DN, without a pass phrase, -t 48, -c 3000, for its ' +
      'machine alone where that is known, else for those that renew what it replaces; then check ' +
      'that it could',
    exclusive: ['generate-pass-phrase', 'pass-phrase-file', 'pass-phrase-fd'],
  }),
  'vobox-dn': Flags.string({
    description: 'DN of the host certificate of the VO-Box [default: of this one, where it is one]',
    helpValue: 'DN',
    dependsOn: ['for-vobox'],
  }),
  ...terseFlag,
  ...jsonFlag,
}
