/** What `info` takes: the options of `voms-proxy-info` and `grid-proxy-info`, and a few of ours. */
import { Flags } from '@oclif/core'

const value = (description: string) => Flags.boolean({ description })

/** Single values; what prints them is `report/info-values.ts`. */
export const infoValueFlags = {
  subject: value('print the subject DN of the proxy, and nothing else'),
  issuer: value('print the DN of whoever signed the proxy'),
  identity: value('print the identity DN: the subject of the end-entity certificate'),
  type: value('print the kind of proxy'),
  strength: value('print the size of the key of the proxy in bits'),
  path: value('print the path of the file'),
  timeleft: value('print the seconds left of the proxy; 0 when it has expired'),
  keyusage: value('print what the key of the proxy may be used for'),
  'vo-name': value('print the VO of the attributes; also written -vo behind the command'),
  acsubject: value('print the DN that the attributes were granted to'),
  acissuer: value('print the DN of the VOMS server that granted the attributes'),
  uri: value('print the address of the VOMS server that granted the attributes'),
  actimeleft: value('print the seconds left of the attributes; 0 when they have expired'),
  fqan: value('print the FQANs, one a line, the primary one first'),
  serial: value('print the serial number of the attribute certificate'),
}

export const infoFlags = {
  file: Flags.string({
    char: 'f',
    description: 'the file [default: $X509_USER_PROXY, or /tmp/x509up_u<uid>]',
    helpValue: 'FILE',
  }),
  all: value('print the proxy with its attributes, not certificate by certificate'),
  chain: value('print every certificate of the chain'),
  text: value('print the certificate of the proxy'),
  ...infoValueFlags,
  exists: value('print nothing; fail unless there is a valid proxy'),
  valid: Flags.string({
    description: 'print nothing; fail unless the proxy lives so long; attributes do not count',
    helpValue: 'H:M',
  }),
  hours: Flags.string({
    char: 't',
    description: 'as --valid, in hours',
    helpValue: 'HOURS',
  }),
  bits: Flags.string({
    description: 'print nothing; fail unless the key of the proxy has at least so many bits',
    helpValue: 'BITS',
  }),
  acexists: Flags.string({
    description: 'print nothing; fail unless the proxy carries verified attributes of this VO',
    helpValue: 'VO',
  }),
  'no-verify': value('take attributes as they are written, though nobody may vouch for them'),
}
