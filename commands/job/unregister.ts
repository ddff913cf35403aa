import { Flags } from '@oclif/core'
import { JobCommand } from '../shared/job-command.js'
import { jobFlag, terseFlag } from '../shared/job-flags.js'
import { jsonFlag, loadLibrary } from '../shared/vobox-command.js'

export default class JobUnregister extends JobCommand {
  static override summary = 'Ends the registration of a job'
  static override description =
    'Asks the service that runs, over its socket. The last of the jobs that share a proxy takes it ' +
    'and its file with it.'
  static override examples = [
    { description: 'a job that has ended', command: '<%= config.bin %> job unregister -j job-17' },
  ]
  static override flags = {
    ...jobFlag,
    file: Flags.string({
      char: 'f',
      description:
        'path that register printed; of a job with several proxies, the one that is meant',
      helpValue: 'FILE',
    }),
    ...terseFlag,
    ...jsonFlag,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(JobUnregister)
    const { jobid: jobId, file } = flags
    const request = { command: 'unregister', jobId, ...(file && { proxyFile: file }) } as const
    const asked = await this.askJob(request, flags)
    if (asked === undefined || flags.terse) return
    const { encodeJobUnregistered, showJobUnregistered } = await loadLibrary()
    const { vo, done } = asked
    this.print(flags.json ? encodeJobUnregistered(vo.vo, done) : showJobUnregistered(done))
  }
}
