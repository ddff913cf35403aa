import { Flags } from '@oclif/core'
import { jsonFlag, loadLibrary, VoboxCommand } from './shared/vobox-command.js'

export default class Setup extends VoboxCommand {
  static override summary = 'Makes the service of a VO, or takes it away'
  static override description =
    'Run by root. Makes the VO directory, the init script, what makes the machine proxy every six ' +
    'hours, log rotation and, where there is none, a configuration file; then has the service run, now ' +
    'and at every boot. What is right already stays as it is, so that it can be run again after an ' +
    'upgrade. Every step is printed.'
  static override examples = [
    {
      description: 'once for each VO',
      command: '<%= config.bin %> setup --vo alice --admin alicesgm',
    },
    {
      description: 'what that would do',
      command: '<%= config.bin %> setup --vo alice --admin alicesgm --dry-run',
    },
    {
      description: 'the service away; registrations and proxies stay',
      command: '<%= config.bin %> setup --vo alice --remove',
    },
  ]
  static override flags = {
    admin: Flags.string({
      description: 'account that owns the VO directory and runs the service',
      helpValue: 'ACCOUNT',
    }),
    root: Flags.string({
      description: 'root of the VO directories [default: as configured, /var/lib/vobox]',
      helpValue: 'DIRECTORY',
    }),
    systemd: Flags.boolean({
      description: 'have systemd keep the service [default: where it runs]',
      exclusive: ['sysv'],
    }),
    sysv: Flags.boolean({
      description: 'have the init script and cron do so',
      exclusive: ['systemd'],
    }),
    'dry-run': Flags.boolean({ description: 'say what would be done, and do nothing' }),
    jobs: Flags.boolean({
      description:
        'have the service see the real /tmp under systemd, where proxies of jobs lie and clients of ' +
        'the C library connect; says what to set in the configuration',
      exclusive: ['remove'],
    }),
    'no-start': Flags.boolean({
      description: 'write the files alone: enable and start nothing',
    }),
    remove: Flags.boolean({
      description: 'stop the service and remove its files; the VO directory stays',
    }),
    purge: Flags.boolean({
      description: 'remove the VO directory too, registrations and proxies with it',
      dependsOn: ['remove'],
    }),
    prefix: Flags.string({
      description: 'directory that stands for /, for packages',
      helpValue: 'DIRECTORY',
      hidden: true,
    }),
    ...jsonFlag,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Setup)
    const { encodeSetup, setUp, showSetup, showSetupStep, VoboxError } = await loadLibrary()
    if (flags.vo === undefined) throw new VoboxError('USAGE', 'setup needs --vo')
    let taken = ''
    try {
      const result = await setUp({
        vo: flags.vo,
        admin: flags.admin,
        root: flags.root,
        manager: flags.systemd ? 'systemd' : flags.sysv ? 'sysv' : undefined,
        dryRun: flags['dry-run'],
        jobs: flags.jobs,
        start: !flags['no-start'],
        remove: flags.remove,
        purge: flags.purge,
        prefix: flags.prefix,
        configFile: flags.config,
        environment: process.env,
        home: this.config.root,
        program: [process.execPath, process.argv[1] ?? '', 'vobox-proxy'],
        onStep: (step) => {
          taken += showSetupStep(step, flags['dry-run'])
        },
      })
      this.print(flags.json ? encodeSetup(result) : showSetup(result))
      if (!flags.json && result.advice.length > 0) this.tell(result.advice.join('\n  '))
    } catch (error) {
      // What was done before is worth knowing, and no data.
      if (!flags.json) process.stderr.write(taken)
      throw error
    }
  }
}
