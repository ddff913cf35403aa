import { Flags } from '@oclif/core'
import { secondsOf } from '../shared/values.js'
import { jsonFlag, loadLibrary, VoboxCommand } from '../shared/vobox-command.js'

export default class MyProxyServerReplicate extends VoboxCommand {
  static override summary = 'Hands what a MyProxy server stores to its secondaries'
  static override description =
    'Cron runs this every ten minutes on the primary, as the owner of its repository. What was ' +
    'stored, changed or removed since is sent to each of the slave_servers with the credential of ' +
    'the server, which they name alone in accepted_credentials. A secondary that does not answer ' +
    'holds up no other, and is given later what it lacks. The exit status is 0 where all are up to ' +
    'date, and 1 where one lags.'
  static override examples = [
    { description: 'as cron does', command: '<%= config.bin %> myproxy-server replicate --syslog' },
    {
      description: 'of another server, and what it did',
      command: '<%= config.bin %> myproxy-server replicate -r /srv/myproxy -c server.config -v',
    },
    {
      description: 'to secondaries one of which lost its disk',
      command: '<%= config.bin %> myproxy-server replicate --all',
    },
  ]
  static override flags = {
    storage: Flags.string({
      char: 'r',
      description: 'storage directory of the server [default: /var/lib/myproxy]',
      helpValue: 'DIR',
    }),
    config: Flags.string({
      char: 'c',
      description: 'configuration of the server [default: /etc/myproxy-server.config]',
      helpValue: 'FILE',
    }),
    all: Flags.boolean({ description: 'send everything, whatever was given before' }),
    deadline: Flags.string({
      description: 'end after this time: seconds, or 5m; the next run goes on [default: 9m]',
      helpValue: 'TIME',
    }),
    verbose: Flags.boolean({ char: 'v', description: 'say of each credential what was done' }),
    syslog: Flags.boolean({
      description: 'write to syslog, as myproxy-replicate, and nowhere else',
      exclusive: ['json', 'verbose'],
    }),
    ...jsonFlag,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(MyProxyServerReplicate)
    const library = await loadLibrary()
    if (flags.vo !== undefined) {
      throw new library.VoboxError('USAGE', 'myproxy-server replicate has no use for --vo', {
        data: { option: 'vo' },
      })
    }
    const seconds = await secondsOf('deadline', flags.deadline, 's', 1)
    const options = {
      ...{ storage: flags.storage, config: flags.config, environment: process.env },
      deadlineMs: seconds === undefined ? undefined : seconds * 1000,
      resend: flags.all,
      signal: library.interruption(),
    }
    if (flags.syslog) {
      if (!(await library.replicateToSyslog(options))) process.exitCode = 1
      return
    }
    const done = await library.replicateRepository({
      ...options,
      onWarning: (sentence) => this.tell(sentence),
      ...(flags.verbose && { onStep: (sentence) => this.tell(sentence) }),
    })
    this.print(flags.json ? library.encodeReplicated(done) : library.showReplicated(done))
    if (library.lags(done)) process.exitCode = 1
  }
}
