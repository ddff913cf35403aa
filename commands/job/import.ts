import { Args, Flags } from '@oclif/core'
import { jsonFlag, loadLibrary, VoboxCommand } from '../shared/vobox-command.js'

export default class JobImport extends VoboxCommand {
  static override summary = 'Takes over the jobs of a glite-proxy-renewd, while they run'
  static override description =
    'The C daemon must have been stopped, and the service run. Each job in its spool is registered ' +
    'with the proxy that lies there, which then becomes a link to the file that the service keeps ' +
    'alive: jobs that read the old path go on. What cannot be taken over, such as an expired proxy, ' +
    'is told and left as it is. A run that was cut short is called again.'
  static override examples = [
    {
      description: 'what would be done',
      command: '<%= config.bin %> job import /var/spool/glite-renewd --dry-run',
    },
    {
      description: 'and doing it',
      command: '<%= config.bin %> job import /var/spool/glite-renewd',
    },
  ]
  static override args = {
    directory: Args.string({ description: 'the spool of glite-proxy-renewd', required: true }),
  }
  static override flags = {
    'dry-run': Flags.boolean({
      description: 'look and judge, and change nothing, whichever daemon runs',
    }),
    ...jsonFlag,
  }

  async run(): Promise<void> {
    const { args, flags } = await this.parse(JobImport)
    const vo = await this.openOwnVo(flags)
    const { encodeImported, importHasFailed, importSpool, interruption, showImported } =
      await loadLibrary()
    const done = await importSpool(vo, args.directory, {
      environment: process.env,
      signal: interruption(),
      dryRun: flags['dry-run'],
    })
    this.print(flags.json ? encodeImported(vo.vo, done) : showImported(done))
    if (importHasFailed(done)) process.exitCode = 1
  }
}
