import { Flags } from '@oclif/core'
import { secondsOf } from './shared/values.js'
import { jsonFlag, loadLibrary, VoboxCommand } from './shared/vobox-command.js'

export default class MachineProxy extends VoboxCommand {
  static override summary = 'Makes the machine proxy from the host certificate'
  static override description =
    'With it the service authenticates to MyProxy servers. Cron runs this every six hours as root, ' +
    'which signs in memory; the file, mode 0400, is written with the rights of the owner of its ' +
    'directory.'
  static override hiddenAliases = ['proxy']
  static override examples = [
    { description: 'as cron does', command: '<%= config.bin %> --vo alice machine-proxy' },
    {
      description: 'from another certificate, into another file',
      command:
        '<%= config.bin %> machine-proxy --cert cert.pem --key key.pem --hours 6 --out machine.pem',
    },
  ]
  static override flags = {
    cert: Flags.string({
      description: 'host certificate [default: /etc/grid-security/hostcert.pem]',
      helpValue: 'FILE',
    }),
    key: Flags.string({
      description: 'its key, readable by nobody else [default: /etc/grid-security/hostkey.pem]',
      helpValue: 'FILE',
    }),
    hours: Flags.string({
      char: 't',
      description: 'lifetime: hours, or 90m, 24h [default: 24]',
      helpValue: 'HOURS',
    }),
    owner: Flags.string({
      description: 'account that the file must belong to [default: the owner of its directory]',
      helpValue: 'ACCOUNT',
    }),
    out: Flags.string({
      description: 'where to put it [default: renewal-proxy.pem in the VO directory]',
      helpValue: 'FILE',
    }),
    ...jsonFlag,
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(MachineProxy)
    const { encodeMachineProxy, interruption, placeMachineProxy, showMachineProxy } =
      await loadLibrary()
    const seconds = await secondsOf('hours', flags.hours, 'h', 1)
    const made = await placeMachineProxy({
      vo: flags.vo,
      configFile: flags.config,
      environment: process.env,
      certificateFile: flags.cert,
      keyFile: flags.key,
      hours: seconds === undefined ? undefined : seconds / 3600,
      owner: flags.owner,
      out: flags.out,
      writer: [process.execPath, process.argv[1] ?? '', 'vobox-proxy', 'write-machine-proxy'],
      signal: interruption(),
    })
    this.print(flags.json ? encodeMachineProxy(made) : showMachineProxy(made))
    if (made.shortenedBySeconds > 0) this.tell('warning: the host certificate itself ends then')
  }
}
