import { Flags } from '@oclif/core'
import { MyProxyOwnerCommand, ownerFlags } from '../shared/myproxy-owner-command.js'
import { loadLibrary } from '../shared/vobox-command.js'

export default class MyProxyInfo extends MyProxyOwnerCommand {
  static override summary = 'Shows what you have stored on a MyProxy server'
  static override description =
    'All credentials under a name, or one of them: when it ends, who may renew and retrieve it, and ' +
    'whether an administrator locked it. The server answers their owner alone. The text has the lines ' +
    'of myproxy-info, and some of ours below them.'
  static override examples = [
    { description: 'what a VO-Box renews', command: '<%= config.bin %> myproxy info -d' },
    {
      description: 'on a certain server, as a table',
      command: '<%= config.bin %> myproxy info -s myproxy.example.org -l anna --table',
    },
  ]
  static override flags = {
    ...ownerFlags,
    credname: Flags.string({
      char: 'k',
      description: 'name of the one credential to show [default: all]',
      helpValue: 'NAME',
    }),
    table: Flags.boolean({
      description: 'print a row for each credential',
      exclusive: ['json', 'terse'],
    }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(MyProxyInfo)
    const library = await loadLibrary()
    const { ofKey } = await this.passPhrases({})
    const owner = await this.openOwner(flags, ofKey)
    const info = await library.askMyProxyInfo(owner)
    if (flags.json) this.print(library.encodeMyProxyInfo(info))
    else if (flags.table) this.print(library.showMyProxyTable(info))
    else this.print(library.showMyProxyInfo(info, flags.terse))
  }
}
