import { Flags } from '@oclif/core'
import { jsonFlag, loadLibrary, VoboxCommand } from '../shared/vobox-command.js'

export default class JobList extends VoboxCommand {
  static override summary = 'Lists the proxies that jobs share, and their jobs'
  static override description =
    'From what the service has written down, so that it need not run. One row a proxy, or with --jobs ' +
    'one line a job: the path of its proxy, a tab, its id.'
  static override examples = [
    { description: 'proxies, for people', command: '<%= config.bin %> job list' },
    { description: 'jobs, for scripts', command: '<%= config.bin %> job list --jobs' },
  ]
  static override flags = {
    jobs: Flags.boolean({ description: 'one line a job', exclusive: ['json'] }),
    ...jsonFlag,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(JobList)
    const vo = await this.openOwnVo(flags)
    const { encodeJobs, listJobs, showJobLines, showJobProxies } = await loadLibrary()
    const rows = await listJobs(vo)
    if (flags.json) this.print(encodeJobs(vo.vo, rows))
    else if (flags.jobs) this.print(showJobLines(rows))
    else if (rows.length === 0) this.tell('no job is registered')
    else this.print(showJobProxies(rows, vo.clock.now()))
  }
}
