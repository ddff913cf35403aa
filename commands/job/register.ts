import { Flags } from '@oclif/core'
import { JobCommand } from '../shared/job-command.js'
import { jobFlag, terseFlag } from '../shared/job-flags.js'
import { jsonFlag, loadLibrary } from '../shared/vobox-command.js'

export default class JobRegister extends JobCommand {
  static override summary = 'Has the proxy of a job kept alive until the job ends'
  static override description =
    'Asks the service that runs, over its socket, and prints the path that the job is to read. Jobs ' +
    'whose proxies are worth the same share one file: one identity, one MyProxy server, the same ' +
    'attributes, the same kind. The proxy must be a file of the VO admin, mode 0600, trusted, and ' +
    'live for 20 minutes or more; what is stored on the MyProxy server must be renewable by this ' +
    'machine. A job that is registered twice is to be unregistered twice.'
  static override examples = [
    {
      description: 'as a workload manager does',
      command:
        '<%= config.bin %> job register -s myproxy.example.org -f /var/lib/wms/17.pem -j job-17',
    },
  ]
  static override flags = {
    server: Flags.string({
      char: 's',
      description: 'MyProxy server that the proxy is renewed from',
      helpValue: 'HOST[:PORT]',
      required: true,
    }),
    file: Flags.string({
      char: 'f',
      description: 'the proxy of the job',
      helpValue: 'FILE',
      required: true,
    }),
    ...jobFlag,
    ...terseFlag,
    ...jsonFlag,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(JobRegister)
    const { server, file: proxyFile, jobid: jobId } = flags
    const asked = await this.askJob({ command: 'register', server, proxyFile, jobId }, flags)
    if (asked === undefined) return
    const { encodeJobRegistered } = await loadLibrary()
    const { vo, done } = asked
    this.print(flags.json ? encodeJobRegistered(vo.vo, done) : `${done.proxyFile}\n`)
  }
}
