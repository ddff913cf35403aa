/** What `register` takes; a command file holds no more than fits a page. */
import { Flags } from '@oclif/core'

export const registerFlags = {
  proxy: Flags.string({
    description: 'the login proxy [default: $X509_USER_PROXY, or /tmp/x509up_u<uid>]',
    helpValue: 'FILE',
  }),
  server: Flags.string({
    char: 's',
    description: 'MyProxy servers, in the order in which they are tried [default: $MYPROXY_SERVER]',
    helpValue: 'HOST[:PORT],…',
  }),
  hours: Flags.string({
    char: 't',
    description: 'lifetime to ask for: hours, or 90m, 48h, 7d [default: 12]',
    helpValue: 'HOURS',
  }),
  refresh: Flags.string({
    description: "age at which a proxy is renewed though it still lives, or 'never' [default: 1h]",
    helpValue: 'DURATION',
  }),
  voms: Flags.string({
    description:
      'VOMS attributes in order, the first of which names the file; may be repeated ' +
      '[default: those of the login proxy]',
    helpValue: 'VO[:FQAN]',
    multiple: true,
    multipleNonGreedy: true,
  }),
  'no-voms': Flags.boolean({
    description: 'a plain proxy, without VOMS attributes, is meant',
    exclusive: ['voms'],
  }),
  'allow-partial': Flags.boolean({
    description: 'renew with fewer of the attributes where not all are granted any more',
  }),
  'require-all': Flags.boolean({
    description: 'take --allow-partial back: keep the old proxy then, while it lives',
    exclusive: ['allow-partial'],
  }),
  username: Flags.string({
    char: 'l',
    description: 'the credential is stored under this name, not under the DN',
    helpValue: 'NAME',
  }),
  credname: Flags.string({
    char: 'k',
    description: 'name of the stored credential',
    helpValue: 'NAME',
  }),
  'pass-phrase-file': Flags.string({
    description:
      'renew by the pass phrase in this file of the VO admin (mode 0600), which is read at each ' +
      'renewal; for servers that make this machine no renewer',
    helpValue: 'FILE',
  }),
  email: Flags.string({
    description: 'where mail about this registration goes; without it none is sent',
    helpValue: 'ADDRESS',
  }),
  'proxy-safe': Flags.string({
    description: 'mail when the proxy has less than this left, in seconds [default: 3600]',
    helpValue: 'SECONDS',
  }),
  'myproxy-safe': Flags.string({
    description: 'mail when the stored credential has less left, in seconds [default: 864000]',
    helpValue: 'SECONDS',
  }),
  replaces: Flags.string({
    description: 'take settings and file name over from the registration of this DN',
    helpValue: 'DN',
  }),
  'allow-limited': Flags.boolean({ description: 'accept a limited proxy' }),
  'no-check': Flags.boolean({ description: 'ask the MyProxy server nothing now' }),
  force: Flags.boolean({ description: 'replace a registered proxy though it lives longer' }),
}
