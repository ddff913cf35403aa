import { Flags } from '@oclif/core'
import { selectionFlags, VoboxCommand } from './shared/vobox-command.js'

export default class Env extends VoboxCommand {
  static override summary = 'Prints the line that makes a service script use a valid proxy'
  static override description =
    'Prints `export X509_USER_PROXY=…` of the proxy that was renewed last and is valid now. Fails, ' +
    'and prints nothing, when none is.'
  static override examples = [
    { description: 'in a service script', command: 'eval "$(<%= config.bin %> --vo alice env)"' },
    {
      description: 'with one role',
      command: 'eval "$(<%= config.bin %> env --voms alice:/alice/Role=lcgadmin)"',
    },
  ]
  static override flags = {
    ...selectionFlags,
    dn: Flags.string({
      description: "only proxies of this identity DN [default: 'all']",
      helpValue: 'DN',
    }),
  }

  async run(): Promise<void> {
    const { flags } = await this.parse(Env)
    await this.printAnswer('env', { ...flags, dn: flags.dn ?? 'all' })
  }
}
