import { Flags } from '@oclif/core'
import type { CheckReport } from '../src/index.js'
import { hostFlags } from './shared/host-flags.js'
import { jsonFlag, type Library, loadLibrary, VoboxCommand } from './shared/vobox-command.js'

export default class Check extends VoboxCommand {
  static override summary = 'Looks at the whole line, and says what is wrong and how to cure it'
  static override description =
    'Clock, CAs and CRLs, host certificate, machine proxy, disk, registry, service and mail; then, for ' +
    'each registration, every MyProxy server at each address, the stored credential, whether this ' +
    'machine may renew it and for how long (one renewal is asked for and thrown away), and the VOMS ' +
    'servers. Ends with 1 when something failed; what is only to be looked at does not count. Root ' +
    'sees the host key too, and becomes the VO admin for everything else.'
  static override examples = [
    { description: 'everything', command: '<%= config.bin %> --vo alice check' },
    {
      description: 'from cron: silent when all is well',
      command: '<%= config.bin %> check --quiet',
    },
    { description: 'as a plugin of Nagios', command: '<%= config.bin %> check --nagios' },
    {
      description: 'would every server do, attributes and all?',
      command: '<%= config.bin %> check --rehearse',
    },
  ]
  static override flags = {
    dn: Flags.string({
      description: "only the registrations of this DN [default: 'all']",
      helpValue: 'DN',
    }),
    ...hostFlags,
    rehearse: Flags.boolean({
      description: 'renew for real from every server, the second ones too, and throw it away',
    }),
    'send-mail': Flags.boolean({ description: 'send a mail to mail.admin' }),
    quiet: Flags.boolean({ description: 'print only what is wrong', exclusive: ['verbose'] }),
    verbose: Flags.boolean({ description: 'print also what could not be looked at, and why' }),
    nagios: Flags.boolean({
      description: 'one line with performance data; ends with 0, 1, 2 or 3 as a plugin does',
      exclusive: ['json', 'quiet', 'verbose'],
    }),
    ...jsonFlag,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Check)
    const library = await loadLibrary()
    const progress = library.progressOn(process.stderr, 'checking')
    const look = () =>
      library
        .checkVo({
          vo: flags.vo,
          configFile: flags.config,
          environment: process.env,
          dn: flags.dn,
          certificateFile: flags.cert,
          keyFile: flags.key,
          rehearse: flags.rehearse,
          sendMail: flags['send-mail'],
          signal: library.interruption(),
          onDone: progress.step,
        })
        .finally(progress.end)
    if (flags.nagios) return this.answerNagios(library, look)
    const report = await look()
    const { quiet, verbose } = flags
    const options = {
      ...library.lookOf(process.stdout.isTTY === true, process.env),
      quiet,
      verbose,
    }
    this.print(flags.json ? library.encodeCheck(report) : library.showCheck(report, options))
    if (library.hasFailed(report.findings)) process.exitCode = 1
  }

  /** Whatever happens is a line on stdout: nobody sees the stderr of a plugin. */
  private async answerNagios(library: Library, look: () => Promise<CheckReport>): Promise<void> {
    const { text, status } = await look().then(library.showNagios, (error) =>
      library.showNagiosUnknown(library.toVoboxError(error)),
    )
    this.print(text)
    process.exitCode = status
  }
}
