import { JobCommand } from '../shared/job-command.js'
import { jobFlag, terseFlag } from '../shared/job-flags.js'
import { jsonFlag, loadLibrary } from '../shared/vobox-command.js'

export default class JobGet extends JobCommand {
  static override summary = 'Prints the path of the proxy of a job'
  static override description =
    'Asks the service that runs, over its socket. The file is kept alive until the last of the jobs ' +
    'that share it is unregistered.'
  static override examples = [
    {
      description: 'of one job',
      command: '<%= config.bin %> job get -j https://wms.example/job-17',
    },
  ]
  static override flags = { ...jobFlag, ...terseFlag, ...jsonFlag }

  async run(): Promise<void> {
    const { flags } = await this.parse(JobGet)
    const asked = await this.askJob({ command: 'get', jobId: flags.jobid }, flags)
    if (asked === undefined) return
    const { encodeJobPath } = await loadLibrary()
    const { vo, done } = asked
    this.print(flags.json ? encodeJobPath(vo.vo, done) : `${done.proxyFile}\n`)
  }
}
