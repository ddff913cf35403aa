/** Where the host certificate is, for commands that look at it. */
import { Flags } from '@oclif/core'

export const hostFlags = {
  cert: Flags.string({
    description: 'host certificate [default: /etc/grid-security/hostcert.pem]',
    helpValue: 'FILE',
  }),
  key: Flags.string({
    description: 'its key, readable by nobody else [default: /etc/grid-security/hostkey.pem]',
    helpValue: 'FILE',
  }),
}
