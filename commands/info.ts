import { Flags } from '@oclif/core'
import { jsonFlag, loadLibrary, VoboxCommand } from './shared/vobox-command.js'

export default class Info extends VoboxCommand {
  static override summary = 'Shows what is in a proxy file, certificate by certificate'
  static override description =
    'Key sizes, hashes, delegation depth, and whether the chain is valid or why not, judged with the ' +
    'CA directory of the service ($X509_CERT_DIR).'
  static override examples = [
    { description: 'your login proxy', command: '<%= config.bin %> info' },
    { description: 'any file', command: '<%= config.bin %> info -f /tmp/x509up_u1000' },
  ]
  static override flags = {
    file: Flags.string({
      char: 'f',
      description: 'the file [default: $X509_USER_PROXY, or /tmp/x509up_u<uid>]',
      helpValue: 'FILE',
    }),
    ...jsonFlag,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Info)
    const { encodeInfo, inspectFile, showInfo } = await loadLibrary()
    const { file, report, now } = await inspectFile({
      file: flags.file,
      configFile: flags.config,
      environment: process.env,
    })
    this.print(flags.json ? encodeInfo(file, report) : showInfo(file, report, now))
  }
}
