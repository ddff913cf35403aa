import { Args } from '@oclif/core'
import { infoFlags } from './shared/info-flags.js'
import { secondsOf } from './shared/values.js'
import { jsonFlag, loadLibrary, VoboxCommand } from './shared/vobox-command.js'

export default class Info extends VoboxCommand {
  static override summary = 'Shows what is in a proxy file, and whether it works'
  static override description =
    'Whose it is, how long it lives, its VOMS attributes and whether they are verified, certificate ' +
    'by certificate, and valid or why not, judged with the CA directory ($X509_CERT_DIR) and the ' +
    'vomsdir ($X509_VOMS_DIR) of the service. Fails when it is not valid. It has the options of ' +
    'voms-proxy-info and grid-proxy-info: single values are printed bare, one a line, and those of ' +
    'attributes only where they are verified.'
  static override examples = [
    { description: 'your login proxy', command: '<%= config.bin %> info' },
    { description: 'any file', command: '<%= config.bin %> info /tmp/x509up_u1000' },
    {
      description: 'for a script: the attributes, the primary one first',
      command: '<%= config.bin %> info --fqan',
    },
    {
      description: 'for a script: is there a proxy for the next twelve hours?',
      command: '<%= config.bin %> info --exists --valid 12:00',
    },
  ]
  static override args = {
    file: Args.string({ description: 'the file, as --file' }),
  }
  static override flags = { ...infoFlags, ...jsonFlag }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(Info)
    const library = await loadLibrary()
    if (args.file !== undefined && flags.file !== undefined) {
      throw new library.VoboxError('USAGE', 'which file: that of --file, or the one behind info?')
    }
    const hours = await secondsOf('hours', flags.hours, 'h')
    const inspected = await library.inspectFile({
      file: flags.file ?? args.file,
      configFile: flags.config,
      environment: process.env,
    })
    const question = {
      ...flags,
      values: new Set(library.INFO_VALUES.filter((name) => flags[name])),
      life: {
        seconds: (await secondsOf('valid', flags.valid, 'h:m')) ?? hours,
        bits: flags.bits === undefined ? undefined : library.parseBits(flags.bits),
      },
      attributesOf: flags.acexists,
      unverified: flags['no-verify'],
    }
    const { text, warnings, status } = library.answerInfo(inspected, question, inspected.now)
    this.print(text)
    for (const warning of warnings) this.tell(`warning: ${warning}`)
    process.exitCode = status
  }
}
