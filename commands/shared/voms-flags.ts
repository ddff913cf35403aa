/** Where commands that ask for VOMS attributes look for what they need. */
import { Flags } from '@oclif/core'

export const vomsFilesFlags = {
  vomsdir: Flags.string({
    description: 'whose attributes are believed [default: $X509_VOMS_DIR, or the configured one]',
    helpValue: 'DIRECTORY',
  }),
  vomses: Flags.string({
    description:
      'file or directory that names VOMS servers; may be repeated [default: $VOMS_USERCONF, or ' +
      '~/.voms/vomses and /etc/vomses]',
    helpValue: 'PATH',
    multiple: true,
    multipleNonGreedy: true,
  }),
}
