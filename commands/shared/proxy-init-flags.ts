/** What `proxy-init` takes; a command file holds no more than fits a page. */
import { Flags } from '@oclif/core'
import { vomsFilesFlags } from './voms-flags.js'

export const proxyInitFlags = {
  voms: Flags.string({
    description: 'VOMS attributes to carry, the primary one first; may be repeated',
    helpValue: 'VO[:FQAN]',
    multiple: true,
    multipleNonGreedy: true,
  }),
  order: Flags.string({
    description: 'FQAN to put before the others; may be repeated',
    helpValue: 'FQAN',
    multiple: true,
    multipleNonGreedy: true,
    dependsOn: ['voms'],
  }),
  target: Flags.string({
    description: 'host that alone may use the attributes; may be repeated [default: any]',
    helpValue: 'HOST',
    multiple: true,
    multipleNonGreedy: true,
    dependsOn: ['voms'],
  }),
  vomslife: Flags.string({
    description: 'lifetime of the attributes [default: that of the proxy]',
    helpValue: 'H:M',
  }),
  cert: Flags.string({
    description:
      'certificate in PEM, or with its key in PKCS#12 [default: $X509_USER_CERT, or usercert.pem, ' +
      'else usercred.p12, in ~/.globus]',
    helpValue: 'FILE',
  }),
  key: Flags.string({
    description: 'its key, readable by nobody else [default: $X509_USER_KEY, or userkey.pem]',
    helpValue: 'FILE',
  }),
  noregen: Flags.boolean({
    description: 'sign with the proxy that is there, without a pass phrase',
    exclusive: ['cert', 'key'],
  }),
  pwstdin: Flags.boolean({ description: 'read the pass phrase from standard input' }),
  'pass-phrase-fd': Flags.string({
    description: 'read the pass phrase from this open file descriptor',
    helpValue: 'N',
    exclusive: ['pwstdin'],
  }),
  valid: Flags.string({
    description: 'lifetime: H:M, or hours, or 90m, 48h, 7d [default: 12:00]',
    helpValue: 'H:M',
  }),
  hours: Flags.string({
    char: 't',
    description: 'lifetime of the proxy alone: hours, or 90m, 48h, 7d',
    helpValue: 'HOURS',
  }),
  bits: Flags.string({
    description: 'size of the RSA key [default: 2048]',
    helpValue: 'BITS',
    options: ['2048', '3072', '4096'],
  }),
  limited: Flags.boolean({ description: 'a proxy that starts no jobs' }),
  independent: Flags.boolean({
    description: 'a proxy without the rights of your certificate',
    exclusive: ['limited'],
  }),
  rfc: Flags.boolean({ description: 'an RFC 3820 proxy, which every proxy made here is' }),
  'path-length': Flags.string({
    description: 'how many proxies may be delegated below the new one [default: no limit]',
    helpValue: 'N',
  }),
  out: Flags.string({
    description: 'where to put it [default: $X509_USER_PROXY, or /tmp/x509up_u<uid>]',
    helpValue: 'FILE',
  }),
  certdir: Flags.string({
    description: 'CA directory [default: $X509_CERT_DIR, or /etc/grid-security/certificates]',
    helpValue: 'DIRECTORY',
  }),
  ...vomsFilesFlags,
  timeout: Flags.string({
    description: 'deadline for each connection to a VOMS server [default: 5]',
    helpValue: 'SECONDS',
  }),
  'no-verify': Flags.boolean({ description: 'take attributes that cannot be verified' }),
  verify: Flags.boolean({ description: 'validate the proxy with the CA directory first' }),
  failonwarn: Flags.boolean({ description: 'write no proxy where there is a warning' }),
  ignorewarn: Flags.boolean({ description: 'show no warnings', exclusive: ['failonwarn'] }),
  quiet: Flags.boolean({ description: 'print nothing but warnings and errors' }),
  debug: Flags.boolean({ description: 'say which files are used' }),
}
